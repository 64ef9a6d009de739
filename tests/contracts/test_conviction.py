"""What a conviction costs, whom it pays, and how long it lasts."""

import pytest

from ledger.circle.events import Outcome
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import DAY_S, DIGEST, RECORD, WINDOW_S, CircleUnderTest
from tests.support.contract.trials import (
    CHALLENGER,
    JUDGE,
    STRANGER,
    answer,
    convict,
    jury_of,
    raise_claim,
    resolve,
)

pytestmark = pytest.mark.rule("R26.6")

BOND, DISPUTE_BOND, FRIEND = 1001, 100, CHALLENGER


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Six bonded seats after two settled rounds."""
    opened = deploy(
        start_seats=6, quorum=3, last_round=300, bond=BOND, dispute_bond=DISPUTE_BOND, reputation_floor=4000
    )
    opened.join_all()
    for _ in range(2):
        opened.whole_round(range(6))
    return opened


def test_a_first_conviction_costs_half_a_bond_and_three_quarters_of_the_reputation(circle: CircleUnderTest) -> None:
    before = circle.reputations[JUDGE]
    resolved = convict(circle)
    assert (resolved.outcome, resolved.fine, resolved.free_at) == (Outcome.UPHELD, 500, 0)
    assert circle.reputations[JUDGE] == before // 4
    assert circle.view("books") == (6 * BOND - 500, DISPUTE_BOND + 125)
    assert circle.twin.burned == 375
    assert circle.view("standing")[6] == 1 << JUDGE


def test_a_second_conviction_costs_the_rest_and_the_seat(circle: CircleUnderTest) -> None:
    convict(circle)
    resolved = convict(circle, 1, JUDGE, 2, DIGEST)
    free_at = circle.twin.deadline_s + DAY_S
    assert (resolved.fine, resolved.free_at) == (501, free_at)
    assert circle.view("standing")[0] == 0b111110
    assert circle.view("books") == (5 * BOND, 2 * (DISPUTE_BOND + 125))
    circle.machine.pass_time(free_at - circle.machine.now_s)
    circle.do(STRANGER, "release", JUDGE)
    assert circle.cold_refusal(JUDGE, "withdraw") == "withdraw: nothing is owed"


def test_a_third_conviction_finds_nothing_and_gives_nothing_up(circle: CircleUnderTest) -> None:
    for target in (1, 2):
        convict(circle, 1, JUDGE, target, DIGEST)
    resolved = convict(circle, 1, JUDGE, 3, DIGEST)
    assert (resolved.fine, resolved.free_at) == (0, 0)


def test_a_judge_that_left_pays_out_of_the_bond_that_waits(circle: CircleUnderTest) -> None:
    circle.do_cold(JUDGE, "leave", JUDGE)
    free_at = circle.twin.seats[JUDGE].free_at
    for target, fine in ((1, 500), (2, 501)):
        resolved = convict(circle, 1, JUDGE, target, DIGEST)
        assert (resolved.fine, resolved.free_at) == (fine, 0)
    assert circle.twin.seats[JUDGE].free_at == free_at


def test_disputing_oneself_gives_a_quarter_of_each_fine_back_and_an_equivocation_burns_the_rest(
    circle: CircleUnderTest,
) -> None:
    convict(circle, by=FRIEND)
    assert circle.view("owed", circle.peers[FRIEND]) == (DISPUTE_BOND + 125,)
    burned = circle.twin.burned
    circle.do(FRIEND, "report_equivocation", *circle.announcements(JUDGE, 1))
    # Nothing goes to who reports: what the first conviction has left is burned.
    assert circle.twin.burned == burned + 501
    assert circle.view("owed", circle.peers[FRIEND]) == (DISPUTE_BOND + 125,)


def test_whatever_a_liar_does_with_a_friend_three_quarters_of_its_bond_are_burned(circle: CircleUnderTest) -> None:
    for target in (1, 2, 3, 4):
        convict(circle, 1, JUDGE, target, DIGEST, by=FRIEND)
    owed = circle.twin.owed[circle.peers[FRIEND]] - 4 * DISPUTE_BOND
    assert owed == 250
    assert circle.twin.burned == BOND - 250


def test_a_convicted_judges_verdicts_weigh_nothing_in_the_round_under_way(circle: CircleUnderTest) -> None:
    after = []
    for rejected in (0, 0b111110):
        circle.commit_all(range(6))
        before = circle.reputations
        circle.do(JUDGE, "attest", circle.verdicts(JUDGE, rejected=rejected), RECORD)
        if not rejected:
            # What it said is said; then it is convicted.
            convict(circle, 1, JUDGE, 1, DIGEST)
        circle.attest_all(range(1, 6))
        settled = circle.settle()
        after.append([settled[seat] - (7 * before[seat] + 65535 >> 3) for seat in range(1, 6)])
    # Whether it accepted or rejected the others, they rise as if it had said nothing.
    assert after == [[0] * 5, [0] * 5]


def test_a_suspension_lasts_64_rounds_and_ends_by_waking(circle: CircleUnderTest) -> None:
    convicted_in = circle.twin.number
    convict(circle)
    suspended = []
    for number in (convicted_in + 1, convicted_in + 63, convicted_in + 64):
        circle.put_forward(number)
        circle.do(JUDGE, "wake")
        suspended.append(circle.view("standing")[6])
        circle.commit_all(range(6))
        before = circle.reputations
        circle.attest_all(range(1, 6))
        circle.do(JUDGE, "attest", circle.verdicts(JUDGE, rejected=0b111110), RECORD)
        after = circle.settle()
        is_heard = any(after[seat] < 7 * before[seat] + 65535 >> 3 for seat in range(1, 6))
        assert is_heard == (number == convicted_in + 64)
    assert suspended == [1, 1, 0]


def test_who_does_not_wake_stays_suspended(circle: CircleUnderTest) -> None:
    convict(circle)
    circle.put_forward(200)
    circle.whole_round(range(6))
    assert circle.view("standing")[6] == 1 << JUDGE


def test_who_takes_the_seat_next_is_neither_suspended_nor_convicted(deploy_large: Deploy) -> None:
    circle = deploy_large(
        start_seats=256, quorum=2, last_round=9, bond=80, dispute_bond=1, unbonding_s=8 * WINDOW_S, jury_seats=3
    )
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.commit_all([2])
    circle.attest_all(range(3))
    circle.settle()
    # Its jury has one seat; the circle's majority is 129.
    raise_claim(circle)
    answer(circle, 0, upholds=jury_of(circle))
    resolve(circle)
    answer(circle, 0, upholds=range(1, 130))
    resolve(circle)
    circle.do_cold(JUDGE, "leave", JUDGE)
    circle.machine.pass_time(9 * WINDOW_S)
    circle.do(STRANGER, "release", JUDGE)
    circle.join(256)
    assert circle.view("standing")[6] == 0
    assert circle.view("seat_at", JUDGE)[0][10] == 0
