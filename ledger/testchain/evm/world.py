"""The world state's database of py-evm, over tries that take all changes of a block at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth.constants import BLANK_ROOT_HASH
from eth.db.accesslog import KeyAccessLoggerDB
from eth.db.account import AccountDB
from eth.db.batch import BatchDB
from eth.db.cache import CacheDB
from eth.db.hash_trie import HashTrie
from eth.db.journal import JournalDB
from eth.db.storage import AccountStorageDB, StorageLookup
from eth_typing import Address, Hash32

from ledger.testchain.evm.tries import changed_trie, find


class GatheringTrie:
    """Does what py-evm asks of py-trie's HexaryTrie; changes are gathered until the root is asked for."""

    def __init__(self, nodes: Any, root_hash: Hash32) -> None:
        self._nodes, self._root_hash = nodes, root_hash
        self._changes: dict[bytes, bytes] = {}

    @property
    def root_hash(self) -> Hash32:
        """With all changes made."""
        if self._changes:
            self._root_hash, made = changed_trie(self._nodes, self._root_hash, self._changes)
            self._changes = {}
            for digest, node in made.items():
                self._nodes[digest] = node
        return self._root_hash

    @root_hash.setter
    def root_hash(self, value: Hash32) -> None:
        self._changes, self._root_hash = {}, value

    def __getitem__(self, key: bytes) -> bytes:
        changed = self._changes.get(key)
        return find(self._nodes, self._root_hash, key) if changed is None else changed

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._changes[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._changes[key] = b""

    def __contains__(self, key: bytes) -> bool:
        return bool(self[key])

    @contextmanager
    def squash_changes(self) -> Iterator["GatheringTrie"]:
        """All changes of the body or, on an error, none."""
        before = self.root_hash
        try:
            yield self
        except BaseException:
            self.root_hash = before
            raise


class _StorageLookup(StorageLookup):
    _write_trie: Any
    _trie_nodes_batch: Any

    def _get_write_trie(self) -> Any:
        if self._trie_nodes_batch is None:
            self._trie_nodes_batch = BatchDB(self._db, read_through_deletes=True)
        if self._write_trie is None:
            self._write_trie = GatheringTrie(self._trie_nodes_batch, self._starting_root_hash)
        return self._write_trie

    def _get_read_trie(self) -> Any:
        return (
            self._get_write_trie() if self.has_changed_root else GatheringTrie(self._db, self._starting_root_hash)
        )


class _StorageDB(AccountStorageDB):
    def __init__(self, db: Any, storage_root: Hash32, address: Address) -> None:
        super().__init__(db, storage_root, address)
        self._storage_lookup = _StorageLookup(db, storage_root, address)
        self._storage_cache = CacheDB(self._storage_lookup)
        self._locked_changes = JournalDB(self._storage_cache)
        self._journal_storage = JournalDB(self._locked_changes)


class WorldDB(AccountDB):
    """py-evm's database of accounts, with our tries below its caches and journals."""

    def __init__(self, db: Any, state_root: Hash32 = BLANK_ROOT_HASH) -> None:
        super().__init__(db, state_root)
        self._trie = HashTrie(GatheringTrie(self._batchtrie, state_root))  # type: ignore[arg-type]  # as good as a HexaryTrie
        self._trie_logger = KeyAccessLoggerDB(self._trie, log_missing_keys=False)
        self._trie_cache = CacheDB(self._trie_logger)
        self._journaltrie = JournalDB(self._trie_cache)

    def _get_address_store(self, address: Address) -> Any:
        store = self._account_stores.get(address)
        if store is None:
            store = _StorageDB(self._raw_store_db, self._get_storage_root(address), address)
            self._account_stores[address] = store
        return store
