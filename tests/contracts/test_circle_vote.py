"""The votes of a jury."""

from collections.abc import Callable

import pytest
from circle_harness import DAY_S, DIGEST, WINDOW_S, CircleUnderTest

from ledger.events import Voted
from ledger.topology import seats_of

Deploy = Callable[..., CircleUnderTest]
JUDGE, TARGET, CHALLENGER = 0, 1, 9


@pytest.fixture
def circle(deploy: Deploy) -> CircleUnderTest:
    """Eight seats, and a dispute with a jury of five of them."""
    opened = deploy(start_seats=8, quorum=2, last_round=9, dispute_bond=100, jury_seats=5)
    opened.join_all()
    opened.whole_round(range(8))
    opened.do(CHALLENGER, "dispute", 1, JUDGE, TARGET, DIGEST)
    opened.do(CHALLENGER, "summon", 0)
    return opened


def jury_of(circle: CircleUnderTest) -> list[int]:
    return seats_of(circle.history.disputes[0].jury)


def test_a_juror_says_yes_or_no(circle: CircleUnderTest) -> None:
    first, second = jury_of(circle)[:2]
    assert circle.do(first, "vote", 0, True) == [Voted(0, first, True)]
    assert circle.do(second, "vote", 0, False) == [Voted(0, second, False)]
    (held,) = circle.view("dispute_at", 0)
    assert held[-2:] == (1 << first, 1 << second)


@pytest.mark.parametrize("again", [True, False])
def test_nobody_votes_twice(circle: CircleUnderTest, again: bool) -> None:
    first = jury_of(circle)[0]
    circle.do(first, "vote", 0, True)
    assert circle.refusal(first, "vote", 0, again) == "vote: already voted"


def test_the_jury_alone_votes(circle: CircleUnderTest) -> None:
    others = [seat for seat in range(8) if seat not in jury_of(circle)]
    assert {JUDGE, TARGET} <= set(others)
    for seat in others:
        assert circle.refusal(seat, "vote", 0, True) == "vote: not of the jury"


def test_who_has_no_seat_does_not_vote(circle: CircleUnderTest) -> None:
    first = jury_of(circle)[0]
    assert circle.cold_refusal(first, "vote", 0, True) == "seat: caller has none"
    circle.do_cold(first, "leave", first)
    assert circle.refusal(first, "vote", 0, True) == "seat: caller has none"


def test_a_seat_votes_with_the_key_it_has(circle: CircleUnderTest) -> None:
    first = jury_of(circle)[0]
    circle.do_cold(first, "rotate", first, circle.peers[8], circle.colds[first])
    circle.do(first, "vote", 0, True)
    circle.machine.pass_time(DAY_S)
    circle.do(8, "finish_rotation", first)
    assert circle.refusal(8, "vote", 0, True) == "vote: window is over"


def test_votes_are_cast_before_the_deadline(circle: CircleUnderTest) -> None:
    first, second = jury_of(circle)[:2]
    circle.machine.pass_time(WINDOW_S - 1)
    circle.do(first, "vote", 0, True)
    circle.machine.pass_time(1)
    assert circle.refusal(second, "vote", 0, True) == "vote: window is over"


@pytest.mark.parametrize("number", [1, 2**256 - 1])
def test_without_a_dispute_there_is_no_vote(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(2, "vote", number, True) == "vote: no such open dispute"


def test_a_closed_dispute_takes_no_votes(circle: CircleUnderTest) -> None:
    jury = jury_of(circle)
    for seat in jury[:3]:
        circle.do(seat, "vote", 0, False)
    circle.do(CHALLENGER, "resolve", 0)
    assert circle.refusal(jury[3], "vote", 0, False) == "vote: no such open dispute"


def test_before_a_jury_is_drawn_nobody_votes(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", 1, JUDGE, 2, DIGEST)
    for seat in range(8):
        assert circle.refusal(seat, "vote", 1, True) == "vote: not of the jury"
