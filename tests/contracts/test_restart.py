"""Starting anew from the genesis: it costs, and it is no way out."""

import pytest

from ledger.circle.events import Outcome, Restarted
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import CircleUnderTest
from tests.support.contract.trials import CHALLENGER, CLAIM, JUDGE, STRANGER, convict

pytestmark = pytest.mark.rule("R23.4")


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Five bonded seats after one settled round."""
    return after_a_round(deploy, start_seats=5, quorum=2, last_round=9, bond=1000, dispute_bond=100)


@pytest.mark.parametrize("key", ["hot", "cold"])
def test_a_restart_costs_three_quarters_of_the_reputation(circle: CircleUnderTest, key: str) -> None:
    before = circle.reputations
    sender = (circle.peers if key == "hot" else circle.colds)[JUDGE]
    assert circle.call(sender, "restart", JUDGE) == [Restarted(JUDGE)]
    assert circle.reputations == {**before, JUDGE: before[JUDGE] // 4}
    assert circle.view("standing")[1] == 1 << JUDGE
    assert circle.view("books") == (5000, 0)


def test_who_starts_anew_is_liable_for_what_it_said_before(circle: CircleUnderTest) -> None:
    circle.do(JUDGE, "restart", JUDGE)
    assert convict(circle).outcome == Outcome.UPHELD
    assert circle.twin.seats[JUDGE].bond == 500


def test_it_costs_each_time(circle: CircleUnderTest) -> None:
    before = circle.reputations[JUDGE]
    for _ in range(2):
        circle.do(JUDGE, "restart", JUDGE)
    assert circle.reputations[JUDGE] == before // 4 // 4


def test_nobody_else_starts_a_seat_anew(circle: CircleUnderTest) -> None:
    for sender in (circle.peers[1], circle.colds[1], circle.peers[STRANGER]):
        assert circle.call(sender, "restart", JUDGE) == "restart: not its key"


@pytest.mark.parametrize("seat", [5, 256, 2**256 - 1])
def test_a_seat_nobody_holds_is_not_started_anew(circle: CircleUnderTest, seat: int) -> None:
    assert circle.refusal(0, "restart", seat) == "seat: is not held"
    circle.do_cold(1, "leave", 1)
    assert circle.cold_refusal(1, "restart", 1) == "seat: is not held"


def test_no_seat_starts_anew_in_a_round(circle: CircleUnderTest) -> None:
    in_round = "restart: seat is in a round"
    circle.commit_all([JUDGE])
    assert circle.refusal(JUDGE, "restart", JUDGE) == in_round
    circle.do(1, "restart", 1)
    circle.commit_all(range(1, 5))
    assert circle.refusal(JUDGE, "restart", JUDGE) == in_round
    circle.attest_all(range(5))
    circle.settle()
    circle.do(JUDGE, "restart", JUDGE)


def test_a_restart_ends_no_dispute_and_bars_none(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    circle.do(JUDGE, "restart", JUDGE)
    circle.do(CHALLENGER, "dispute", 1, JUDGE, 2, CLAIM[-1])
    assert circle.view("seat_at", JUDGE)[0][9] == 2
