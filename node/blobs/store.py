"""A store of blocks on disk that survives SIGKILL, and keeps sealed blobs to itself.

    blocks/ab/abcd…   one block each, named by its digest in hex
    sealed/abcd…      named by a blob's root: the digests of all its blocks, 32 bytes each
    partial/          files being written; what a dead process left here is swept when the store is opened

A file appears under its name whole or not at all: written in partial/, flushed to disk, then renamed. Every block
is hashed again when it is read. One process writes; its threads may share the store.
"""

import logging
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from ledger.blobs.cid import DIGEST_BYTES, digest_of
from ledger.blobs.dagpb import FILE_BYTES_MAX, NODE_BYTES_MAX, MalformedBlob, parse_node
from ledger.blobs.unixfs import CHUNK_BYTES, MAGIC, build_dag, read_dag, walk
from ledger.errors import NotYet, PeerFault
from ledger.files import make_folder, remove, sweep, write_whole

_log = logging.getLogger(__name__)


class NotStored(NotYet):
    """A block is not here, or was damaged and has been removed."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(f"block {digest.hex()[:12]} is not in the store")
        self.digest = digest


class BlockStore:
    """Blocks under root. Opening it creates the folders, sweeps partial/ and reads which blobs are sealed.

    All methods block on the disk: call them in a thread from async code. They raise OSError when the disk fails.
    """

    def __init__(self, root: Path) -> None:
        self._blocks, self._seals, self._partial = root / "blocks", root / "sealed", root / "partial"
        make_folder(root)
        for folder in (self._blocks, self._seals, self._partial):
            make_folder(folder)
        self._lock = threading.Lock()
        self._sealed = dict(self._read_seals())
        # A block may belong to several sealed blobs, so count.
        self._withheld = Counter(digest for blob in self._sealed.values() for digest in blob)
        sweep(self._partial)

    def put(self, data: bytes, *, sealed: bool = False) -> bytes:
        """Store a blob, which begins with b"FM", and return its root digest.

        sealed: not to be served before unseal(); that is on disk before the first block is. The root block comes
        last, so a put that was killed left no blob. Raises ValueError without the magic.
        """
        if not data.startswith(MAGIC):
            raise ValueError(f"a blob begins with {MAGIC!r}, got {data[:2]!r}")
        dag = build_dag(data)
        if sealed:
            self._mark_sealed(dag.root, dag.digests)
        for block in dag.blocks():
            self._write_block(block.digest, block.data)
        return dag.root

    def get(self, digest: bytes, max_bytes: int) -> bytes:
        """The blob with this root digest, every block checked.

        Raises NotStored if a block is missing or damaged, BlobTooLarge, MalformedBlob.
        """
        return read_dag(digest, self._require, max_bytes)

    def find(self, digest: bytes, max_bytes: int) -> bytes | None:
        """The same, None where it is not here whole, or is no blob."""
        try:
            return self.get(digest, max_bytes)
        except (NotStored, PeerFault):
            return None

    def has(self, digest: bytes) -> bool:
        """Whether all blocks of the blob are here. Leaves are looked for, not read; a malformed blob never is."""
        try:
            walked = walk(digest, self._require, FILE_BYTES_MAX, skip_leaves=True)
            return all(part.height or self._path(part.digest).exists() for part, _ in walked)
        except (NotStored, MalformedBlob):
            return False

    def read_block(self, digest: bytes) -> bytes | None:
        """One block, sealed or not, checked against its digest; a damaged one is removed and counts as missing."""
        path = self._path(digest)
        try:
            with path.open("rb") as file:
                data = file.read(CHUNK_BYTES + 1)
        except FileNotFoundError:
            return None
        if digest_of(data) == digest:
            return data
        _log.warning("block damaged, removed file=%s", path)
        path.unlink(missing_ok=True)
        return None

    def put_block(self, digest: bytes, data: bytes) -> None:
        """Store one block from elsewhere. Raises ValueError if it does not hash to digest or is above 1 MiB."""
        if len(data) > CHUNK_BYTES or digest_of(data) != digest:
            raise ValueError(f"{len(data)} bytes are not the block {digest.hex()[:12]}")
        self._write_block(digest, data)

    def remove(self, roots: Collection[bytes]) -> set[bytes]:
        """Delete these blobs, but for sealed ones and for blocks that another blob has too.

        Returns the roots that were here and are gone.
        """
        gone, below = set[bytes](), dict[bytes, list[bytes]]()
        for root in roots:
            if self.is_sealed(root) or not self._path(root).exists():
                continue
            below[root] = self._list_below(root)
            gone.add(root)
        # Also where all are of one block: what is named as a root may be a part of another blob.
        shared = self._list_linked(gone) if gone else set[bytes]()
        for root in gone:
            # The root first: what is left of a deletion that was cut short is no blob any more.
            for digest in (root, *below[root]):
                if digest not in shared and not self.is_sealed(digest):
                    self._path(digest).unlink(missing_ok=True)
        return gone

    def _list_linked(self, without: Collection[bytes]) -> set[bytes]:
        """The blocks that nodes in the store name, those of some blobs left out."""
        skipped = {digest for root in without for digest in self._list_below(root)} | set(without)
        found: set[bytes] = set()
        for path in self._blocks.glob("*/*"):
            digest = _parse_digest(path.name)
            if digest is not None and digest not in skipped and path.stat().st_size <= NODE_BYTES_MAX:
                with path.open("rb") as file, suppress(MalformedBlob):
                    # Most blobs are one leaf, and no node begins like that (R6.3).
                    if (head := file.read(len(MAGIC))) != MAGIC:
                        found.update(link.digest for link in parse_node(head + file.read()).links)
        return found

    def seal(self, digest: bytes) -> None:
        """Stop serving a blob that is stored. Raises NotStored if its nodes are not all here."""
        parts = walk(digest, self._require, FILE_BYTES_MAX, skip_leaves=True)
        self._mark_sealed(digest, tuple(dict.fromkeys(part.digest for part, _ in parts)))

    def unseal(self, digest: bytes) -> None:
        """Let a blob be served. Does nothing if it is not sealed."""
        with self._lock:
            if digest in self._sealed:
                remove(self._seals / digest.hex())
                self._withheld -= Counter(self._sealed.pop(digest))

    def is_sealed(self, digest: bytes) -> bool:
        """Whether the block, root or not, belongs to a sealed blob (R5)."""
        return self._withheld[digest] > 0

    def _read_seals(self) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
        """What is sealed. A damaged seal keeps back what it names still, and all that the blob's nodes name."""
        for path in self._seals.iterdir():
            root = _parse_digest(path.name)
            if root is None:
                _log.warning("no seal, not used file=%s", path)
                continue
            blocks = _read_digests(path)
            if root not in blocks:
                _log.warning("seal damaged file=%s", path)
                blocks = (root, *blocks, *self._list_below(root))
            yield root, tuple(dict.fromkeys(blocks))

    def _list_below(self, root: bytes) -> list[bytes]:
        try:
            return [part.digest for part, _ in walk(root, self._require, FILE_BYTES_MAX, skip_leaves=True)]
        except (NotStored, MalformedBlob):
            return []

    def _require(self, digest: bytes) -> bytes:
        data = self.read_block(digest)
        if data is None:
            raise NotStored(digest)
        return data

    def _path(self, digest: bytes) -> Path:
        if len(digest) != DIGEST_BYTES:
            raise ValueError(f"a digest is {DIGEST_BYTES} bytes, got {len(digest)}")
        name = digest.hex()
        return self._blocks / name[:2] / name

    def _mark_sealed(self, root: bytes, digests: tuple[bytes, ...]) -> None:
        blocks = tuple(dict.fromkeys(digests))
        with self._lock:
            if root not in self._sealed:
                self._write(self._seals / root.hex(), b"".join(blocks))
                self._sealed[root] = blocks
                self._withheld.update(blocks)

    def _write_block(self, digest: bytes, data: bytes) -> None:
        path = self._path(digest)
        # Reading it costs less than flushing it, and finds damage.
        if self.read_block(digest) is None:
            make_folder(path.parent)
            self._write(path, data)

    def _write(self, path: Path, data: bytes) -> None:
        write_whole(path, data, through=self._partial)


def _parse_digest(name: str) -> bytes | None:
    try:
        digest = bytes.fromhex(name)
    except ValueError:
        return None
    return digest if len(digest) == DIGEST_BYTES else None


def _read_digests(path: Path) -> tuple[bytes, ...]:
    data = path.read_bytes()
    whole = len(data) - len(data) % DIGEST_BYTES
    return tuple(data[at : at + DIGEST_BYTES] for at in range(0, whole, DIGEST_BYTES))
