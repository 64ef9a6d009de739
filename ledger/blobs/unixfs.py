"""Blobs as UnixFS files of the profile unixfs-v1-2025, built and read back block by block.

1 MiB chunks, 1024 links a node, balanced, raw leaves, CIDv1, sha2-256: Kubo, Helia and js-ipfs give the
same CIDs. The chain names a blob by the digest of its root block alone. Every blob begins with b"FM", and no
dag-pb node can (it would be protobuf field 8 of a type that does not exist), so the root's first bytes tell.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from itertools import accumulate
from typing import NamedTuple

from ledger.blobs.cid import DAG_PB, DIGEST_BYTES, RAW, digest_of
from ledger.blobs.dagpb import LINKS_MAX, BlockLink, MalformedBlob, Node, encode_node, parse_node
from ledger.errors import PeerFault

__all__ = ["BlobTooLarge", "Block", "BlockLink", "Dag", "MalformedBlob", "Node", "Part", "build_dag", "parse_node"]

MAGIC = b"FM"
CHUNK_BYTES = 1 << 20


class BlobTooLarge(PeerFault):
    """The root says the blob is larger than allowed: refused before its leaves are fetched."""

    def __init__(self, digest: bytes, size_bytes: int, max_bytes: int) -> None:
        super().__init__(f"{digest.hex()[:12]}: the blob has {size_bytes} bytes, at most {max_bytes} are allowed")
        self.digest, self.size_bytes, self.max_bytes = digest, size_bytes, max_bytes


class Block(NamedTuple):
    """One block."""

    digest: bytes
    """32 bytes, sha2-256 of data."""
    codec: int
    """RAW or DAG_PB."""
    data: bytes
    """The block's bytes."""


@dataclass(frozen=True)
class Dag:
    """A blob cut into blocks."""

    root: bytes
    """Digest of the root block, 32 bytes: what the chain anchors."""
    codec: int
    """The root's: RAW or DAG_PB."""
    data: bytes
    """The blob's bytes."""
    leaves: tuple[bytes, ...]
    """The leaves' digests, in the order of the blob."""
    nodes: tuple[Block, ...]
    """The inner nodes, each behind those below it."""

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    @property
    def digests(self) -> tuple[bytes, ...]:
        """Every block's digest, the root last."""
        return self.leaves + tuple(node.digest for node in self.nodes)

    def blocks(self) -> Iterator[Block]:
        """Leaves first, the root last: stored in this order, a root is only there with all below it."""
        for index, digest in enumerate(self.leaves):
            yield Block(digest, RAW, self.data[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES])
        yield from self.nodes


@dataclass(frozen=True)
class Part:
    """One block's place in a blob."""

    digest: bytes
    """Of the block, 32 bytes."""
    height: int
    """0 is a leaf."""
    offset: int
    """Where in the blob the bytes below it begin."""
    size_bytes: int
    """How many bytes of the blob lie below it."""


def build_dag(data: bytes) -> Dag:
    """Cut bytes into the blocks of the profile. Same input, same root digest, on every machine (R6.1)."""
    chunks = range(0, max(1, len(data)), CHUNK_BYTES)
    leaves = tuple(digest_of(data[start : start + CHUNK_BYTES]) for start in chunks)
    sizes = [min(CHUNK_BYTES, len(data) - start) for start in chunks]
    level = [(BlockLink(leaf, RAW, size), size) for leaf, size in zip(leaves, sizes, strict=True)]
    nodes: list[Block] = []
    while len(level) > 1:
        level = [_append_parent(level[at : at + LINKS_MAX], nodes) for at in range(0, len(level), LINKS_MAX)]
    root = level[0][0]
    return Dag(root.digest, root.codec, data, leaves, tuple(nodes))


def parse_root(digest: bytes, block: bytes, max_bytes: int) -> Part:
    """Read what a root block says of its blob (R6.3).

    block: hashes to digest, which the caller has checked.
    Raises BlobTooLarge above max_bytes, MalformedBlob if it is neither a leaf nor a proper node.
    """
    is_leaf = block.startswith(MAGIC)
    size = len(block) if is_leaf else parse_node(block).file_size
    if size > max_bytes:
        raise BlobTooLarge(digest, size, max_bytes)
    # [REJECT] a node where the profile has a leaf, or the other way round: one content, one digest
    if is_leaf != (size <= CHUNK_BYTES):
        raise MalformedBlob(f"a blob of {size} bytes has the wrong kind of root")
    return Part(digest, _height_of(size), 0, size)


def parse_children(part: Part, block: bytes) -> list[Part]:
    """The parts directly below an inner one, in order; for a leaf check its length and return none (R6.1).

    block: hashes to part.digest, which the caller has checked.
    Raises MalformedBlob unless the block is exactly what the profile has at this place.
    """
    if part.height == 0:
        if len(block) != part.size_bytes:
            raise MalformedBlob(f"a leaf of {part.size_bytes} bytes was promised, it has {len(block)}")
        return []
    node = parse_node(block)
    sizes = _child_sizes(part)
    codec = RAW if part.height == 1 else DAG_PB
    shape = [(codec, _tsize(part.height - 1, size)) for size in sizes]
    if list(node.blocksizes) != sizes or [(link.codec, link.tsize) for link in node.links] != shape:
        raise MalformedBlob(f"the node at offset {part.offset} does not have the profile's shape")
    offsets = accumulate(sizes, initial=part.offset)
    return [
        Part(link.digest, part.height - 1, offset, size)
        for link, size, offset in zip(node.links, sizes, offsets, strict=False)
    ]


def read_dag(digest: bytes, block_of: Callable[[bytes], bytes], max_bytes: int) -> bytes:
    """Put a blob together from blocks that hash as named.

    Raises BlobTooLarge, MalformedBlob and what block_of raises.
    """
    blob = BytesIO()
    for part, block in walk(digest, block_of, max_bytes):
        if part.height == 0:
            blob.seek(part.offset)
            blob.write(block)
    return check_magic(blob.getvalue())


def walk(
    digest: bytes, block_of: Callable[[bytes], bytes], max_bytes: int, *, skip_leaves: bool = False
) -> Iterator[tuple[Part, bytes]]:
    """Yield every part and its block, depth first; with skip_leaves, leaves come unread, with b""."""
    block = block_of(digest)
    pending = [parse_root(digest, block, max_bytes)]
    while pending:
        part = pending.pop()
        if part.digest == digest:
            here = block
        elif part.height == 0 and skip_leaves:
            yield part, b""
            continue
        else:
            here = block_of(part.digest)
        below = parse_children(part, here)
        yield part, here
        pending.extend(reversed(below))


def check_magic(blob: bytes) -> bytes:
    """Return the blob. Raises MalformedBlob unless it begins with b"FM"."""
    if not blob.startswith(MAGIC):
        raise MalformedBlob(f"a blob begins with {MAGIC!r}, got {blob[:2]!r}")
    return blob


def _append_parent(group: list[tuple[BlockLink, int]], nodes: list[Block]) -> tuple[BlockLink, int]:
    """Append the node above these (link, file bytes) to nodes; return its own link and file bytes."""
    links = [link for link, _ in group]
    data = encode_node(links, [size for _, size in group])
    node = Block(digest_of(data), DAG_PB, data)
    nodes.append(node)
    tsize = len(data) + sum(link.tsize for link in links)
    return BlockLink(node.digest, DAG_PB, tsize), sum(size for _, size in group)


def _height_of(size_bytes: int) -> int:
    height, reach = 0, CHUNK_BYTES
    while reach < size_bytes:
        height, reach = height + 1, reach * LINKS_MAX
    return height


def _child_sizes(part: Part) -> list[int]:
    """How the profile divides a part: full children, then the rest."""
    full = CHUNK_BYTES * LINKS_MAX ** (part.height - 1)
    whole, rest = divmod(part.size_bytes, full)
    return [full] * whole + [rest] * (rest > 0)


@lru_cache(maxsize=64)
def _tsize(height: int, size_bytes: int) -> int:
    """Bytes of all blocks of a part of this size; a node's length does not depend on the digests in it."""
    if height == 0:
        return size_bytes
    sizes = _child_sizes(Part(b"", height, 0, size_bytes))
    tsizes = [_tsize(height - 1, size) for size in sizes]
    links = [BlockLink(bytes(DIGEST_BYTES), RAW, tsize) for tsize in tsizes]
    return len(encode_node(links, sizes)) + sum(tsizes)
