"""The word that a judge sends to the contract: there and back, and nothing about others than its neighbours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.circle.draw import mask_of
from ledger.circle.verdict_word import (
    ACCEPTED_BIT,
    MAX_ROUND,
    ROUND_BIT,
    SEED_BIT,
    decode_verdicts,
    encode_verdicts,
    is_consistent,
    is_under,
    round_of,
)
from tests.support import golden

pytestmark = pytest.mark.rule("R10")

ORDERS = st.lists(st.integers(0, 255), min_size=1, max_size=21, unique=True)
ROUNDS = st.integers(1, MAX_ROUND)
SEEDS = st.binary(min_size=32, max_size=32)
SEED = bytes(range(32))


@given(SEEDS, ROUNDS, ORDERS, st.data())
def test_encoding_and_decoding_are_inverses(
    seed: bytes, number: int, order: list[int], data: st.DataObject
) -> None:
    judged = mask_of(data.draw(st.sets(st.sampled_from(order))))
    accepted = judged & data.draw(st.integers(0, 2**256 - 1))
    word = encode_verdicts(seed, number, order, judged, accepted)
    assert 0 <= word < 1 << 128
    assert round_of(word) == number
    assert is_under(word, seed)
    assert is_consistent(word)
    assert decode_verdicts(word, order) == (judged, accepted)


@given(ORDERS, st.integers(0, 2**21 - 1), st.integers(0, 2**21 - 1))
def test_what_a_word_says_of_places_beyond_the_neighbours_counts_for_nothing(
    order: list[int], accepted: int, judged: int
) -> None:
    decoded = decode_verdicts(accepted << ACCEPTED_BIT | judged, order)
    assert (decoded[0] | decoded[1]) & ~mask_of(order) == 0
    within = (1 << len(order)) - 1
    assert decode_verdicts((accepted & within) << ACCEPTED_BIT | judged & within, order) == decoded


@given(st.integers(0, 2**21 - 1), st.integers(0, 2**21 - 1))
def test_a_word_is_consistent_if_it_accepts_only_what_it_judged(accepted: int, judged: int) -> None:
    assert is_consistent(1 << ROUND_BIT | accepted << ACCEPTED_BIT | judged) == (accepted | judged == judged)


def test_verdicts_about_others_than_the_neighbours_do_not_fit_in() -> None:
    bare = encode_verdicts(SEED, 1, (), 0, 0)
    assert encode_verdicts(SEED, 1, (5, 9), 0b1111, 0b1111) == bare
    assert encode_verdicts(SEED, 1, (9, 5), 1 << 5 | 1 << 7, 1 << 5) == bare | 2 << ACCEPTED_BIT | 2


def test_a_word_holds_under_its_own_seed_alone() -> None:
    word = encode_verdicts(SEED, 1, (5, 9), 1 << 5, 0)
    assert not is_under(word, SEED[:-1] + b"\0")
    assert not is_under(word | 1 << 128, SEED)


@pytest.mark.parametrize("word", [1 << 63, 1 << 63 | 7 << SEED_BIT, (MAX_ROUND + 1) << ROUND_BIT])
def test_a_word_with_more_bits_than_a_round_has_is_about_no_round(word: int) -> None:
    assert round_of(word) > MAX_ROUND


def test_words_are_the_ones_once_written_down() -> None:
    order = (200, 3, 77, 0, 255, 16)
    everyone = mask_of(order)
    cases = [(1, order, 0, 0), (7, order, everyone, everyone), (MAX_ROUND, order, mask_of((3, 255)), 1 << 255)]
    golden.expect("verdicts", {"order": order, "words": [hex(encode_verdicts(SEED, *case)) for case in cases]})
