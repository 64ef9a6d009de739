"""The canonical chain: genesis, mining one block from many transactions, and reading any block or state back.

Everything here runs in one thread; nothing knows about JSON.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth.chains.base import MiningChain
from eth.constants import ZERO_ADDRESS
from eth.db.schema import SchemaV1
from eth.exceptions import CanonicalHeadNotFound, HeaderNotFound, TransactionNotFound
from eth_hash.auto import keccak
from eth_typing import Hash32
from eth_utils.address import to_canonical_address

from ledger.testchain.accounts import BALANCE_WEI, DEV_ACCOUNTS
from ledger.testchain.evm.execution import Offer, execute
from ledger.testchain.evm.vm import Header, LocalState, LocalVM, WorldState
from ledger.testchain.storage.blocks import BlockReader, BlockRecord, MinedTransaction
from ledger.testchain.storage.logs import Log, LogFilter, encode_logs
from ledger.testchain.storage.rewinding import take_off
from ledger.testchain.storage.store import ChainStore

BLOCK_GAS_LIMIT = 60_000_000
INITIAL_BASE_FEE_WEI = 10**9
_CLOCK_OFFSET = "clock_offset_s"
_BRANCH = "branch"


@dataclass(frozen=True)
class ChainGenesis:
    """What a chain begins with."""

    chain_id: int
    """EIP-155."""
    secret: bytes
    """32 bytes, source of every block's prevrandao."""
    timestamp: int
    """Unix seconds."""


class LocalChain:
    """One canonical chain in a store: it grows at its head, and its last blocks can be taken off again."""

    def __init__(self, store: ChainStore, genesis: ChainGenesis) -> None:
        self._store = store
        self._secret = genesis.secret
        self._blocks = BlockReader(store)
        configured = MiningChain.configure(
            __name__="LocalMiningChain", chain_id=genesis.chain_id, vm_configuration=((0, LocalVM),)
        )
        self._chain: Any = _open_or_create(configured, store, genesis)
        self.chain_id = genesis.chain_id
        self.head: Header = self._chain.get_canonical_head()
        self._offset_s = int.from_bytes(store.get_meta(_CLOCK_OFFSET) or b"", "big", signed=True)
        self._branch = int.from_bytes(store.get_meta(_BRANCH) or b"", "big")

    # --- time

    def clock(self, now_s: float) -> int:
        """The wall clock plus what `shift_clock` added, in Unix seconds."""
        return int(now_s) + self._offset_s

    def next_timestamp(self, now_s: float) -> int:
        """The next block's time: the clock, never before the head's."""
        return max(int(self.head.timestamp), self.clock(now_s))

    def shift_clock(self, seconds: int) -> int:
        """Move the chain's clock ahead of the wall clock for good. Returns the whole offset in seconds."""
        self._set_offset(self._offset_s + seconds)
        return self._offset_s

    def _set_offset(self, seconds: int) -> None:
        with self._store.block():
            self._store.set_meta(_CLOCK_OFFSET, seconds.to_bytes(9, "big", signed=True))
        self._offset_s = seconds

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

    def mine(self, offer: Offer, timestamp: int, change: Callable[[WorldState], None] | None = None) -> BlockRecord:
        """Make the next block of what the offer holds and commit it with all its state in one transaction.

        change: made to the state beforehand, as if it had been so.
        Raises PoisonedTransaction, with nothing written, if the virtual machine breaks on a transaction.
        """
        vm = self._chain.get_vm(self.next_header(timestamp))
        with self._store.block():
            if change is not None:
                change(vm.state)
            header, transactions, receipts = execute(vm, offer, BLOCK_GAS_LIMIT)
            block = vm.set_block_transactions_and_withdrawals(vm.get_block(), header, transactions, receipts)
            block = vm.finalize_block(block).block
            vm.validate_header(block.header, self.head)
            self._chain.chaindb.persist_block(block)
            record = BlockRecord(block.header, tuple(transactions), tuple(receipts))
            if block.header.bloom:
                self._store.add_logs(block.number, block.header.bloom, encode_logs(*record))
        self._blocks.keep(record)
        self.head = record.header
        return record

    def _prevrandao(self, number: int) -> bytes:
        # A reorganised chain draws anew, so that no block comes back under its old hash.
        branch = self._branch.to_bytes(8, "big") if self._branch else b""
        return bytes(keccak(self._secret + number.to_bytes(32, "big") + branch))

    # --- going back

    def snapshot(self) -> int:
        """Note the head. Returns an id for `revert`: 0 first, never the same twice."""
        with self._store.block():
            return self._store.add_snapshot(self.head.block_number)

    def snapshot_number(self, snapshot_id: int) -> int | None:
        """Number of the block that was the head at a snapshot, or None if there is no such snapshot (any more)."""
        return self._store.snapshot(snapshot_id)

    def revert(self, snapshot_id: int, now_s: float) -> bool:
        """Take the chain back to a snapshot, which goes, and so do the later ones. Returns whether there was one.

        The clock starts again from the head's timestamp. All of it is one transaction of the store.
        """
        number = self._store.snapshot(snapshot_id)
        if number is None:
            return False
        with self._all_or_nothing():
            self._rewind(number)
            self._store.drop_snapshots(snapshot_id)
            self._set_offset(int(self.head.timestamp) - int(now_s))
        return True

    def reorganise(self, offers: Sequence[Offer]) -> list[BlockRecord]:
        """Replace the last blocks by as many others, made of these offers, at the same times.

        All of it is one transaction of the store. Snapshots of replaced blocks go. Returns the new blocks.
        """
        first = self.head.block_number - len(offers) + 1
        times = [self._stored_header(number).timestamp for number in range(first, self.head.block_number + 1)]
        with self._all_or_nothing():
            self._rewind(first - 1)
            self._store.drop_snapshots_above(first - 1)
            self._branch += 1
            self._store.set_meta(_BRANCH, self._branch.to_bytes(8, "big"))
            return [self.mine(offer, timestamp) for offer, timestamp in zip(offers, times, strict=True)]

    def _rewind(self, number: int) -> None:
        while self.head.block_number > number:
            parent = self._chain.get_block_header_by_hash(self.head.parent_hash)
            take_off(self._store, self._chain.chaindb, self.head)
            self.head = parent

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """One transaction of the store; if it fails, this object is as it was before, too."""
        before = self.head, self._branch, self._offset_s
        try:
            with self._store.block():
                yield
        except BaseException:
            self.head, self._branch, self._offset_s = before
            raise

    # --- reading

    def header_by_number(self, number: int) -> Header | None:
        """A canonical header, or None."""
        if number == self.head.block_number:
            return self.head
        try:
            return self._stored_header(number)
        except HeaderNotFound:
            return None

    def _stored_header(self, number: int) -> Header:
        return self._chain.get_canonical_block_header_by_number(number)

    def header_by_hash(self, block_hash: bytes) -> Header | None:
        """A header, or None. block_hash: 32 bytes."""
        # Other things than headers are stored under 32-byte keys (trie nodes, code): only a block that its
        # own number leads back to is one.
        if SchemaV1.make_block_hash_to_score_lookup_key(Hash32(block_hash)) not in self._store:
            return None
        return self._chain.get_block_header_by_hash(block_hash)

    def read_record(self, header: Header) -> BlockRecord:
        """The whole block under a header of this chain."""
        return self._blocks.read_record(header)

    def locate(self, transaction_hash: bytes) -> tuple[BlockRecord, int] | None:
        """The block a mined transaction is in and its index there, or None. transaction_hash: 32 bytes."""
        place = self._place(transaction_hash)
        return None if place is None else (self.read_record(place[0]), place[1])

    def read_transaction(self, transaction_hash: bytes) -> MinedTransaction | None:
        """Like `locate`, without reading the rest of the block."""
        place = self._place(transaction_hash)
        return None if place is None else self._blocks.read_transaction(*place)

    def _place(self, transaction_hash: bytes) -> tuple[Header, int] | None:
        try:
            number, index = self._chain.chaindb.get_transaction_index(transaction_hash)
        except TransactionNotFound:
            return None
        return self._stored_header(number), index

    def state(self, header: Header, kind: type[LocalState] = LocalState) -> WorldState:
        """The world after the block, to read or to execute in, as seen from inside a block with this header.

        Changes stay in memory. The base fee is zero in it, so that calls need no money. kind: the state's class.
        """
        vm = self._chain.get_vm(header)
        inside = header.copy(base_fee_per_gas=0)
        context = vm.create_execution_context(inside, vm.previous_hashes, vm.chain_context)
        return kind(self._chain.chaindb.db, context, header.state_root)

    def encoded_logs(self, number: int) -> bytes | None:
        """A block's logs as `LogFilter.select` takes them, or None if it has none."""
        return self._store.logs(number)

    def search_logs(self, wanted: LogFilter, first: int, last: int) -> Iterator[Log]:
        """The logs of the blocks first..last (both included) that match, in order."""
        for number, bloom in self._store.blooms(first, last):
            if wanted.may_match(bloom) and (encoded := self._store.logs(number)) is not None:
                yield from wanted.select(number, encoded)


def _open_or_create(configured: Any, store: ChainStore, genesis: ChainGenesis) -> Any:
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
