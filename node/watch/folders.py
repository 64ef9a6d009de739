"""Folders of nodes on this machine, read and never written: a node may be running in each."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from ledger.blobs.cid import digest_of
from ledger.blobs.unixfs import CHUNK_BYTES, parse_root, read_dag
from ledger.errors import NotYet, PeerFault
from node.operating.data_folder import FolderPlaces
from node.watch.source import Source

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


class _Lacking(NotYet):
    """A block is in no folder."""


class FolderBlobs:
    """Blobs out of nodes' block stores. Blocking; from any thread. What a disk does not give is lacking."""

    def __init__(self, roots: Iterable[Path]) -> None:
        """roots: what the nodes were given as --folder."""
        self._blocks = [root / "blobs" / "blocks" for root in roots]

    def read_block(self, digest: bytes) -> bytes | None:
        """A block that hashes to its digest; None where no folder has it."""
        name = digest.hex()
        for folder in self._blocks:
            data = _read(folder / name[:2] / name)
            if data is not None and digest_of(data) == digest:
                return data
        return None

    def put_block(self, digest: bytes, data: bytes) -> None:
        """Keep nothing: the folders are others'."""

    def find(self, digest: bytes, max_bytes: int) -> bytes | None:
        """A whole blob; None where it is not here whole. Raises PeerFault where the bytes make none."""
        try:
            return read_dag(digest, self._require, max_bytes)
        except _Lacking:
            return None

    def find_size(self, digest: bytes, max_bytes: int) -> int | None:
        """How many bytes a blob has, by its root block alone; None where that is not here, or is none."""
        return read_size(digest, self.read_block(digest), max_bytes)

    def _require(self, digest: bytes) -> bytes:
        block = self.read_block(digest)
        if block is None:
            raise _Lacking(f"block {digest.hex()[:12]} is in no folder")
        return block


def read_size(digest: bytes, block: bytes | None, max_bytes: int) -> int | None:
    """How many bytes a blob has, by its root block, which hashes to the digest; None for none, or what is none."""
    try:
        return None if block is None else parse_root(digest, block, max_bytes).size_bytes
    except PeerFault:
        return None


def find_places(source: Source) -> Sequence[FolderPlaces]:
    """Where nodes of this circle keep their files in the folders that the page was given. Raises NotReady."""
    opening = source.view.list_round(0)
    opened_in = opening[0].block_hash if opening else ""
    return [FolderPlaces(root, source.circle.network, opened_in) for root in source.folders]


def _read(path: Path) -> bytes | None:
    """A small file; None where there is none that can be read."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return None
    try:
        # [REJECT] sizes first: no block is larger.
        data = os.read(handle, CHUNK_BYTES + 1)
        return data if len(data) <= CHUNK_BYTES else None
    except OSError:
        return None
    finally:
        os.close(handle)
