"""Settlement: verdicts become reputations. That the contract does the same is tested beside the contract."""

from collections.abc import Collection
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.circle.draw import mask_of
from ledger.circle.reputation import FULL, INITIAL, pack, settle, unpack
from ledger.circle.round import Attestation
from tests.support import golden

pytestmark = pytest.mark.rule("R13")

SHIFT, FLOOR = 3, 16384


def verdict(judged: int, accepted: int) -> Attestation:
    return Attestation(judged, accepted, bytes(32))


def verdicts_of(
    judged_by: dict[int, list[int]], rejecting: Collection[tuple[int, int]] = ()
) -> dict[int, Attestation]:
    """Everyone in judged_by (judge → seats) accepts whom it judged, but for the (judge, seat) in rejecting."""
    return {
        judge: verdict(mask_of(seats), mask_of([s for s in seats if (judge, s) not in rejecting]))
        for judge, seats in judged_by.items()
    }


def all_judge_all(count: int) -> dict[int, list[int]]:
    return {judge: [seat for seat in range(count) if seat != judge] for judge in range(count)}


def settled(
    reputations: dict[int, int],
    verdicts: dict[int, Attestation],
    committed: int,
    shift: int = SHIFT,
    reputation_floor: int = FLOOR,
    able: int | None = None,
    missed: int = 0,
) -> dict[int, int]:
    able = mask_of(list(verdicts)) if able is None else able
    return settle(reputations, committed, verdicts, able=able, missed=missed, shift=shift, floor=reputation_floor)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[dict[int, int], dict[int, Attestation], int]:
    """(reputations, verdicts, committed mask) as a contract could hold them."""
    count = draw(st.integers(2, 8))
    reputations = {seat: draw(st.integers(0, FULL)) for seat in range(count)}
    committed = draw(st.sets(st.integers(0, count - 1), min_size=2))
    verdicts = {}
    for judge in sorted(committed):
        if draw(st.booleans()):
            judged = mask_of(draw(st.sets(st.sampled_from(sorted(committed)))) - {judge})
            verdicts[judge] = verdict(judged, judged & draw(st.integers(0, 255)))
    return reputations, verdicts, mask_of(committed)


@given(rounds(), st.integers(1, 8), st.integers(0, INITIAL - 1), st.integers(0, 255), st.integers(0, 255))
def test_settlement_is_the_formula(
    given_round: tuple[dict[int, int], dict[int, Attestation], int],
    shift: int,
    reputation_floor: int,
    able: int,
    missed: int,
) -> None:
    reputations, verdicts, committed = given_round
    missed &= ~committed & (1 << len(reputations)) - 1
    found = settled(reputations, verdicts, committed, shift, reputation_floor, able, missed)
    is_able = {j: able >> j & 1 for j in verdicts}
    weight = {j: reputations[j] // 256 * is_able[j] * (reputations[j] >= reputation_floor) for j in verdicts}
    if not sum(weight.values()):
        weight = is_able
    for seat, old in reputations.items():
        expected = old
        if committed >> seat & 1:
            total = sum(weight[j] for j, v in verdicts.items() if v.judged >> seat & 1)
            if total:
                accepting = sum(weight[j] for j, v in verdicts.items() if v.accepted >> seat & 1)
                expected = floor(old + Fraction(accepting * FULL // total - old, 2**shift))
            if seat not in verdicts:
                expected -= expected // 2**shift
        elif missed >> seat & 1:
            expected -= expected // 2**shift
        assert found[seat] == expected
        assert 0 <= found[seat] <= FULL


def test_all_accepting_all_raises_everyone_alike_and_never_above_full() -> None:
    reputations = dict.fromkeys(range(4), INITIAL)
    for _ in range(100):
        reputations = settled(reputations, verdicts_of(all_judge_all(4)), 0b1111)
    assert len(set(reputations.values())) == 1
    assert FULL - 8 <= reputations[0] <= FULL


def test_one_liar_cannot_sink_a_seat_that_the_others_accept() -> None:
    verdicts = verdicts_of(all_judge_all(5), rejecting={(4, 0)})
    found = settled(dict.fromkeys(range(5), INITIAL), verdicts, 0b11111)
    assert found[0] > INITIAL


def test_who_commits_and_stays_silent_loses_even_if_accepted_by_all() -> None:
    judged = {judge: seats for judge, seats in all_judge_all(4).items() if judge != 3}
    found = settled(dict.fromkeys(range(4), FULL), verdicts_of(judged), 0b1111)
    assert found[3] == FULL - (FULL >> SHIFT)
    assert found[0] == FULL


def test_who_was_waited_for_and_did_not_commit_loses_what_silence_costs() -> None:
    found = settled(dict.fromkeys(range(5), FULL), verdicts_of(all_judge_all(4)), 0b1111, missed=0b10000)
    assert found[4] == FULL - (FULL >> SHIFT)


def test_the_verdicts_of_who_left_or_is_suspended_weigh_nothing_and_are_no_silence() -> None:
    verdicts = verdicts_of(all_judge_all(4), rejecting={(2, 0), (2, 1), (2, 3)})
    found = settled(dict.fromkeys(range(4), FULL), verdicts, 0b1111, able=0b1011)
    assert found == dict.fromkeys(range(4), FULL)


def test_in_quarantine_together_only_the_able_weigh_one() -> None:
    verdicts = {0: verdict(0b100, 0), 1: verdict(0b100, 0b100), 2: verdict(0, 0)}
    found = settled(dict.fromkeys(range(3), 100), verdicts, 0b111, able=0b110)
    assert found[2] > 100


def test_where_no_verdict_counts_only_silence_moves_a_reputation() -> None:
    verdicts = verdicts_of({judge: seats for judge, seats in all_judge_all(3).items() if judge})
    found = settled(dict.fromkeys(range(3), INITIAL), verdicts, 0b111, able=0)
    assert found == {0: INITIAL - (INITIAL >> SHIFT), 1: INITIAL, 2: INITIAL}


def test_who_was_not_there_keeps_its_reputation() -> None:
    found = settled(dict.fromkeys(range(5), INITIAL), verdicts_of(all_judge_all(4)), 0b1111)
    assert found[4] == INITIAL


def test_a_quarantined_judge_weighs_nothing_but_is_judged() -> None:
    reputations = {0: FULL, 1: FULL, 2: FLOOR - 1, 3: FULL}
    found = settled(reputations, verdicts_of(all_judge_all(4), rejecting={(2, 0), (2, 1), (2, 3)}), 0b1111)
    assert found[0] == found[1] == found[3] == FULL
    assert found[2] > FLOOR - 1


def test_at_the_floor_a_judge_still_weighs() -> None:
    reputations = {0: INITIAL, 1: FLOOR, 2: INITIAL}
    found = settled(reputations, {0: verdict(0, 0), 1: verdict(0b101, 0b001), 2: verdict(0, 0)}, 0b111)
    assert found[0] > INITIAL > found[2]


def test_with_all_judges_in_quarantine_each_weighs_one_so_that_all_can_come_back() -> None:
    reputations = {0: 100, 1: 8000, 2: 100}
    found = settled(reputations, verdicts_of(all_judge_all(3)), 0b111)
    assert all(found[seat] > reputations[seat] for seat in range(3))


def test_nobody_judged_changes_nobody_who_attested() -> None:
    found = settled(dict.fromkeys(range(3), INITIAL), {seat: verdict(0, 0) for seat in range(3)}, 0b111)
    assert found == dict.fromkeys(range(3), INITIAL)


@given(st.lists(st.integers(0, FULL), max_size=256))
def test_packing_is_invertible_and_fits_the_words(values: list[int]) -> None:
    reputations = dict(enumerate(values))
    words = pack(reputations)
    assert len(words) == 16
    assert all(0 <= word < 1 << 256 for word in words)
    assert unpack(words, len(values)) == reputations


@pytest.mark.parametrize(("seat", "word", "bit"), [(0, 0, 0), (15, 15, 0), (16, 0, 16), (255, 15, 240)])
def test_a_seats_place_is_the_one_the_contract_draws(seat: int, word: int, bit: int) -> None:
    assert pack({seat: 1})[word] == 1 << bit


def test_settlements_are_the_ones_once_written_down() -> None:
    reputations = {seat: (seat * 9973 + 101) % 65536 for seat in range(20)}
    judged = {j: [s for s in range(20) if s != j and (s * 7 + j) % 3] for j in range(20) if j % 5}
    verdicts = verdicts_of(judged, rejecting={(j, s) for j in judged for s in range(20) if (j * s) % 4 == 1})
    found = settled(reputations, verdicts, mask_of(range(19)))
    after = [found[seat] for seat in range(20)]
    golden.expect("reputation", {"after": after, "words": [hex(word) for word in pack(found)]})
