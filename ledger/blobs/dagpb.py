"""Inner nodes of a UnixFS file, written and read as canonical protobuf.

A node is dag-pb around UnixFS: `PBNode{Links=2, Data=1}` with the links first, `PBLink{Hash=1, Name=2,
Tsize=3}`, and in Data `{Type=1 (2 is a file), filesize=3, blocksizes=4…}`. What an inner node of a Folkmoot blob
cannot hold (names, inline data, mode, time) is refused. Source: ipld/specs dag-pb, ipfs/specs UnixFS.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.blobs.cid import BadCid, Cid, parse_binary
from ledger.errors import PeerFault
from ledger.untrusted.varints import encode_varint, read_varint

LINKS_MAX = 1024
# 1024 links of at most 57 bytes and as many sizes of at most 7 bytes fit.
NODE_BYTES_MAX = 1 << 16
FILE_BYTES_MAX = 1 << 40

_FILE = 2
_VARINT_BYTES_MAX = 6
_VARINT, _BYTES = 0, 2


class MalformedBlob(PeerFault):
    """The blocks hash as named, but they are not a blob of the fixed profile: the author's fault."""


class BlockLink(NamedTuple):
    """One child."""

    digest: bytes
    """32 bytes, sha2-256 of the child."""
    codec: int
    """RAW or DAG_PB."""
    tsize: int
    """Bytes of all blocks below and including it."""


@dataclass(frozen=True)
class Node:
    """An inner node."""

    links: tuple[BlockLink, ...]
    """Its children, in the order of the file."""
    blocksizes: tuple[int, ...]
    """How many bytes of the file lie below each link."""
    file_size: int
    """Bytes of the file below the node."""


def encode_node(links: Sequence[BlockLink], blocksizes: Sequence[int]) -> bytes:
    """The one encoding of an inner node, byte for byte what Kubo writes. Inverse of parse_node (R6.2)."""
    body = b"".join(_encode_field(2, _encode_link(link)) for link in links)
    sizes = b"".join(_encode_number(4, size) for size in blocksizes)
    return body + _encode_field(1, _encode_number(1, _FILE) + _encode_number(3, sum(blocksizes)) + sizes)


def parse_node(block: bytes) -> Node:
    """Read one inner node, strictly. Raises MalformedBlob with the reason (R6.2).

    Checked: length, number of links, codecs, that sizes are positive and add up, and that this is the one
    encoding of these values. Whether the tree has the profile's shape is checked by unixfs.children.
    """
    if len(block) > NODE_BYTES_MAX:
        raise MalformedBlob(f"a node has at most {NODE_BYTES_MAX} bytes, got {len(block)}")
    links: list[BlockLink] = []
    data = b""
    for number, value in _parse_fields(block):
        if number == 2 and isinstance(value, bytes) and len(links) < LINKS_MAX:
            links.append(_parse_link(value))
        elif number == 1 and isinstance(value, bytes):
            data = value
        else:
            raise MalformedBlob(f"a node has Data and at most {LINKS_MAX} links, got field {number}")
    node = _parse_data(tuple(links), data)
    # Catches every second spelling: order, repeated fields, long varints, trailing bytes.
    if encode_node(node.links, node.blocksizes) != block:
        raise MalformedBlob("the node is not canonically encoded")
    return node


def _parse_link(body: bytes) -> BlockLink:
    found: dict[int, int | bytes] = dict(_parse_fields(body))
    name, tsize = found.get(1), found.get(3)
    if not isinstance(name, bytes) or not isinstance(tsize, int):
        raise MalformedBlob("a link has Hash and Tsize")
    try:
        cid = parse_binary(name)
    except BadCid as error:
        raise MalformedBlob(f"link: {error}") from error
    return BlockLink(cid.digest, cid.codec, tsize)


def _parse_data(links: tuple[BlockLink, ...], data: bytes) -> Node:
    sizes: list[int] = []
    file_size = 0
    for number, value in _parse_fields(data):
        if number == 4 and isinstance(value, int) and len(sizes) < len(links):
            sizes.append(value)
        elif number == 3 and isinstance(value, int):
            file_size = value
        elif (number, value) != (1, _FILE):
            raise MalformedBlob(f"UnixFS data is a file with one size per link, got field {number}")
    if not links or len(sizes) != len(links) or min(sizes) < 1:
        raise MalformedBlob(f"{len(links)} links need as many positive sizes, got {len(sizes)}")
    if file_size != sum(sizes) or sum(sizes) > FILE_BYTES_MAX:
        raise MalformedBlob(f"the node says {file_size} bytes, its children {sum(sizes)}")
    return Node(links, tuple(sizes), sum(sizes))


def _parse_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a protobuf message with varint and bytes fields only."""
    at = 0
    while at < len(data):
        key, at = _parse_varint(data, at)
        value, at = _parse_varint(data, at)
        if key & 7 == _VARINT:
            yield key >> 3, value
        elif key & 7 == _BYTES and at + value <= len(data):
            yield key >> 3, data[at : at + value]
            at += value
        else:
            raise MalformedBlob(f"no such protobuf field here: key {key}, length {value} at byte {at}")


def _parse_varint(data: bytes, at: int) -> tuple[int, int]:
    try:
        return read_varint(data, at, _VARINT_BYTES_MAX)
    except ValueError as error:
        raise MalformedBlob(str(error)) from None


def _encode_link(link: BlockLink) -> bytes:
    cid = Cid(link.codec, link.digest).binary
    return _encode_field(1, cid) + _encode_field(2, b"") + _encode_number(3, link.tsize)


def _encode_field(number: int, body: bytes) -> bytes:
    return encode_varint(number << 3 | _BYTES) + encode_varint(len(body)) + body


def _encode_number(number: int, value: int) -> bytes:
    return encode_varint(number << 3 | _VARINT) + encode_varint(value)
