"""What a member owes the circle, and whose turn it is: from the history alone."""

import pytest

from ledger.circle.events import Answer, Ejected, Event, Left, Outcome, Rotated, Rotating, Stage
from node.duties.duties import Duty, count_members_ahead, find_duties
from node.seat.seating import is_rotation_due
from tests.support.histories.disputes import NOW as COURT_NOW
from tests.support.histories.disputes import WINDOW_S, Court
from tests.support.histories.moments import SEATS, attestations, commits, drawn, history_of, settled
from tests.support.histories.parts import BOND, address, cold

pytestmark = pytest.mark.rule("R21")

NOW = 10_000.0


def calls(*events: Event, seat: int = 0, now_s: float = NOW) -> list[tuple[object, ...]]:
    return [(duty.call, *duty.arguments) for duty in find_duties(history_of(*events), seat, now_s)]


def test_where_nothing_is_wrong_there_is_nothing_to_do() -> None:
    assert calls(*settled(0, 1, 2, 3)) == []


def test_a_seat_below_the_floor_for_long_is_ejected_once() -> None:
    history = history_of(*settled(0, 1, 2, 3))
    history.seats[2].strikes = 1
    assert find_duties(history, 0, NOW) == [Duty("eject", (2,))]
    history.apply(Ejected(2, BOND // 2, int(NOW) + 5))
    assert find_duties(history, 0, NOW) == []


def test_a_seat_given_up_is_released_when_its_time_has_come() -> None:
    left = [*settled(0, 1, 2, 3), Left(2, 0, int(NOW))]
    assert calls(*left) == []
    assert calls(*left, now_s=NOW + 1) == [("release", 2)]


def test_a_seat_in_its_round_is_not_released() -> None:
    events = [*drawn(0, 1, 2, 3), Left(2, 0, 0)]
    assert calls(*events) == []


def test_a_seat_that_nobody_has_heard_of_for_long_is_ejected(monkeypatch: pytest.MonkeyPatch) -> None:
    history = history_of(*settled(0, 1, 2, 3))
    monkeypatch.setattr(history, "is_absent", lambda seat: seat == 3)
    assert find_duties(history, 0, NOW) == [Duty("eject", (3,))]


def court_calls(court: Court, seat: int = 3, *, later_s: float = 0.0) -> list[Duty]:
    return find_duties(court.history, seat, COURT_NOW + later_s)


def test_a_jury_is_drawn_at_once_by_who_raised_the_claim_and_in_turn_by_the_others() -> None:
    court = Court()
    court.dispute()
    assert court_calls(court) == [Duty("summon", (0,))]
    assert court_calls(court, 8) == [Duty("summon", (0,), is_own=True)]
    assert court_calls(court, later_s=WINDOW_S + 2) == [Duty("resolve", (0,))]


def test_a_dispute_is_taken_on_when_its_stage_is_over_and_not_before() -> None:
    court = Court()
    court.dispute()
    jurors = court.summon()
    assert court_calls(court) == []
    court.vote(Answer.REJECTS, jurors[0])
    assert court_calls(court) == []
    assert court_calls(court, later_s=2 * WINDOW_S + 2) == [Duty("resolve", (0,))]
    court.vote(Answer.REJECTS, jurors[1])
    assert court_calls(court) == [Duty("resolve", (0,))]
    court.refer(Stage.APPEAL)
    assert court_calls(court) == []
    assert court_calls(court, later_s=3 * WINDOW_S + 2) == [Duty("resolve", (0,))]
    court.resolve(Outcome.REJECTED)
    assert court_calls(court, later_s=10 * WINDOW_S) == []


def test_what_the_circle_has_decided_is_resolved() -> None:
    court = Court()
    court.dispute()
    court.vote(Answer.UPHOLDS, *court.summon())
    court.refer(Stage.CIRCLE)
    court.vote(Answer.UPHOLDS, 1, 2, 3, 4)
    assert court_calls(court) == []
    court.vote(Answer.WITHHELD, 5)
    assert court_calls(court) == [Duty("resolve", (0,))]


def test_a_peer_finishes_the_rotation_of_its_cold_key_between_two_rounds() -> None:
    rotating = Rotating(1, address(1), cold(9), int(NOW) - 10)
    assert calls(*settled(0, 1, 2, 3), rotating, seat=1) == [("finish_rotation", 1)]
    assert calls(*settled(0, 1, 2, 3), rotating, seat=0) == []
    assert calls(*settled(0, 1, 2, 3), rotating, seat=1, now_s=NOW - 10) == []
    assert calls(*settled(0, 1, 2, 3), *commits(1, number=2), rotating, seat=1) == []
    assert calls(*settled(0, 1, 2, 3), rotating, Rotated(1, address(1), cold(9)), seat=1) == []


def test_the_rotation_to_another_hot_key_is_left_to_that_one() -> None:
    rotating = Rotating(1, address(9), cold(1), int(NOW) - 10)
    history = history_of(*settled(0, 1, 2, 3), rotating)
    assert find_duties(history, 1, NOW) == []
    assert is_rotation_due(history, 1, NOW)


@pytest.mark.parametrize("events", [commits(0, 1), drawn(0, 1, 2), settled(0, 1, 2, 3)], ids=["1", "2", "3"])
def test_each_member_has_a_turn_of_its_own(events: list[Event]) -> None:
    history = history_of(*events)
    assert sorted(count_members_ahead(history, seat) for seat in range(SEATS)) == list(range(SEATS))


def test_who_is_below_the_floor_keeps_nobody_waiting() -> None:
    history = history_of(*drawn(0, 1, 2, 3), *attestations(0, 1, 2, 3))
    history.reputations[1] = 0
    assert sorted(count_members_ahead(history, seat) for seat in (0, 2, 3)) == [0, 1, 2]
