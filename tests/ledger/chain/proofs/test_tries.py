"""Tries as Ethereum has them, against another implementation; and proofs that do not hold."""

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as some
from trie.hexary import HexaryTrie

from ledger.chain.proofs.items import BadProof, decode_item
from ledger.chain.proofs.tries import EMPTY_ROOT, Trie, check_path

pytestmark = pytest.mark.rule("R32.4")

# Short values lie in their parents, and some keys begin others.
ENTRIES = some.dictionaries(some.binary(min_size=1, max_size=4), some.binary(min_size=1, max_size=60), max_size=30)


def slow(entries: dict[bytes, bytes]) -> HexaryTrie:
    trie = HexaryTrie({})
    for key, value in entries.items():
        trie[key] = value
    return trie


@settings(max_examples=40)
@given(ENTRIES, some.binary(min_size=1, max_size=4))
def test_root_and_paths_are_those_of_another_implementation(entries: dict[bytes, bytes], absent: bytes) -> None:
    trie = Trie(entries)
    assert trie.root == slow(entries).root_hash
    for key in [*entries, absent]:
        assert check_path(trie.root, key, trie.show(key)) == entries.get(key)


@settings(max_examples=40)
@given(ENTRIES.filter(bool), some.data())
def test_a_path_with_a_bit_changed_or_a_node_too_few_or_too_many_proves_nothing(
    entries: dict[bytes, bytes], draw: some.DataObject
) -> None:
    trie, key = Trie(entries), draw.draw(some.sampled_from(sorted(entries)))
    nodes = trie.show(key)
    place = draw.draw(some.integers(0, len(nodes) - 1))
    at = draw.draw(some.integers(0, len(nodes[place]) - 1))
    changed = nodes[place][:at] + bytes([nodes[place][at] ^ 1]) + nodes[place][at + 1 :]
    for wrong in ([*nodes[:place], changed, *nodes[place + 1 :]], nodes[:-1], [*nodes, nodes[-1]]):
        with pytest.raises(BadProof):
            check_path(trie.root, key, wrong)


def test_an_empty_trie_holds_nothing() -> None:
    assert Trie({}).root == EMPTY_ROOT
    assert check_path(EMPTY_ROOT, b"key", Trie({}).show(b"key")) is None


@settings(max_examples=40)
@given(some.recursive(some.binary(max_size=70), lambda below: some.lists(below, max_size=4), max_leaves=12))
def test_items_are_read_as_they_were_written(item: object) -> None:
    assert decode_item(rlp.encode(item)) == item


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x81",
        b"\x81\x05",
        b"\xb8\x01a",
        b"\xb9\x00\x38" + bytes(56),
        b"\xc2\x82ab",
        b"ab",
        b"\xf8",
        b"\xc1" * 90_000,
    ],
)
def test_other_spellings_and_deep_nesting_are_refused(raw: bytes) -> None:
    with pytest.raises(BadProof):
        decode_item(raw)
