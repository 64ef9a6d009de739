"""The chain's key-value store: py-evm's database interface over one sqlite file, one transaction a block.

Three small tables stand beside it: `meta` (what the data directory belongs to), `logged` (for each block that has
logs its header bloom and the logs themselves, so that a log search reads no header and no receipt trie) and
`snapshots` (the blocks to which the chain can be taken back).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eth.abc import AtomicWriteBatchAPI
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB
from lru import LRU

from ledger.errors import SetupError

BLOOM_BYTES = 256
_SMALL_BYTES = 1024
_INTEGERS_END = 1 << 63  # of SQLite
_SCHEMA = """
CREATE TABLE IF NOT EXISTS kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logged (number INTEGER PRIMARY KEY, bloom BLOB NOT NULL, logs BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL);
"""


class ChainStore(BaseAtomicDB):
    """Bytes to bytes, durable at the end of each `block()`; use it from one thread at a time.

    Journal mode WAL, synchronous NORMAL: after SIGKILL it reopens at the last whole block; after a power cut
    it may lose the latest blocks, never part of one. Raises SetupError if the file is not a chain store.
    """

    def __init__(self, path: Path) -> None:
        self._writes: dict[bytes, bytes | None] | None = None
        # Values are immutable to py-evm (nodes, code, headers), so reads are cached; the two sizes bound memory.
        self._small: LRU[bytes, bytes] = LRU(65_536)
        self._large: LRU[bytes, bytes] = LRU(512)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise SetupError(f"{path} cannot be opened ({error}): choose another data directory") from error

    def close(self) -> None:
        """Close the file; whatever an open `block()` wrote is dropped."""
        self._db.close()

    @contextmanager
    def block(self) -> Iterator[None]:
        """Collect every write of the body and commit them as one sqlite transaction; on an error, none of them.

        Nested use joins the outer block.
        """
        if self._writes is not None:
            yield
            return
        self._writes = {}
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._flush(self._writes)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            self._remember(self._writes)
        finally:
            self._writes = None

    def _flush(self, writes: dict[bytes, bytes | None]) -> None:
        rows = [(key, value) for key, value in writes.items() if value is not None]
        self._db.executemany("INSERT OR REPLACE INTO kv VALUES (?, ?)", rows)
        gone = [(key,) for key, value in writes.items() if value is None]
        self._db.executemany("DELETE FROM kv WHERE key = ?", gone)

    def _remember(self, writes: dict[bytes, bytes | None]) -> None:
        for key, value in writes.items():
            if value is None:
                self._small.pop(key, None)
                self._large.pop(key, None)
            else:
                self._cache(key, value)

    def _cache(self, key: bytes, value: bytes) -> None:
        # A key may change size (a canonical-chain pointer), so it must never be in both caches.
        keep, other = (self._small, self._large) if len(value) <= _SMALL_BYTES else (self._large, self._small)
        keep[key] = value
        other.pop(key, None)

    def __getitem__(self, key: bytes) -> bytes:
        if self._writes is not None and key in self._writes:
            value = self._writes[key]
            if value is None:
                raise KeyError(key)
            return value
        cached = self._small.get(key) or self._large.get(key)
        if cached is not None:
            return cached
        row = self._db.execute("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        self._cache(key, row[0])
        return bytes(row[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        with self.block():
            assert self._writes is not None
            self._writes[key] = value

    def __delitem__(self, key: bytes) -> None:
        if key not in self:
            raise KeyError(key)
        with self.block():
            assert self._writes is not None
            self._writes[key] = None

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """py-evm's own batches: each joins the open block, or is a transaction of its own."""
        with self.block(), AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch

    def get_meta(self, name: str) -> bytes | None:
        """The value stored under a name, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_meta(self, name: str, value: bytes) -> None:
        """Store a value; inside `block()` it commits with the block."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def add_logs(self, number: int, bloom: int, logs: bytes) -> None:
        """Keep a block's logs, encoded by the caller, under its header bloom; inside `block()` with the block."""
        row = (number, bloom.to_bytes(BLOOM_BYTES, "big"), logs)
        self._db.execute("INSERT OR REPLACE INTO logged VALUES (?, ?, ?)", row)

    def blooms(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """(block number, header bloom) of the blocks first..last (both included) that have logs, in order."""
        query = "SELECT number, bloom FROM logged WHERE number BETWEEN ? AND ? ORDER BY number"
        for number, bloom in self._db.execute(query, (first, last)):
            yield number, int.from_bytes(bloom, "big")

    def logs(self, number: int) -> bytes | None:
        """What `add_logs` kept of a block, or None if it has no logs."""
        row = self._db.execute("SELECT logs FROM logged WHERE number = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def drop_logs(self, number: int) -> None:
        """Forget what `add_logs` kept of a block; inside `block()` with the block."""
        self._db.execute("DELETE FROM logged WHERE number = ?", (number,))

    def add_snapshot(self, number: int) -> int:
        """Note a block number under a new id, which was never used before. Returns the id, counted from 0."""
        row = self._db.execute("INSERT INTO snapshots (number) VALUES (?) RETURNING id", (number,)).fetchone()
        return int(row[0]) - 1

    def snapshot(self, snapshot_id: int) -> int | None:
        """The block number under an id, or None."""
        if snapshot_id >= _INTEGERS_END - 1:
            return None  # no such number can be kept, nor asked for
        row = self._db.execute("SELECT number FROM snapshots WHERE id = ?", (snapshot_id + 1,)).fetchone()
        return None if row is None else int(row[0])

    def drop_snapshots(self, first_id: int) -> None:
        """Forget the snapshots from an id on; inside `block()` with the rest of what it does."""
        self._db.execute("DELETE FROM snapshots WHERE id > ?", (first_id,))

    def drop_snapshots_above(self, number: int) -> None:
        """Forget the snapshots of later blocks than this one; inside `block()` with the rest of what it does."""
        self._db.execute("DELETE FROM snapshots WHERE number > ?", (number,))
