"""Claiming that a verdict was false."""

from collections.abc import Callable

import pytest
from circle_harness import DAY_S, DIGEST, RECORD, WINDOW_S, CircleUnderTest

from ledger.events import Disputed

Deploy = Callable[..., CircleUnderTest]
JUDGE, TARGET, CHALLENGER = 0, 1, 9
CLAIM = (1, JUDGE, TARGET, DIGEST)


@pytest.fixture
def circle(deploy: Deploy) -> CircleUnderTest:
    """Five seats with a bond of 1000 after one settled round; a dispute pledges 100."""
    opened = deploy(start_seats=5, quorum=2, last_round=300, bond=1000, dispute_bond=100)
    opened.join_all()
    opened.whole_round(range(5))
    return opened


def test_anyone_disputes_a_verdict_and_pledges_a_bond(circle: CircleUnderTest) -> None:
    deadline = circle.machine.now_s + WINDOW_S
    (claim,) = circle.do(CHALLENGER, "dispute", *CLAIM)
    assert claim == Disputed(0, 1, JUDGE, TARGET, circle.peers[CHALLENGER], DIGEST, deadline)
    assert circle.view("books") == (5100, 0)
    assert circle.view("seat_at", JUDGE)[0][9] == 1


def test_disputes_are_numbered(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    (claim,) = circle.do(CHALLENGER, "dispute", 1, JUDGE, 2, RECORD)
    assert isinstance(claim, Disputed)
    assert claim.dispute == 1
    assert circle.view("dispute_count") == (2,)


@pytest.mark.parametrize("value", [0, 99, 101])
def test_the_bond_is_neither_more_nor_less(circle: CircleUnderTest, value: int) -> None:
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM, value=value) == "dispute: value is not the bond"


def test_a_circle_may_have_no_disputes(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, dispute_bond=0)
    circle.join_all()
    circle.whole_round(range(5))
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: circle has none"


@pytest.mark.parametrize("number", [0, 2, 3, 2**256 - 1])
def test_a_settled_round_alone_is_disputed(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(CHALLENGER, "dispute", number, JUDGE, TARGET, DIGEST) == "dispute: round is not settled"


def test_the_last_round_is_disputed_after_the_end(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, last_round=1, dispute_bond=1)
    circle.join_all()
    circle.commit_all(range(5))
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: round is not settled"
    circle.attest_all(range(5))
    circle.settle()
    circle.do(CHALLENGER, "dispute", *CLAIM)


def test_nothing_is_disputed_before_the_first_round(deploy: Deploy) -> None:
    circle = deploy(dispute_bond=1)
    circle.join(0)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: round is not settled"


@pytest.mark.parametrize(("now", "is_late"), [(257, False), (258, True)])
def test_verdicts_of_long_ago_stand(circle: CircleUnderTest, now: int, is_late: bool) -> None:
    # Hundreds of rounds take long; the clock is put forward in contract and twin alike.
    circle.history.rounds[-1].number = now
    circle.machine.poke(circle.address, circle.clock_slot, circle.twin.clock)
    if is_late:
        assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: round is too long ago"
    else:
        circle.do(CHALLENGER, "dispute", *CLAIM)


@pytest.mark.parametrize("judge", [5, 256, 2**256 - 1])
def test_a_judge_has_a_seat(circle: CircleUnderTest, judge: int) -> None:
    assert circle.refusal(CHALLENGER, "dispute", 1, judge, TARGET, DIGEST) == "dispute: judge has no seat"


def test_a_released_judge_has_no_seat(circle: CircleUnderTest) -> None:
    circle.do_cold(JUDGE, "leave", JUDGE)
    circle.machine.pass_time(DAY_S)
    circle.do(1, "release", JUDGE)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: judge has no seat"


def test_a_judge_that_left_is_disputed_until_its_unbonding_is_over(circle: CircleUnderTest) -> None:
    # Else one dispute after the other could keep its bond for ever.
    circle.do_cold(JUDGE, "leave", JUDGE)
    circle.machine.pass_time(DAY_S - 1)
    circle.do(CHALLENGER, "dispute", *CLAIM)
    circle.machine.pass_time(1)
    assert circle.refusal(CHALLENGER, "dispute", 1, JUDGE, 2, DIGEST) == "dispute: unbonding is over"


def test_nobody_answers_for_who_sat_there_before(circle: CircleUnderTest) -> None:
    circle.join(5)
    assert circle.refusal(CHALLENGER, "dispute", 1, 5, TARGET, DIGEST) == "dispute: judge joined later"


@pytest.mark.parametrize("target", [JUDGE, 5, 256, 2**256 - 1])
def test_a_verdict_is_about_another_seat(circle: CircleUnderTest, target: int) -> None:
    reason = circle.refusal(CHALLENGER, "dispute", 1, JUDGE, target, DIGEST)
    assert reason == "dispute: target is no other seat"


def test_a_verdict_is_disputed_once_at_a_time(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    assert circle.refusal(2, "dispute", *CLAIM) == "dispute: already disputed"
    circle.do(2, "dispute", 1, TARGET, JUDGE, DIGEST)


def test_without_anyone_to_vote_there_is_no_dispute(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, dispute_bond=1)
    circle.join_all()
    circle.whole_round(range(3))
    # Seat 2 is left, and it does not vote on its own claim.
    assert circle.refusal(2, "dispute", *CLAIM) == "dispute: nobody can vote"
    circle.do_cold(2, "leave", 2)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: nobody can vote"
