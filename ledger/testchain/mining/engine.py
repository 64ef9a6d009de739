"""Chain, mempool and data directory of one running test chain. Every method runs in the chain's one thread."""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from eth_hash.auto import keccak

from ledger.errors import SetupError
from ledger.files import FolderLock, make_folder
from ledger.testchain.evm.execution import PoisonedTransaction
from ledger.testchain.evm.transactions import TransactionRejected, decode_transaction
from ledger.testchain.evm.vm import Header, Transaction, WorldState
from ledger.testchain.mining.chain import ChainGenesis, LocalChain
from ledger.testchain.mining.mempool import ListOffer, Mempool
from ledger.testchain.storage.blocks import BlockRecord
from ledger.testchain.storage.store import ChainStore

_log = logging.getLogger(__name__)


class BlockPace(NamedTuple):
    """When blocks are made: every interval_s seconds; if that is 0, at once (`is_instant`) or only when asked."""

    is_instant: bool = True
    interval_s: float = 0.0


@dataclass(frozen=True)
class BlockNews:
    """A block came, or went when the chain was taken back."""

    header: Header
    """The block's."""
    logs: bytes | None
    """For `LogFilter.select`; None if there are none."""
    is_removed: bool = False
    """It went."""


class Engine:
    """Opens (or creates) the chain in a data directory and holds its lock until `close`.

    Raises SetupError if another process has the directory open, or it belongs to another chain id or seed.
    """

    def __init__(self, data_dir: Path, chain_id: int, seed: int | None) -> None:
        self._lock = _lock(data_dir)
        try:
            self.store = ChainStore(data_dir / "chain.sqlite")
            secret = _claim_store(self.store, data_dir, chain_id, seed)
            self.chain = LocalChain(self.store, ChainGenesis(chain_id, secret, int(time.time())))
        except BaseException:
            self._lock.release()
            raise
        self.pool = Mempool()
        self.pace = BlockPace()
        # Told of every block, in the chain's thread; they must return at once.
        self.listeners: list[Callable[[BlockNews], None]] = []
        # The same for transactions that a block could hold now: whether anybody wants to know, and who is told.
        self.pool_listeners: list[tuple[Callable[[], bool], Callable[[Transaction], None]]] = []
        self._head_state: WorldState | None = None
        self._next_timestamp: int | None = None

    def close(self) -> None:
        """Close the store and let the directory go."""
        self.store.close()
        self._lock.release()

    @property
    def head(self) -> Header:
        """Header of the latest block."""
        return self.chain.head

    def head_state(self) -> WorldState:
        """The world after the latest block, for reading only; rebuilt after each block."""
        if self._head_state is None:
            self._head_state = self.chain.state(self.head)
        return self._head_state

    def forget_state(self) -> None:
        """Let `head_state` be built anew."""
        self._head_state = None

    def nonce_of(self, sender: bytes) -> int:
        """An account's next nonce after the latest block."""
        return int(self.head_state().get_nonce(sender))

    def next_base_fee_wei(self) -> int:
        """Base fee of the block after the head (EIP-1559)."""
        return int(calculate_expected_base_fee_per_gas(self.head))

    def pending_header(self) -> Header:
        """Header of the next block at this moment, with the latest block's prevrandao.

        The real one stays unknown until the block exists, so nobody can act on it beforehand.
        """
        header = self.chain.next_header(self.next_timestamp())
        return header.copy(mix_hash=self.head.mix_hash)

    def pending(self) -> list[Transaction]:
        """What the next block would try, in order."""
        offer = self.pool.offer(self.next_base_fee_wei(), self.nonce_of)
        found = []
        while (transaction := offer.peek()) is not None:
            found.append(transaction)
            offer.take()
        return found

    def next_timestamp(self) -> int:
        """The next block's time if it were mined now, in Unix seconds."""
        if self._next_timestamp is not None:
            return self._next_timestamp
        return self.chain.next_timestamp(time.time())

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block this time, not before the head's; the clock runs on from there."""
        assert timestamp >= self.head.timestamp
        self._next_timestamp = timestamp

    def set_clock(self, timestamp: int) -> None:
        """Let the chain's clock read `timestamp` (Unix seconds) now and run on from there."""
        self.chain.shift_clock(timestamp - self.chain.clock(time.time()))

    def submit(self, raw: bytes) -> bytes:
        """Check a signed transaction and pool it. Returns its hash. Raises TransactionRejected."""
        transaction = decode_transaction(raw, self.chain.chain_id)
        sender = transaction.sender
        nonce, tells = self.nonce_of(sender), [tell for is_wanted, tell in self.pool_listeners if is_wanted()]
        ready = self.pool.pending_nonce(sender, nonce) if tells else 0
        self.pool.add(transaction, nonce, self.head_state().get_balance(sender))
        for tell in tells:
            for one in self._made_ready(transaction, nonce, ready):
                tell(one)
        return bytes(transaction.hash)

    def _made_ready(self, pooled: Transaction, nonce: int, ready: int) -> list[Transaction]:
        """What a block could hold, now that `pooled` came. nonce: its sender's; ready: the one it lacked before."""
        if pooled.nonce < ready:
            return [pooled]
        until = self.pool.pending_nonce(pooled.sender, nonce)
        return [one for at, one in self.pool.by_nonce(pooled.sender) if ready <= at < until]

    def is_ready(self) -> bool:
        """Whether the next block would hold a transaction."""
        return len(self.pool) > 0 and self.pool.is_ready(self.next_base_fee_wei(), self.nonce_of)

    def mine(self, timestamp: int | None = None) -> BlockRecord:
        """Mine one block, empty if nothing is ready. timestamp: Unix seconds, by default the chain's clock."""
        if timestamp is None:
            timestamp = self.next_timestamp()
        if self._next_timestamp is not None:
            self.set_clock(timestamp)
        while True:
            offer = self.pool.offer(self.next_base_fee_wei(), self.nonce_of)
            try:
                record = self.chain.mine(offer, timestamp)
                break
            except PoisonedTransaction as poisoned:
                _log.error("transaction dropped reason=%s", poisoned)
                self.pool.settle((), (poisoned.transaction,))
        for transaction, reason in offer.dropped:
            _log.warning("transaction dropped hash=%s reason=%s", transaction.hash.hex(), reason)
        self.pool.settle(record.transactions, (transaction for transaction, _ in offer.dropped))
        self._next_timestamp = None
        self.forget_state()
        self._announce(record.header)
        return record

    def alter(self, change: Callable[[WorldState], None]) -> None:
        """Change the state by a block that holds nothing else; what is pooled stays pooled."""
        timestamp = self.next_timestamp()
        record = self.chain.mine(ListOffer(()), timestamp, change)
        self.forget_state()
        self._announce(record.header)

    def mine_if_ready(self) -> bool:
        """Mine one block if it would hold a transaction. Returns whether it did."""
        if not self.is_ready():
            return False
        self.mine()
        return True

    def revert(self, snapshot_id: int) -> bool:
        """Take the chain back to a snapshot. Returns whether there was one. Pooled transactions stay pooled."""
        number = self.chain.snapshot_number(snapshot_id)
        if number is None:
            return False
        gone = self._news_above(number)
        self.chain.revert(snapshot_id, time.time())
        self._changed(gone)
        return True

    def reorganise(self, blocks: Sequence[Sequence[bytes]]) -> None:
        """Replace the last blocks by as many others, of these signed transactions. Pooled ones stay pooled.

        Raises TransactionRejected, with nothing changed, if a transaction is malformed or breaks the machine.
        What the new blocks cannot hold (a nonce or fee that does not fit) is left out.
        """
        offers = [ListOffer(decode_transaction(raw, self.chain.chain_id) for raw in raws) for raws in blocks]
        gone = self._news_above(self.head.block_number - len(blocks))
        try:
            records = self.chain.reorganise(offers)
        except PoisonedTransaction as poisoned:
            raise TransactionRejected(str(poisoned)) from poisoned
        self._changed(gone)
        for record in records:
            self.pool.settle(record.transactions, ())
            self._announce(record.header)

    def _news_above(self, number: int) -> list[BlockNews]:
        """What subscribers hear when these blocks go, newest first. A block without logs goes in silence."""
        if not self.listeners:
            return []
        logged = [
            (header, logs)
            for at in range(self.head.block_number, number, -1)
            if (logs := self.chain.encoded_logs(at)) and (header := self.chain.header_by_number(at))
        ]
        return [BlockNews(header, logs, is_removed=True) for header, logs in logged]

    def _changed(self, gone: Sequence[BlockNews]) -> None:
        self._next_timestamp = None
        self.forget_state()
        for news in gone:
            self._tell(news)

    def _announce(self, header: Header) -> None:
        if self.listeners:
            self._tell(BlockNews(header, self.chain.encoded_logs(header.block_number) if header.bloom else None))

    def _tell(self, news: BlockNews) -> None:
        for listener in self.listeners:
            listener(news)


def _lock(data_dir: Path) -> FolderLock:
    """Take the directory, making it if needed. Raises SetupError."""
    try:
        make_folder(data_dir)
        return FolderLock(data_dir, "another chain")
    except OSError as error:
        raise SetupError(f"{data_dir} cannot be used ({error.strerror}): choose another data directory") from error


def _claim_store(store: ChainStore, data_dir: Path, chain_id: int, seed: int | None) -> bytes:
    """Claim a fresh store, or check that it is ours. Returns the secret behind prevrandao, 32 bytes."""
    stored_id, stored_secret = store.get_meta("chain_id"), store.get_meta("secret")
    wanted = None if seed is None else bytes(keccak(b"folkmoot test chain seed " + str(seed).encode()))
    if stored_id is None or stored_secret is None:
        secret = wanted or secrets.token_bytes(32)
        with store.block():
            store.set_meta("chain_id", str(chain_id).encode())
            store.set_meta("secret", secret)
        return secret
    if stored_id != str(chain_id).encode():
        raise SetupError(
            f"{data_dir} holds chain id {stored_id.decode()}, not {chain_id}: "
            "choose that chain id or another data directory"
        )
    if wanted is not None and wanted != stored_secret:
        raise SetupError(
            f"{data_dir} was made with another seed: leave the seed out or choose another data directory"
        )
    return stored_secret
