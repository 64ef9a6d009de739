"""What a member owes the circle, and whose turn it is: from the history alone."""

from collections.abc import Sequence

import pytest
from circle_history import (
    BOND,
    SEATS,
    SEED,
    attestations,
    cold,
    commits,
    drawn,
    history_of,
    peer,
    settled,
)

from ledger.events import Disputed, Ejected, Event, Left, Resolved, Rotated, Rotating, Summoned, Voted
from ledger.topology import jury, mask_of
from node.duties import Duty, duties_of, is_rotation_due, turn, votes_due

NOW = 10_000.0


def calls(*events: Event, seat: int = 0, now_s: float = NOW) -> list[tuple[object, ...]]:
    return [(duty.call, *duty.arguments) for duty in duties_of(history_of(*events), seat, now_s)]


def dispute(challenger: str = "0x" + "99" * 20) -> Disputed:
    return Disputed(0, 1, 0, 1, challenger, bytes(32), int(NOW) + 100)


def summoned(*before: Event) -> Summoned:
    history = history_of(*before)
    eligible = history.eligible_jurors(0, 1, "")
    return Summoned(0, SEED, jury(SEED, eligible, 3), int(NOW) + 200)


def disputed_and_summoned() -> Sequence[Event]:
    before = [*settled(0, 1, 2, 3), dispute()]
    return [*before, summoned(*before)]


def test_where_nothing_is_wrong_there_is_nothing_to_do() -> None:
    assert calls(*settled(0, 1, 2, 3)) == []


def test_a_seat_below_the_floor_for_long_is_ejected_once() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    history.seats[2].strikes = 1
    assert duties_of(history, 0, NOW) == [Duty("eject", (2,))]
    history.apply(Ejected(2, BOND // 2, int(NOW) + 5))
    assert duties_of(history, 0, NOW) == []


def test_a_seat_given_up_is_released_when_its_time_has_come() -> None:
    left = [*settled(0, 1, 2, 3), Left(2, 0, int(NOW))]
    assert calls(*left) == []
    assert calls(*left, now_s=NOW + 1) == [("release", 2)]


def test_a_seat_in_its_round_or_under_dispute_is_not_released() -> None:
    in_round = [*settled(0, 1, 2, 3), *commits(2, number=2), Left(2, 0, 0)]
    assert calls(*in_round) == []
    under_dispute = [*settled(0, 1, 2, 3), dispute(), Left(0, 0, 0)]
    assert calls(*under_dispute, seat=3) == [("summon", 0)]


def test_a_dispute_is_summoned_voted_on_and_resolved() -> None:
    before = [*settled(0, 1, 2, 3), dispute()]
    assert calls(*before, seat=3) == [("summon", 0)]
    events = disputed_and_summoned()
    assert calls(*events, seat=3) == []
    history = history_of(*events)
    assert history.disputes[0].jury == mask_of([2, 3])
    assert [bool(votes_due(history, seat, NOW)) for seat in range(SEATS)] == [False, False, True, True]
    assert votes_due(history, 2, NOW + 200) == []
    for seat in (2, 3):
        assert calls(*events, seat=3) == []
        events = [*events, Voted(0, seat, upholds=True)]
        assert votes_due(history_of(*events), seat, NOW) == []
    assert calls(*events, seat=3) == [("resolve", 0)]
    resolved = history_of(*events, Resolved(0, 1, BOND // 4))
    assert duties_of(resolved, 3, NOW) == []


def test_a_dispute_whose_window_is_over_is_resolved_without_votes() -> None:
    assert calls(*disputed_and_summoned(), seat=3, now_s=NOW + 201) == [("resolve", 0)]


def test_a_peer_finishes_the_rotation_of_its_cold_key_between_two_rounds() -> None:
    rotating = Rotating(1, peer(1), cold(9), int(NOW) - 10)
    assert calls(*settled(0, 1, 2, 3), rotating, seat=1) == [("finish_rotation", 1)]
    assert calls(*settled(0, 1, 2, 3), rotating, seat=0) == []
    assert calls(*settled(0, 1, 2, 3), rotating, seat=1, now_s=NOW - 10) == []
    assert calls(*settled(0, 1, 2, 3), *commits(1, number=2), rotating, seat=1) == []
    assert calls(*settled(0, 1, 2, 3), rotating, Rotated(1, peer(1), cold(9)), seat=1) == []


def test_the_rotation_to_another_hot_key_is_left_to_that_one() -> None:
    rotating = Rotating(1, peer(9), cold(1), int(NOW) - 10)
    history = history_of(*settled(0, 1, 2, 3), rotating)
    assert duties_of(history, 1, NOW) == []
    assert is_rotation_due(history, 1, NOW)


@pytest.mark.parametrize("events", [commits(0, 1), drawn(0, 1, 2), settled(0, 1, 2, 3)], ids=["1", "2", "3"])
def test_each_member_has_a_turn_of_its_own(events: list[Event]) -> None:
    history = history_of(*events)
    assert sorted(turn(history, seat) for seat in range(SEATS)) == list(range(SEATS))


def test_who_is_below_the_floor_keeps_nobody_waiting() -> None:
    history = history_of(*drawn(0, 1, 2, 3), *attestations(0, 1, 2, 3))
    history.reputations[1] = 0
    assert sorted(turn(history, seat) for seat in (0, 2, 3)) == [0, 1, 2]
