"""The canonical chain: genesis, mining one block from many transactions, and reading any block or state back.

Everything here runs in one thread; nothing knows about JSON.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from eth.chains.base import MiningChain
from eth.constants import ZERO_ADDRESS
from eth.db.schema import SchemaV1
from eth.exceptions import CanonicalHeadNotFound, HeaderNotFound, TransactionNotFound
from eth_hash.auto import keccak
from eth_typing import Hash32
from eth_utils.address import to_canonical_address
from eth_utils.exceptions import ValidationError
from lru import LRU

from ledger.testchain.accounts import BALANCE_WEI, DEV_ACCOUNTS
from ledger.testchain.logs import Log, LogFilter, encode_logs
from ledger.testchain.store import ChainStore
from ledger.testchain.vm import Header, LocalVM, Receipt, State, Transaction

BLOCK_GAS_LIMIT = 60_000_000
INITIAL_BASE_FEE_WEI = 10**9
_CLOCK_OFFSET = "clock_offset_s"


class Offer(Protocol):
    """Transactions a miner may take, best first, each sender's in nonce order."""

    def peek(self) -> Transaction | None:
        """The best one left, or None."""

    def take(self) -> None:
        """It is in the block: go on to its sender's next."""

    def leave(self) -> None:
        """It stays for a later block, and so does the rest of its sender's."""

    def drop(self, reason: str) -> None:
        """It is invalid: forget it."""


class PoisonedTransaction(Exception):
    """The virtual machine failed on a transaction that it had accepted as valid; the block was abandoned."""

    def __init__(self, transaction: Transaction, error: Exception) -> None:
        super().__init__(f"0x{transaction.hash.hex()}: {error!r}")
        self.transaction = transaction


class BlockRecord(NamedTuple):
    """A whole block: `receipts[i]` is that of `transactions[i]`."""

    header: Header
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True)
class Genesis:
    """chain_id: EIP-155. secret: 32 bytes, source of every block's prevrandao. timestamp: Unix seconds."""

    chain_id: int
    secret: bytes
    timestamp: int


class LocalChain:
    """One canonical chain without forks, in a store."""

    def __init__(self, store: ChainStore, genesis: Genesis) -> None:
        self._store = store
        self._secret = genesis.secret
        self._records: LRU[bytes, BlockRecord] = LRU(128)
        configured = MiningChain.configure(
            __name__="LocalMiningChain", chain_id=genesis.chain_id, vm_configuration=((0, LocalVM),)
        )
        self._chain: Any = _open_or_create(configured, store, genesis)
        self.chain_id = genesis.chain_id
        self.head: Header = self._chain.get_canonical_head()
        self._offset_s = int.from_bytes(store.get_meta(_CLOCK_OFFSET) or b"", "big", signed=True)

    # --- time

    def clock(self, now_s: float) -> int:
        """The wall clock plus what `shift_clock` added, in Unix seconds."""
        return int(now_s) + self._offset_s

    def next_timestamp(self, now_s: float) -> int:
        """The next block's time: the clock, never before the head's."""
        return max(int(self.head.timestamp), self.clock(now_s))

    def shift_clock(self, seconds: int) -> int:
        """Move the chain's clock ahead of the wall clock for good. Returns the whole offset in seconds."""
        self._offset_s += seconds
        with self._store.block():
            self._store.set_meta(_CLOCK_OFFSET, self._offset_s.to_bytes(9, "big", signed=True))
        return self._offset_s

    # --- mining

    def next_header(self, timestamp: int) -> Header:
        """Header of the block after the head, before any transaction."""
        return self._chain.create_header_from_parent(
            self.head,
            timestamp=timestamp,
            gas_limit=BLOCK_GAS_LIMIT,
            coinbase=ZERO_ADDRESS,
            mix_hash=self._prevrandao(self.head.block_number + 1),
        )

    def mine(self, offer: Offer, timestamp: int) -> BlockRecord:
        """Make the next block of what the offer holds and commit it with all its state in one transaction.

        Raises PoisonedTransaction, with nothing written, if the virtual machine breaks on a transaction.
        """
        vm = self._chain.get_vm(self.next_header(timestamp))
        with self._store.block():
            header, transactions, receipts = _execute(vm, offer)
            block = vm.set_block_transactions_and_withdrawals(vm.get_block(), header, transactions, receipts)
            block = vm.finalize_block(block).block
            vm.validate_header(block.header, self.head)
            self._chain.chaindb.persist_block(block)
            record = BlockRecord(block.header, tuple(transactions), tuple(receipts))
            if block.header.bloom:
                self._store.add_logs(block.number, block.header.bloom, encode_logs(block.hash, *record[1:]))
        self._records[record.header.hash] = record
        self.head = record.header
        return record

    def _prevrandao(self, number: int) -> bytes:
        return bytes(keccak(self._secret + number.to_bytes(32, "big")))

    # --- reading

    def header_by_number(self, number: int) -> Header | None:
        """A canonical header, or None."""
        if number == self.head.block_number:
            return self.head
        try:
            return self._chain.get_canonical_block_header_by_number(number)
        except HeaderNotFound:
            return None

    def header_by_hash(self, block_hash: bytes) -> Header | None:
        """A header, or None. block_hash: 32 bytes."""
        # Other things than headers are stored under 32-byte keys (trie nodes, code): only a block that its
        # own number leads back to is one.
        if SchemaV1.make_block_hash_to_score_lookup_key(Hash32(block_hash)) not in self._store:
            return None
        return self._chain.get_block_header_by_hash(block_hash)

    def record(self, header: Header) -> BlockRecord:
        """The whole block under a header of this chain."""
        cached = self._records.get(header.hash)
        if cached is None:
            builder = LocalVM.get_block_class()
            transactions = self._chain.chaindb.get_block_transactions(header, builder.get_transaction_builder())
            receipts = self._chain.chaindb.get_receipts(header, builder.get_receipt_builder())
            cached = self._records[header.hash] = BlockRecord(header, tuple(transactions), tuple(receipts))
        return cached

    def locate(self, transaction_hash: bytes) -> tuple[BlockRecord, int] | None:
        """The block a mined transaction is in and its index there, or None. transaction_hash: 32 bytes."""
        try:
            number, index = self._chain.chaindb.get_transaction_index(transaction_hash)
        except TransactionNotFound:
            return None
        return self.record(self._chain.get_canonical_block_header_by_number(number)), index

    def state(self, header: Header) -> State:
        """The world after the block, to read or to execute in, as seen from inside a block with this header.

        Changes stay in memory. The base fee is zero in it, so that calls need no money.
        """
        vm = self._chain.get_vm(header)
        return vm.build_state(
            self._chain.chaindb.db, header.copy(base_fee_per_gas=0), vm.chain_context, vm.previous_hashes
        )

    def search_logs(self, wanted: LogFilter, first: int, last: int) -> Iterator[Log]:
        """The logs of the blocks first..last (both included) that match, in order."""
        for number, bloom in self._store.blooms(first, last):
            if wanted.may_match(bloom) and (encoded := self._store.logs(number)) is not None:
                yield from wanted.select(number, encoded)


def _open_or_create(configured: Any, store: ChainStore, genesis: Genesis) -> Any:
    try:
        return configured(store)
    except CanonicalHeadNotFound:
        pass
    account = {"balance": BALANCE_WEI, "nonce": 0, "code": b"", "storage": {}}
    with store.block():
        return configured.from_genesis(
            store,
            {
                "gas_limit": BLOCK_GAS_LIMIT,
                "difficulty": 0,
                "timestamp": genesis.timestamp,
                "base_fee_per_gas": INITIAL_BASE_FEE_WEI,
                "extra_data": b"folkmoot test chain",
            },
            {to_canonical_address(dev.address): account for dev in DEV_ACCOUNTS},
        )


@dataclass
class _Progress:
    """What py-evm reads of the header per transaction; copying a whole header each time costs more."""

    gas_used: int
    gas_limit: int


def _execute(vm: Any, offer: Offer) -> tuple[Header, list[Transaction], list[Receipt]]:
    """Run what is offered until nothing more fits. Returns the header with gas and bloom, and what was run."""
    progress = _Progress(0, BLOCK_GAS_LIMIT)
    transactions: list[Transaction] = []
    receipts: list[Receipt] = []
    bloom = 0
    while (transaction := offer.peek()) is not None:
        if progress.gas_used + transaction.gas > progress.gas_limit:
            offer.leave()
            continue
        try:
            vm.state.validate_transaction(transaction)
        except ValidationError as error:
            offer.drop(str(error))
            continue
        try:
            receipt, _ = vm.apply_transaction(progress, transaction)
        except Exception as error:  # whatever the library's bug is, this transaction must not stop the chain
            raise PoisonedTransaction(transaction, error) from error
        progress.gas_used = receipt.gas_used
        bloom |= receipt.bloom
        transactions.append(transaction)
        receipts.append(receipt)
        offer.take()
    return vm.get_header().copy(gas_used=progress.gas_used, bloom=bloom), transactions, receipts
