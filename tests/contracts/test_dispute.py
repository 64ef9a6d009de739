"""Claiming that what a judge said was false."""

import pytest

from ledger.circle.events import Answer, Disputed, Outcome, Stage
from tests.support.contract.attacking import attacker, data_of
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import DAY_S, DIGEST, RECORD, WINDOW_S, CircleUnderTest
from tests.support.contract.trials import (
    CHALLENGER,
    CLAIM,
    JUDGE,
    STRANGER,
    TARGET,
    close,
    convict,
    pass_window,
    resolve,
)

pytestmark = pytest.mark.rule("R26.1")


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Five seats with a bond of 1000 after one settled round; a dispute pledges 100."""
    return after_a_round(deploy, start_seats=5, quorum=2, last_round=300, bond=1000, dispute_bond=100)


def test_anyone_disputes_a_verdict_and_pledges_a_bond(circle: CircleUnderTest) -> None:
    deadline = circle.machine.now_s + WINDOW_S
    (claim,) = circle.do(CHALLENGER, "dispute", *CLAIM)
    assert claim == Disputed(0, 1, JUDGE, TARGET, circle.peers[CHALLENGER], DIGEST, 0b11111, deadline)
    assert circle.view("books") == (5100, 0)
    assert circle.twin.disputes[0].pool == 0b11100


def test_disputes_are_numbered(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    (claim,) = circle.do(CHALLENGER, "dispute", 1, JUDGE, 2, RECORD)
    assert isinstance(claim, Disputed)
    assert claim.dispute == 1
    assert circle.view("dispute_count") == (2,)


def test_a_judges_own_record_is_disputed_as_a_claim_about_itself(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", 1, JUDGE, JUDGE, DIGEST)
    assert circle.twin.disputes[0].pool == 0b11110
    circle.do(CHALLENGER, "dispute", *CLAIM)


@pytest.mark.parametrize("value", [0, 99, 101])
def test_the_bond_is_neither_more_nor_less(circle: CircleUnderTest, value: int) -> None:
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM, value=value) == "dispute: value is not the bond"


def test_a_circle_may_have_no_disputes(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=5, dispute_bond=0)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: circle has none"


@pytest.mark.parametrize("number", [0, 2, 3, 2**256 - 1])
def test_a_settled_round_alone_is_disputed(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(CHALLENGER, "dispute", number, JUDGE, TARGET, DIGEST) == "dispute: round is not settled"


def test_the_last_round_is_disputed_after_the_end(deploy: Deploy) -> None:
    circle = deploy(start_seats=5, last_round=1, bond=8, dispute_bond=1)
    circle.join_all()
    circle.commit_all(range(5))
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: round is not settled"
    circle.attest_all(range(5))
    circle.settle()
    circle.do(CHALLENGER, "dispute", *CLAIM)


def test_nothing_is_disputed_before_the_first_round(deploy: Deploy) -> None:
    circle = deploy(bond=8, dispute_bond=1)
    circle.join(0)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: round is not settled"


@pytest.mark.parametrize(("now", "is_late"), [(257, False), (258, True)])
def test_verdicts_of_long_ago_stand(circle: CircleUnderTest, now: int, is_late: bool) -> None:
    circle.put_forward(now)
    if is_late:
        assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: round is too long ago"
    else:
        circle.do(CHALLENGER, "dispute", *CLAIM)


@pytest.mark.parametrize("judge", [5, 256, 2**256 - 1])
def test_a_judge_has_a_seat(circle: CircleUnderTest, judge: int) -> None:
    assert circle.refusal(CHALLENGER, "dispute", 1, judge, TARGET, DIGEST) == "dispute: judge has no seat"


def test_a_released_judge_has_no_seat(circle: CircleUnderTest) -> None:
    circle.do_cold(JUDGE, "leave", JUDGE)
    circle.machine.pass_time(2 * DAY_S)
    circle.do(1, "release", JUDGE)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: judge has no seat"


def test_nobody_answers_for_who_sat_there_before(circle: CircleUnderTest) -> None:
    circle.join(5)
    assert circle.refusal(CHALLENGER, "dispute", 1, 5, TARGET, DIGEST) == "dispute: judge joined later"


@pytest.mark.parametrize("target", [5, 256, 2**256 - 1])
def test_a_verdict_is_about_a_seat(circle: CircleUnderTest, target: int) -> None:
    assert circle.refusal(CHALLENGER, "dispute", 1, JUDGE, target, DIGEST) == "dispute: target is no seat"


def test_a_claim_is_raised_once_at_a_time(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    assert circle.refusal(2, "dispute", *CLAIM) == "dispute: already disputed"
    circle.do(2, "dispute", 1, TARGET, JUDGE, DIGEST)


def test_where_nobody_can_sit_on_a_jury_the_circle_hears_the_claim_at_once(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=3, bond=8, dispute_bond=1)
    # Seat 2 is left, and it does not sit on the jury of its own claim.
    circle.do(2, "dispute", *CLAIM)
    assert circle.twin.disputes[0].stage == Stage.CIRCLE
    assert circle.refusal(STRANGER, "summon", 0) == "summon: no jury is to be drawn"
    circle.vote([2, 1], 0, Answer.UPHOLDS)
    assert close(circle).outcome == Outcome.UPHELD


def test_the_electorate_is_all_who_are_bonded_leavers_included(circle: CircleUnderTest) -> None:
    circle.do_cold(3, "leave", 3)
    circle.join(6)
    (claim,) = circle.do(CHALLENGER, "dispute", *CLAIM)
    assert isinstance(claim, Disputed)
    assert claim.electorate == 0b111111


def test_who_is_released_is_of_no_electorate(deploy: Deploy) -> None:
    circle = after_a_round(
        deploy, start_seats=5, quorum=4, last_round=9, bond=8, dispute_bond=1, unbonding_s=8 * WINDOW_S
    )
    circle.do_cold(3, "leave", 3)
    circle.machine.pass_time(9 * WINDOW_S)
    circle.do(0, "release", 3)
    circle.whole_round([0, 1, 2, 4])
    (claim,) = circle.do(CHALLENGER, "dispute", *CLAIM)
    assert isinstance(claim, Disputed)
    assert claim.electorate == 0b10111


def test_fewer_than_the_quorum_bonded_judge_nobody(deploy: Deploy) -> None:
    circle = after_a_round(
        deploy, start_seats=4, quorum=4, last_round=9, bond=8, dispute_bond=1, unbonding_s=30 * DAY_S
    )
    circle.do_cold(3, "leave", 3)
    circle.machine.pass_time(30 * DAY_S + WINDOW_S)
    circle.do(0, "release", 3)
    # Round 2 stands open for long, so a claim could not end in time either: the circle's word is moved on.
    circle.put_off(circle.machine.now_s)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: too few are bonded"


def test_settling_and_disputing_in_one_transaction_changes_no_electorate(deploy: Deploy) -> None:
    claimed = []
    for is_settled_first in (True, False):
        circle = deploy(start_seats=6, quorum=3, last_round=9, bond=1000, dispute_bond=100)
        circle.join_all()
        circle.whole_round(range(6))
        circle.commit_all(range(6))
        # Most attest nothing, so that the settlement takes them off the roster.
        circle.attest_all(range(3))
        circle.machine.pass_time(WINDOW_S)
        if is_settled_first:
            ruse = attacker(circle.machine, "Ruse")
            data = data_of("settle_and_dispute(address,uint256,uint256,uint256)", circle.address, 2, JUDGE, TARGET)
            ran = circle.machine.run(circle.peers[CHALLENGER], ruse, data, 100)
            calls = ((ruse, "settle", 2), (ruse, "dispute", 2, JUDGE, TARGET, DIGEST))
            *_, claim = circle.follow(ran, *calls)
        else:
            circle.settle()
            (claim,) = circle.do(CHALLENGER, "dispute", 2, JUDGE, TARGET, DIGEST)
        assert isinstance(claim, Disputed)
        claimed.append(claim.electorate)
        circle.do(STRANGER, "summon", 0)
        # All of the little jury that is left uphold it; that convicts nobody.
        circle.vote([2], 0, Answer.UPHOLDS)
        resolve(circle)
        circle.vote([2], 0, Answer.UPHOLDS)
        pass_window(circle)
        assert close(circle).outcome == Outcome.VOID
    assert claimed == [0b111111, 0b111111]


@pytest.mark.parametrize(("too_late", "refused"), [(0, None), (1, "dispute: too late to end")])
def test_a_leaver_is_disputed_while_a_trial_can_end_before_it_is_free(
    circle: CircleUnderTest, too_late: int, refused: str | None
) -> None:
    circle.do_cold(JUDGE, "leave", JUDGE)
    free_at = circle.twin.seats[JUDGE].free_at
    assert free_at is not None
    circle.machine.pass_time(free_at - 4 * WINDOW_S - circle.machine.now_s + too_late)
    outcome = circle.call(circle.peers[CHALLENGER], "dispute", *CLAIM)
    assert outcome == refused if refused else isinstance(outcome, list)


@pytest.mark.parametrize("is_appealed", [True, False])
def test_a_late_dispute_never_holds_a_leaver_beyond_its_free_time(
    circle: CircleUnderTest, is_appealed: bool
) -> None:
    circle.do_cold(JUDGE, "leave", JUDGE)
    free_at = circle.twin.seats[JUDGE].free_at
    assert free_at is not None
    circle.machine.pass_time(free_at - 4 * WINDOW_S - circle.machine.now_s)
    circle.do(CHALLENGER, "dispute", *CLAIM)
    # Every stage is dragged out to its last second.
    circle.machine.pass_time(WINDOW_S - 1)
    circle.do(CHALLENGER, "summon", 0)
    pass_window(circle)
    assert circle.refusal(STRANGER, "release", JUDGE) == "release: unbonding is not over"
    resolve(circle)
    if is_appealed:
        circle.machine.pass_time(WINDOW_S - 1)
        circle.do(CHALLENGER, "appeal", 0, circle.said(0))
    pass_window(circle)
    resolve(circle)
    assert circle.machine.now_s <= free_at
    circle.machine.pass_time(free_at - circle.machine.now_s)
    circle.do(STRANGER, "release", JUDGE)
    assert circle.view("owed", circle.colds[JUDGE]) == (1000,)


def test_a_leaver_is_not_held_by_a_circle_that_goes_on(circle: CircleUnderTest) -> None:
    circle.do_cold(JUDGE, "leave", JUDGE)
    free_at = circle.twin.seats[JUDGE].free_at
    assert free_at is not None
    # A round later the circle's deadline alone would leave time for a trial.
    circle.machine.pass_time(free_at - 4 * WINDOW_S - circle.machine.now_s)
    circle.whole_round([1, 2])
    circle.machine.pass_time(1)
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: too late to end"
    circle.do(CHALLENGER, "dispute", 1, 1, 0, DIGEST)


def test_a_circle_that_stands_still_hears_nothing_that_could_outlast_a_leaver(circle: CircleUnderTest) -> None:
    # Whoever left when round 2 opened is free a day after its deadline.
    circle.machine.pass_time(WINDOW_S + DAY_S - 4 * WINDOW_S)
    circle.do(CHALLENGER, "dispute", *CLAIM)
    circle.machine.pass_time(1)
    assert circle.refusal(CHALLENGER, "dispute", 1, 1, 0, DIGEST) == "dispute: too late to end"


def test_who_is_convicted_is_disputed_again_for_other_verdicts(circle: CircleUnderTest) -> None:
    assert convict(circle).outcome == Outcome.UPHELD
    assert circle.refusal(CHALLENGER, "dispute", *CLAIM) == "dispute: already disputed"
    circle.do(CHALLENGER, "dispute", 1, JUDGE, 2, DIGEST)
