"""Blobs of a peer's own store as a mapping that reads them when asked: what is held costs no memory."""

from collections.abc import Iterator, Mapping

from ledger.errors import PeerFault
from node.blobs.store import BlockStore, NotStored


class StoredBlobs(Mapping[bytes, bytes | None]):
    """digest → bytes, None for bytes that make no blob (too large, or a broken DAG).

    What is damaged or lost between a look and its reading is a KeyError. Blocks on the disk: use it in a thread.
    """

    def __init__(self, store: BlockStore, max_bytes: int, digests: Mapping[bytes, bool]) -> None:
        """digests: those that were fetched, and whether a blob can be made of each; it may grow."""
        self._store, self._max_bytes, self._digests = store, max_bytes, digests

    def __getitem__(self, digest: bytes) -> bytes | None:
        if not self._digests[digest]:
            return None
        try:
            return self._store.get(digest, self._max_bytes)
        except NotStored as error:
            raise KeyError(digest) from error
        except PeerFault:
            return None

    def __contains__(self, digest: object) -> bool:
        return digest in self._digests

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._digests)

    def __len__(self) -> int:
        return len(self._digests)
