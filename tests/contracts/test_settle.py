"""Verdicts become reputations, and the next round opens."""

import pytest

from ledger.circle.events import Settled
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, after_a_round
from tests.support.contract.harness import RECORD, WINDOW_S, CircleUnderTest
from tests.support.contract.twin.rounds import PATIENCE_WINDOWS

pytestmark = pytest.mark.rule("R3.12")

INITIAL, FULL = 32768, 65535
STRANGER = 9


def attest(circle: CircleUnderTest, seat: int, judged: int, accepted: int) -> None:
    """One seat judges these of the others, as masks of seats."""
    others = (1 << len(circle.twin.seats)) - 1
    circle.do(seat, "attest", circle.verdicts(seat, rejected=others & ~accepted, unjudged=others & ~judged), RECORD)


@pytest.mark.rule("R3.5")
def test_anyone_settles_and_the_next_round_opens_for_those_who_attested(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.commit_all(range(3))
    circle.attest_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    (settled,) = circle.do(STRANGER, "settle", 1)
    assert isinstance(settled, Settled)
    assert settled.attested == 0b011
    state = circle.state
    assert (state.round, state.phase, state.roster) == (2, Phase.COMMIT, 0b011)
    assert state.deadline_s == circle.machine.now_s + WINDOW_S


@pytest.mark.rule("R3.7")
def test_a_round_all_have_attested_in_is_settled_before_its_deadline(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=3, quorum=2)
    assert circle.state.round == 2


def test_the_last_round_ends_the_circle(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=2, last_round=2)
    circle.whole_round(range(2))
    assert (circle.state.phase, circle.state.round, circle.state.deadline_s) == (
        Phase.FINISHED,
        2,
        circle.machine.now_s,
    )
    assert circle.refusal(0, "settle", 2) == "settle: phase is not attest"


def test_the_accepted_rise_and_the_rejected_fall_by_an_eighth_of_the_way(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, reputation_shift=3)
    circle.join_all()
    rise, fall = (7 * INITIAL + FULL) >> 3, (7 * INITIAL) >> 3
    assert circle.whole_round(range(3), rejected=0b010) == {0: rise, 1: fall, 2: rise}


def test_a_heavier_judge_counts_for_more(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, reputation_shift=1, last_round=9)
    circle.join_all()
    circle.whole_round(range(3), rejected=0b010)
    heavy, light = ((INITIAL + FULL) >> 1) >> 8, (INITIAL >> 1) >> 8
    before = circle.reputations[2]
    # Seat 1 is still in good standing, with half of what it began with.
    assert circle.view("standing")[1] == 0
    circle.commit_all(range(3))
    attest(circle, 0, 0b100, 0b100)
    attest(circle, 1, 0b100, 0)
    attest(circle, 2, 0, 0)
    assert circle.settle()[2] == (before + heavy * FULL // (heavy + light)) >> 1


def test_who_commits_and_attests_nothing_pays_for_it(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2, reputation_shift=3)
    circle.join_all()
    circle.commit_all(range(3))
    circle.attest_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    risen = (7 * INITIAL + FULL) >> 3
    assert circle.settle() == {0: risen, 1: risen, 2: risen - (risen >> 3)}


def test_who_was_waited_for_in_vain_pays_for_it_and_a_latecomer_does_not(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    circle.join(5)
    circle.attest_all(range(2))
    after = circle.settle()
    assert (after[2], after[3]) == (INITIAL - (INITIAL >> 3), INITIAL)


def test_a_committed_seat_nobody_judged_keeps_its_reputation(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join_all()
    circle.commit_all(range(2))
    for seat in range(2):
        attest(circle, seat, 0, 0)
    assert circle.settle() == {0: INITIAL, 1: INITIAL}


def test_a_quarantined_seat_is_judged_but_its_verdicts_weigh_nothing(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, reputation_shift=1, reputation_floor=20000, last_round=9)
    circle.join_all()
    fallen = circle.whole_round(range(3), rejected=0b100)
    assert fallen[2] == 16384
    # The quarantined seat 2 rejects both others; they accept everybody.
    circle.commit_all(range(3))
    attest(circle, 0, 0b110, 0b110)
    attest(circle, 1, 0b101, 0b101)
    attest(circle, 2, 0b011, 0)
    after = circle.settle()
    assert after == {0: (fallen[0] + FULL) >> 1, 1: (fallen[1] + FULL) >> 1, 2: (16384 + FULL) >> 1}


def test_where_all_judges_are_quarantined_all_weigh_the_same(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, reputation_shift=1, reputation_floor=32767, last_round=9)
    circle.join_all()
    fallen = circle.whole_round(range(3), rejected=0b111)
    assert fallen == {0: 16384, 1: 16384, 2: 16384}
    circle.commit_all(range(3))
    attest(circle, 0, 0b110, 0b110)
    attest(circle, 1, 0b101, 0b001)
    attest(circle, 2, 0b011, 0b011)
    assert circle.settle() == {0: (16384 + FULL) >> 1, 1: (16384 + FULL) >> 1, 2: (16384 + FULL // 2) >> 1}


def test_where_the_only_judge_in_good_standing_is_silent_the_quarantined_decide(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2, reputation_shift=1, reputation_floor=20000, last_round=9)
    circle.join_all()
    circle.whole_round(range(3), rejected=0b110)
    before = circle.reputations
    assert before[0] > 20000 > before[1] == before[2]
    circle.commit_all(range(3))
    circle.attest_all([1, 2], rejected=0b001)
    circle.machine.pass_time(WINDOW_S)
    after = circle.settle()
    halved = before[0] >> 1
    assert after == {0: halved - (halved >> 1), 1: (before[1] + FULL) >> 1, 2: (before[2] + FULL) >> 1}


@pytest.mark.parametrize("rejected", [0, 0b11])
@pytest.mark.parametrize("shift", [1, 8])
def test_reputations_stay_on_their_scale(deploy_large: Deploy, rejected: int, shift: int) -> None:
    rounds = 24
    circle = deploy_large(start_seats=2, reputation_shift=shift, reputation_floor=256, last_round=rounds)
    circle.join_all()
    found = [INITIAL]
    for _ in range(rounds):
        found.append(circle.whole_round(range(2), rejected)[0])
    assert found == sorted(found, reverse=rejected != 0)
    assert 0 <= found[-1] <= FULL


def test_a_round_is_settled_in_its_time_only(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=2)
    assert circle.refusal(0, "settle", 0) == "settle: phase is not attest"
    circle.join_all()
    assert circle.refusal(0, "settle", 1) == "settle: phase is not attest"
    circle.commit_all(range(2))
    assert circle.refusal(0, "settle", 1) == "settle: attest phase is not due"
    circle.attest_all([0])
    circle.machine.pass_time(WINDOW_S)
    assert circle.refusal(0, "settle", 1) == "settle: attest phase is not due"
    circle.attest_all([1])
    for number in (0, 2, 2**21 + 1, 2**256 - 1):
        assert circle.refusal(0, "settle", number) == "settle: not this round"
    circle.settle()
    assert circle.refusal(0, "settle", 1) == "settle: phase is not attest"
    circle.commit_all(range(2))
    assert circle.refusal(0, "settle", 1) == "settle: not this round"


@pytest.mark.rule("R3.7")
def test_the_quorum_does_not_settle_before_the_deadline_while_others_are_missing(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.commit_all(range(3))
    circle.attest_all(range(2))
    circle.machine.pass_time(WINDOW_S - 1)
    assert circle.refusal(0, "settle", 1) == "settle: attest phase is not due"
    circle.machine.pass_time(1)
    circle.settle()


def test_a_round_whose_quorum_is_gone_for_good_is_given_up_and_lowers_the_silent_alone(deploy: Deploy) -> None:
    circle = deploy(start_seats=4, quorum=3)
    circle.join_all()
    circle.commit_all(range(3))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    circle.attest_all([1], rejected=0b001)
    circle.machine.pass_time((PATIENCE_WINDOWS + 1) * WINDOW_S - 1)
    assert circle.refusal(0, "settle", 1) == "settle: attest phase is not due"
    circle.machine.pass_time(1)
    assert circle.settle() == {s: INITIAL if s == 1 else INITIAL - (INITIAL >> 3) for s in range(4)}
    state = circle.state
    assert (state.round, state.phase, state.roster) == (2, Phase.COMMIT, 0b0010)


def test_a_given_up_last_round_ends_the_circle_too(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time((PATIENCE_WINDOWS + 1) * WINDOW_S)
    circle.settle()
    assert circle.state.phase == Phase.FINISHED
