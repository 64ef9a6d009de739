"""Merkle Patricia tries: one built from all its entries, and a path shown from a root to a key.

Source: Ethereum yellow paper, appendix D.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import rlp
from eth_hash.auto import keccak

from ledger.chain.proofs.items import BadProof, Item, decode_list, read_fixed

_HASH_BYTES: Final = 32
_BRANCH, _SHORT = 17, 2
EMPTY_ROOT: Final = keccak(rlp.encode(b""))


def check_path(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """What a trie holds at a key; None where the nodes show that there is nothing.

    root: 32 bytes. nodes: encoded, from the root on, those below 32 bytes left out as they lie in their parents.
    Raises BadProof where the nodes do not lead from root to key, or are too many.
    """
    # Some endpoints show an empty trie's only node, which is no list, and some show none.
    if root == EMPTY_ROOT and list(nodes) in ([], [rlp.encode(b"")]):
        return None
    reference: Item = root
    rest, used = _to_nibbles(key), 0
    while True:
        if isinstance(reference, list):
            node = reference
        else:
            if used == len(nodes) or keccak(nodes[used]) != read_fixed(reference, _HASH_BYTES):
                raise BadProof(f"node {used} of a trie's proof is not the one that leads on")
            node, used = decode_list(nodes[used]), used + 1
        found, reference, rest = _step(node, rest)
        if found is not None:
            break
    if used != len(nodes):
        raise BadProof(f"a trie's proof has {len(nodes) - used} nodes that lead nowhere")
    return found or None


def _step(node: list[Item], rest: bytes) -> tuple[bytes | None, Item, bytes]:
    """One node on: the value, empty for none; or None, where it goes on, and the nibbles that are left."""
    if len(node) == _BRANCH:
        where = node[rest[0]] if rest else node[-1]
        if not rest or where == b"":
            return _read_value(where), b"", b""
        return None, where, rest[1:]
    if len(node) != _SHORT:
        raise BadProof(f"a trie's node has {len(node)} items")
    path, is_leaf = _read_prefix(node[0])
    if is_leaf:
        return (_read_value(node[1]) if path == rest else b""), b"", b""
    if not path:
        raise BadProof("a trie's extension is empty")
    if not rest.startswith(path):
        return b"", b"", b""
    return None, node[1], rest[len(path) :]


def _read_value(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise BadProof("a trie has a list where a value should be")
    return item


def _read_prefix(item: Item) -> tuple[bytes, bool]:
    """The nibbles of a short node, and whether it is a leaf."""
    if not isinstance(item, bytes) or not item or item[0] >> 4 > 3:
        raise BadProof("a trie's node has no path")
    is_odd, is_leaf = item[0] >> 4 & 1, bool(item[0] >> 4 & 2)
    return _to_nibbles(item)[1 if is_odd else 2 :], is_leaf


class Trie:
    """A trie of all of these entries, to show paths in."""

    def __init__(self, entries: Mapping[bytes, bytes]) -> None:
        """entries: key → value, none of them empty."""
        paths = sorted((_to_nibbles(key), value) for key, value in entries.items())
        self._encoded: dict[bytes, bytes] = {}
        self.root = EMPTY_ROOT
        """32 bytes."""
        if paths:
            top = rlp.encode(self._build(paths, 0))
            self.root = keccak(top)
            self._encoded[self.root] = top

    def show(self, key: bytes) -> list[bytes]:
        """The nodes for `check_path`."""
        nodes: list[bytes] = []
        reference: Item = self.root
        rest = _to_nibbles(key)
        found: bytes | None = b"" if self.root == EMPTY_ROOT else None
        while found is None:
            if isinstance(reference, bytes):
                nodes.append(self._encoded[reference])
                reference = decode_list(nodes[-1])
            found, reference, rest = _step(reference, rest)
        return nodes

    def _build(self, paths: list[tuple[bytes, bytes]], depth: int) -> list[Item]:
        """The node of entries that share their first `depth` nibbles."""
        first, last = paths[0][0], paths[-1][0]
        if len(paths) == 1:
            return [_make_prefix(first[depth:], is_leaf=True), paths[0][1]]
        shared = depth
        while shared < min(len(first), len(last)) and first[shared] == last[shared]:
            shared += 1
        if shared > depth:
            return [_make_prefix(first[depth:shared], is_leaf=False), self._refer(paths, shared)]
        below: list[list[tuple[bytes, bytes]]] = [[] for _ in range(16)]
        value = b""
        for path, held in paths:
            if len(path) == depth:
                value = held
            else:
                below[path[depth]].append((path, held))
        return [*(self._refer(some, depth + 1) if some else b"" for some in below), value]

    def _refer(self, paths: list[tuple[bytes, bytes]], depth: int) -> Item:
        node = self._build(paths, depth)
        encoded = rlp.encode(node)
        if len(encoded) < _HASH_BYTES:
            return node
        name: bytes = keccak(encoded)
        self._encoded[name] = encoded
        return name


def _make_prefix(nibbles: bytes, *, is_leaf: bool) -> bytes:
    flag = 2 * is_leaf + len(nibbles) % 2
    whole = bytes([flag]) + nibbles if len(nibbles) % 2 else bytes([flag, 0]) + nibbles
    return bytes(high << 4 | low for high, low in zip(whole[::2], whole[1::2], strict=True))


def _to_nibbles(key: bytes) -> bytes:
    return bytes(half for byte in key for half in (byte >> 4, byte & 15))
