"""Tries built and changed at once are those that py-trie makes one by one."""

from typing import Any

import pytest
import rlp
from eth.constants import BLANK_ROOT_HASH
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie
from trie.exceptions import MissingTrieNode

from ledger.testchain.evm.tries import changed_trie, find, index_trie

# Short keys meet often; short values make nodes that stand inside their parents.
KEYS = st.binary(min_size=3, max_size=3).map(lambda key: bytes(byte & 0x11 for byte in key[:2]) + key[2:])
VALUES = st.one_of(st.just(b""), st.binary(min_size=1, max_size=3), st.binary(min_size=30, max_size=70))
CHANGES = st.lists(st.dictionaries(KEYS, VALUES, max_size=12), min_size=1, max_size=5)


def inserted(items: list[bytes]) -> HexaryTrie:
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[rlp.encode(index)] = item
    return trie


@given(CHANGES)
def test_changes_at_once_are_changes_one_by_one(batches: list[dict[bytes, bytes]]) -> None:
    theirs, root = HexaryTrie({}), BLANK_ROOT_HASH
    nodes: Any = {}
    for changes in batches:
        root, made = changed_trie(nodes, root, changes)
        nodes |= made
        for key, value in changes.items():
            theirs[key] = value
        assert root == theirs.root_hash
        known = {key: theirs[key] for batch in batches for key in batch}
        assert {key: find(nodes, root, key) for key in known} == known


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=40))
def test_few_items_of_any_size(items: list[bytes]) -> None:
    root, nodes = index_trie(items)
    assert root == inserted(items).root_hash
    assert all(HexaryTrie(dict(nodes), root)[rlp.encode(index)] == item for index, item in enumerate(items))


def test_as_many_items_as_a_block_may_hold() -> None:
    for count in (127, 128, 129, 255, 256, 257, 2857):
        items = [index.to_bytes(4, "big") * 30 for index in range(count)]
        root, nodes = index_trie(items)
        assert root == inserted(items).root_hash
        assert find(dict[bytes, bytes](nodes.items()), root, rlp.encode(count - 1)) == items[-1]


def test_a_large_item() -> None:
    items = [b"\1" * size for size in (1, 55, 56, 255, 256, 65_535, 65_536)]
    assert index_trie(items)[0] == inserted(items).root_hash


def test_nothing() -> None:
    assert index_trie([]) == (BLANK_ROOT_HASH, {})
    assert changed_trie({}, BLANK_ROOT_HASH, {b"key": b""}) == (BLANK_ROOT_HASH, {})
    assert find({}, BLANK_ROOT_HASH, b"key") == b""


def test_a_lost_node_is_no_absent_key() -> None:
    with pytest.raises(MissingTrieNode):
        find({}, b"\1" * 32, b"key")
    with pytest.raises(MissingTrieNode):
        changed_trie({}, b"\1" * 32, {b"key": b"value"})
