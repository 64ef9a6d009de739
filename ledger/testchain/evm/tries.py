"""Merkle Patricia tries built and changed in one go: each node on the way is encoded and hashed once.

Inserting item by item, as py-trie does, encodes and hashes every node on the way again for each item. A node is
handled in its RLP encoding, its children as they stand in it: the hash of a node, or a short node itself.
Source: Ethereum yellow paper, appendices B to D.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Protocol

import rlp
from eth.constants import BLANK_ROOT_HASH
from eth_hash.auto import keccak
from eth_typing import Hash32
from trie.exceptions import MissingTrieNode

_EMPTY = b"\x80"
# Key as hex digits, which are its nibbles; value, empty to delete.
_Leaf = tuple[str, bytes]


class Nodes(Protocol):
    """Encoded nodes by their hash."""

    def __getitem__(self, key: bytes, /) -> bytes: ...


def index_trie(items: Sequence[bytes]) -> tuple[Hash32, dict[Hash32, bytes]]:
    """Root hash and nodes (by their hash) of the trie from RLP(index) to items[index]."""
    return changed_trie({}, BLANK_ROOT_HASH, {rlp.encode(index): item for index, item in enumerate(items)})


def changed_trie(nodes: Nodes, root_hash: bytes, changes: dict[bytes, bytes]) -> tuple[Hash32, dict[Hash32, bytes]]:
    """Root hash and new nodes (by their hash) of a trie after changes. An empty value deletes its key.

    No key may be a prefix of another, so branches hold no values. Raises MissingTrieNode if `nodes` lacks one.
    """
    if not changes:
        return Hash32(root_hash), {}
    leaves = sorted((key.hex(), value) for key, value in changes.items())
    change = _Change(nodes, root_hash)
    root = change.merged(change.root(), leaves, 0)
    if not root:
        return BLANK_ROOT_HASH, {}
    digest = Hash32(keccak(root))
    change.made[digest] = root
    return digest, change.made


def find(nodes: Nodes, root_hash: bytes, key: bytes) -> bytes:
    """The value under a key, empty if there is none. Raises MissingTrieNode if `nodes` lacks a node on the way."""
    change, path = _Change(nodes, root_hash), key.hex()
    node, depth = change.root(), 0
    while node:
        items = _split(node)
        if len(items) == 17:
            node, depth = change.load(items[int(path[depth], 16)]), depth + 1
            continue
        shared, is_leaf = _nibbles(items[0])
        if is_leaf:
            return _payload(items[1]) if path[depth:] == shared else b""
        if not path.startswith(shared, depth):
            return b""
        node, depth = change.load(items[1]), depth + len(shared)
    return b""


class _Change:
    """One change of a trie. made: the nodes it made, among them some that a later step replaced."""

    def __init__(self, nodes: Nodes, root_hash: bytes) -> None:
        self._nodes, self._root_hash = nodes, root_hash
        self.made: dict[Hash32, bytes] = {}

    def root(self) -> bytes:
        """The encoded root node, empty if there is none."""
        return b"" if self._root_hash == BLANK_ROOT_HASH else self._stored(self._root_hash)

    def load(self, reference: bytes) -> bytes:
        """The encoded node that a parent names, empty if there is none."""
        if reference == _EMPTY:
            return b""
        return self._stored(reference[1:]) if reference[0] == 0xA0 else reference

    def merged(self, node: bytes, leaves: list[_Leaf], depth: int) -> bytes:
        """A node with sorted leaves put in that share its first `depth` nibbles; empty if nothing is left."""
        if not node:
            return self._fresh(leaves, depth)
        items = _split(node)
        if len(items) == 17:
            return self._merged_branch(items[:16], leaves, depth)
        path, is_leaf = _nibbles(items[0])
        if not is_leaf:
            return self._merged_extension(path, items[1], leaves, depth)
        key = leaves[0][0][:depth] + path
        if all(other != key for other, _ in leaves):
            leaves = list(leaves)
            insort(leaves, (key, _payload(items[1])))
        return self._fresh(leaves, depth)

    def _merged_extension(self, path: str, child: bytes, leaves: list[_Leaf], depth: int) -> bytes:
        shared = min(_shared(path, key, depth) for key in (leaves[0][0], leaves[-1][0]))
        if shared == len(path):
            return self._prolonged(path, self.merged(self.load(child), leaves, depth + shared))
        children, rest = [_EMPTY] * 16, path[shared + 1 :]
        children[int(path[shared], 16)] = self._reference(_extension(rest, child)) if rest else child
        return self._prolonged(path[:shared], self._merged_branch(children, leaves, depth + shared))

    def _merged_branch(self, children: list[bytes], leaves: list[_Leaf], depth: int) -> bytes:
        for nibble, below in groupby(leaves, key=lambda leaf: leaf[0][depth]):
            place = int(nibble, 16)
            children[place] = self._reference(self.merged(self.load(children[place]), list(below), depth + 1))
        left = [place for place, child in enumerate(children) if child != _EMPTY]
        if len(left) > 1:
            return _list(b"".join(children) + _EMPTY)
        # A branch with one child becomes part of that child.
        return self._prolonged(f"{left[0]:x}", self.load(children[left[0]])) if left else b""

    def _fresh(self, leaves: list[_Leaf], depth: int) -> bytes:
        kept = [leaf for leaf in leaves if leaf[1]]
        return self._built(kept, depth) if kept else b""

    def _built(self, leaves: Sequence[_Leaf], depth: int) -> bytes:
        """The encoded node over nothing but these leaves."""
        if len(leaves) == 1:
            return _list(_text(_path(leaves[0][0][depth:], is_leaf=True)) + _text(leaves[0][1]))
        shared = _shared(leaves[0][0][depth:], leaves[-1][0], depth)
        if shared:
            below = self._reference(self._built(leaves, depth + shared))
            return _extension(leaves[0][0][depth : depth + shared], below)
        children = [_EMPTY] * 16
        for nibble, below_it in groupby(leaves, key=lambda leaf: leaf[0][depth]):
            children[int(nibble, 16)] = self._reference(self._built(list(below_it), depth + 1))
        return _list(b"".join(children) + _EMPTY)

    def _prolonged(self, prefix: str, node: bytes) -> bytes:
        """A node whose path begins with more nibbles."""
        if not node or not prefix:
            return node
        items = _split(node)
        if len(items) == 17:
            return _extension(prefix, self._reference(node))
        path, is_leaf = _nibbles(items[0])
        return _list(_text(_path(prefix + path, is_leaf)) + items[1])

    def _reference(self, node: bytes) -> bytes:
        """How a parent names a node: the node itself if it is shorter than a hash."""
        if len(node) < 32:
            return node or _EMPTY
        digest = Hash32(keccak(node))
        self.made[digest] = node
        return b"\xa0" + digest

    def _stored(self, digest: bytes) -> bytes:
        try:
            return self.made.get(Hash32(digest)) or self._nodes[digest]
        except KeyError as error:
            raise MissingTrieNode(Hash32(digest), Hash32(self._root_hash), b"") from error


def _extension(path: str, child: bytes) -> bytes:
    return _list(_text(_path(path, is_leaf=False)) + child)


def _shared(path: str, key: str, depth: int) -> int:
    """How many nibbles of a path a key goes along with from a depth on."""
    length = 0
    while length < len(path) and path[length] == key[depth + length]:
        length += 1
    return length


def _path(nibbles: str, is_leaf: bool) -> bytes:
    """Nibbles as bytes, with the flags of the hex-prefix encoding (yellow paper, appendix C)."""
    flags = 2 if is_leaf else 0
    return bytes.fromhex(f"{flags + 1}{nibbles}" if len(nibbles) % 2 else f"{flags}0{nibbles}")


def _nibbles(encoded: bytes) -> tuple[str, bool]:
    """What `_path` encoded, from its RLP, and whether it is a leaf's."""
    digits = _payload(encoded).hex()
    return digits[1:] if digits[0] in "13" else digits[2:], digits[0] in "23"


def _split(node: bytes) -> list[bytes]:
    """The items of an encoded list, each as it stands there."""
    return list(_items(node))


def _items(node: bytes) -> Iterator[bytes]:
    start, end = _span(node, 0)
    while start < end:
        _, after = _span(node, start)
        yield node[start:after]
        start = after


def _payload(encoded: bytes) -> bytes:
    """The byte string in an RLP encoding of one."""
    start, end = _span(encoded, 0)
    return encoded[start:end]


def _span(encoded: bytes, start: int) -> tuple[int, int]:
    """Where the payload of the RLP item at `start` begins and ends."""
    head = encoded[start]
    if head < 0x80:
        return start, start + 1
    short = head - (0x80 if head < 0xC0 else 0xC0)
    if short < 56:
        return start + 1, start + 1 + short
    first = start + 1 + short - 55
    return first, first + int.from_bytes(encoded[start + 1 : first], "big")


def _text(value: bytes) -> bytes:
    """RLP of a byte string."""
    return value if len(value) == 1 and value[0] < 0x80 else _headed(0x80, value)


def _list(payload: bytes) -> bytes:
    """RLP of a list whose items are encoded."""
    return _headed(0xC0, payload)


def _headed(kind: int, payload: bytes) -> bytes:
    if len(payload) < 56:
        return bytes((kind + len(payload),)) + payload
    length = len(payload).to_bytes((len(payload).bit_length() + 7) // 8, "big")
    return bytes((kind + 55 + len(length),)) + length + payload
