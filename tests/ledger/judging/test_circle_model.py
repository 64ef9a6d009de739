"""The circle's model of a round: whose bases, their middle to the bit, and whom a seat's updates reached (R31)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.blobs.contents.records import decode_blob, decode_genesis
from ledger.circle.draw import mask_of
from ledger.circle.history import Attestation, CircleTerms, History, Round
from ledger.judging.circle_model import (
    encode_model,
    find_base_round,
    find_first_commit,
    find_last_settled,
    find_lower_median,
    find_model_round,
    find_model_seats,
    find_reached,
)
from tests.support.histories.circles import Away, Circle, FalseJudge, hand_over
from tests.support.histories.parts import digest, manifest_of

pytestmark = pytest.mark.rule("R31")
FLOOR = 16384
LARGEST = 127 << 17


def history_of(*rounds: Round) -> History:
    history = History(CircleTerms(4, 2, 9, 4, 3, FLOOR))
    history.rounds.extend(rounds)
    return history


def round_of(
    number: int,
    accepted: Mapping[int, Sequence[int]],
    *,
    silent: Sequence[int] = (),
    below: Sequence[int] = (),
    suspended: Sequence[int] = (),
    begun: dict[int, int] | None = None,
) -> Round:
    """accepted: seat that committed → those that it accepted. silent: did not attest."""
    seats = list(accepted)
    return Round(
        number,
        {seat: FLOOR - 1 if seat in below else FLOOR for seat in seats},
        suspended=mask_of(list(suspended)),
        commits={seat: digest(number, seat) for seat in seats},
        begun=dict.fromkeys(seats, 1) | (begun or {}),
        committed=mask_of(seats),
        attestations={
            seat: Attestation(mask_of(list(said)), mask_of(list(said)), digest("record", seat))
            for seat, said in accepted.items()
            if seat not in silent
        },
        settled=True,
    )


@given(
    st.integers(1, 9).flatmap(
        lambda seats: st.lists(
            st.lists(st.integers(-(1 << 24), 1 << 24), min_size=3, max_size=3), min_size=seats, max_size=seats
        )
    )
)
def test_the_lower_median_is_the_middle_value_or_the_lower_of_the_two(bases: list[list[int]]) -> None:
    found = find_lower_median([np.array(base, np.int32) for base in bases])
    assert found.dtype == np.int32
    assert found.tolist() == [sorted(column)[(len(bases) - 1) // 2] for column in zip(*bases, strict=True)]


def test_values_beyond_one_stretch_of_the_reckoning_are_taken_as_well() -> None:
    bases = [np.full(40_000, value, np.int32) for value in (5, -7, 900)]
    bases[1][39_999] = 1000
    found = find_lower_median(bases)
    assert set(found[:-1].tolist()) == {5}
    assert found[-1] == 900


def encoded_by_hand(model: Sequence[int]) -> tuple[bytes, list[int]]:
    """R31's frame of one block in plain integers, and what it decodes to."""
    values = [max(-LARGEST, min(LARGEST, value)) for value in model]
    shift = next(s for s in range(18) if 127 << s >= max(map(abs, values)))
    codes = []
    for value in values:
        low, left = value >> shift, value - ((value >> shift) << shift)
        codes.append(low + (2 * left > 1 << shift or (2 * left == 1 << shift and low % 2 == 1)))
    return bytes([shift, *(code % 256 for code in codes)]), [code << shift for code in codes]


@given(st.lists(st.integers(-(1 << 24), 1 << 24), min_size=5, max_size=5))
def test_a_models_blob_is_to_the_bit_what_integers_give(model: list[int]) -> None:
    from ledger.blobs.contents.records import GENESIS_MAGIC, Genesis

    payload, decoded = encoded_by_hand(model)
    blob = encode_model(np.array(model, np.int32), (5,))
    assert decode_blob(blob, GENESIS_MAGIC, Genesis, 1000) == Genesis("int8", payload)
    manifest = manifest_of(3, layout=(manifest_of(3).layout[0].__class__("weight", (5,), 0),))
    assert decode_genesis(blob, manifest).tolist() == decoded


def test_who_attested_and_was_eligible_goes_in_and_nobody_else() -> None:
    everybody = dict.fromkeys(range(5), ())
    round_ = round_of(1, everybody, silent=[1], below=[2], suspended=[3])
    assert find_model_seats(history_of(round_), round_) == (0, 4)


def test_where_nobody_in_good_standing_attested_the_model_stays_as_it_was() -> None:
    everybody: dict[int, Sequence[int]] = {0: (), 1: ()}
    history = history_of(
        round_of(1, everybody, silent=[0, 1]), round_of(2, everybody), round_of(3, everybody, below=[0, 1])
    )
    found = find_model_round(history, 3)
    assert found is not None
    assert found.number == 2
    assert find_model_round(history, 1) is None
    assert find_model_round(history, 0) is None
    assert find_last_settled(history) == 3


def test_influence_goes_on_through_whom_was_accepted_and_not_back_in_time() -> None:
    history = history_of(
        round_of(1, {0: (1,), 1: (0,), 2: (1,), 3: ()}),
        # Seat 3 publishes from here on in earnest, and seat 1 takes it in.
        round_of(2, {0: (1,), 1: (3,), 2: (0,), 3: ()}),
        round_of(3, {0: (1,), 1: (), 2: (0,), 3: ()}),
        round_of(4, {0: (), 1: (), 2: (0,), 3: ()}),
    )
    assert find_reached(history, 3) == {0: 3, 1: 2, 2: 4}
    assert find_reached(history, 2) == {}


def test_who_may_not_be_mixed_reaches_nobody_and_another_holder_begins_without() -> None:
    history = history_of(
        round_of(1, {0: (2,), 1: (2,), 2: ()}, below=[2]),
        round_of(2, {0: (2,), 1: (), 2: ()}),
        round_of(3, {0: (), 1: (0,), 2: ()}, begun={0: 3}),
    )
    assert find_reached(history, 2) == {0: 2}


def test_the_first_commit_is_that_of_any_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.circle.fold.state.MAX_SEATS", 4)
    circle = Circle(
        seats=4, rounds=4, cheats={1: Away(1, (1, 2))}, between={2: lambda circle: hand_over(circle, 3)}
    )
    history = circle.history()
    assert (find_first_commit(history, 1), find_first_commit(history, 3)) == (3, 1)
    assert find_first_commit(history, 9) is None


def test_what_happens_after_a_round_was_settled_changes_nothing_about_it() -> None:
    circle = Circle(seats=4, rounds=4, cheats={2: FalseJudge(2, 0, (2,))})
    whole = circle.history()
    for number in (1, 2, 3):
        then = circle.until(number + 1)
        assert find_model_seats(then, then.rounds[number - 1]) == find_model_seats(whole, whole.rounds[number - 1])


@pytest.mark.rule("R31.1")
def test_a_seats_base_belongs_to_the_newest_round_that_its_holder_attested() -> None:
    history = history_of(
        round_of(1, {0: [1], 1: [0]}),
        round_of(2, {0: [1], 1: [0]}, silent=[1]),
        round_of(3, {0: []}),
        round_of(4, {0: [1], 1: [0]}, silent=[1], begun={1: 4}),
        round_of(5, {0: [1], 1: [0]}, begun={1: 4}),
    )
    found = {(number, seat): find_base_round(history, number, seat) for number in range(6) for seat in (0, 1, 2)}
    belongs = {place: None if round_ is None else round_.number for place, round_ in found.items()}
    assert [belongs[number, 0] for number in range(6)] == [None, 1, 2, 3, 4, 5]
    # From round 4 on another holder publishes: the former's base is nobody's any more.
    assert [belongs[number, 1] for number in range(6)] == [None, 1, 1, 1, None, 5]
    assert {belongs[number, 2] for number in range(6)} == {None}
