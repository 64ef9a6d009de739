"""Drawing the jury of a dispute."""

import pytest

from ledger.circle.draw import draw_jury, seats_of
from ledger.circle.events import Disputed, Outcome, Resolved, Summoned
from tests.support.contract.attacking import attacker, data_of
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import DIGEST, WINDOW_S, CircleUnderTest
from tests.support.contract.trials import CHALLENGER, CLAIM, JUDGE, STRANGER, TARGET, answer, convict, raise_claim

pytestmark = pytest.mark.rule("R26.2")


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Eight seats after one settled round; a jury has three."""
    return after_a_round(
        deploy, start_seats=8, quorum=2, last_round=9, bond=800, dispute_bond=100, jury_seats=3, reputation_shift=1
    )


def summon(circle: CircleUnderTest) -> Summoned:
    (summoned,) = circle.do(STRANGER, "summon", len(circle.twin.disputes) - 1)
    assert isinstance(summoned, Summoned)
    return summoned


def test_anyone_draws_the_jury_and_the_window_begins_anew(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    circle.machine.pass_time(WINDOW_S - 1)
    summoned = summon(circle)
    assert summoned.jury.bit_count() == 3
    assert summoned.deadline == circle.machine.now_s + WINDOW_S


def test_neither_judge_nor_target_nor_challenger_sits_on_it(circle: CircleUnderTest) -> None:
    for target in range(2, 8):
        circle.do(1, "dispute", 1, JUDGE, target, DIGEST)
        assert not summon(circle).jury & (1 << JUDGE | 1 << target | 1 << 1)


def test_all_who_may_sit_are_called_where_they_are_few(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=5, bond=8, dispute_bond=1, jury_seats=21)
    circle.do(2, "dispute", *CLAIM)
    assert summon(circle).jury == 0b11000


def test_who_is_quarantined_dozing_or_gone_is_not_called(deploy: Deploy) -> None:
    circle = deploy(
        start_seats=8,
        quorum=2,
        last_round=9,
        bond=8,
        dispute_bond=1,
        jury_seats=21,
        reputation_shift=1,
        reputation_floor=20000,
    )
    circle.join_all()
    circle.commit_all(range(8))
    circle.attest_all(range(7), rejected=1 << 2)
    circle.machine.pass_time(WINDOW_S)
    circle.settle()
    circle.do_cold(3, "leave", 3)
    # It is about again, and yet nobody waits for it: it may miss its window like the last one.
    circle.do(7, "wake")
    circle.do(CHALLENGER, "dispute", *CLAIM)
    # 2 is quarantined, 3 has left, 7 dozes.
    assert summon(circle).jury == 0b01110000


def test_who_is_suspended_is_not_called(deploy: Deploy) -> None:
    circle = deploy(start_seats=8, quorum=2, last_round=9, bond=8, dispute_bond=1, jury_seats=21)
    circle.join_all()
    for _ in range(2):
        circle.whole_round(range(8))
    convict(circle, 1, 5, 6, DIGEST)
    # Verdicts lift its reputation again before its term is over.
    for _ in range(5):
        circle.whole_round(range(8))
    assert circle.view("standing")[1] == 0
    circle.do(CHALLENGER, "dispute", *CLAIM)
    assert summon(circle).jury == 0b11011100


def test_a_jury_is_drawn_once(circle: CircleUnderTest) -> None:
    raise_claim(circle)
    assert circle.refusal(STRANGER, "summon", 0) == "summon: no jury is to be drawn"


@pytest.mark.parametrize("number", [0, 1, 2**256 - 1])
def test_without_a_dispute_there_is_no_jury(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(STRANGER, "summon", number) == "summon: no jury is to be drawn"


def test_a_jury_is_not_drawn_in_the_disputes_block(circle: CircleUnderTest) -> None:
    with circle.machine.one_block():
        circle.do(CHALLENGER, "dispute", *CLAIM)
        assert circle.refusal(CHALLENGER, "summon", 0) == "summon: not in these 256 blocks"
    summon(circle)


def test_nobody_takes_a_dispute_back_whose_jury_it_dislikes(circle: CircleUnderTest) -> None:
    grinder = attacker(circle.machine, "Grinder")
    data = data_of("grind(address,uint256,uint256,uint256)", circle.address, 1, JUDGE, TARGET)
    ran = circle.machine.run(circle.peers[CHALLENGER], grinder, data, 100)
    assert ran.reason == "summon: not in these 256 blocks"
    circle.check()


@pytest.mark.parametrize(("blocks", "is_late"), [(255, False), (256, True)])
def test_a_jury_is_drawn_while_the_block_is_known(circle: CircleUnderTest, blocks: int, is_late: bool) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    circle.machine.pass_blocks(blocks)
    if is_late:
        assert circle.refusal(STRANGER, "summon", 0) == "summon: not in these 256 blocks"
    else:
        summon(circle)


def test_a_jury_is_drawn_before_the_deadline(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    circle.machine.pass_time(WINDOW_S)
    assert circle.refusal(STRANGER, "summon", 0) == "summon: window is over"
    circle.do(STRANGER, "resolve", 0)
    assert circle.refusal(STRANGER, "summon", 0) == "summon: no jury is to be drawn"


def test_who_never_summons_a_jury_loses_the_bond_and_the_claim_may_be_raised_again(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    assert circle.refusal(STRANGER, "resolve", 0) == "resolve: votes are still open"
    circle.machine.pass_time(WINDOW_S)
    assert circle.do(STRANGER, "resolve", 0) == [Resolved(0, Outcome.REJECTED, 0, 0)]
    assert circle.twin.burned == 100
    (again,) = circle.do(STRANGER, "dispute", *CLAIM)
    assert isinstance(again, Disputed)


def test_a_juror_that_leaves_may_vote_until_it_is_released(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=3, bond=8, dispute_bond=1)
    circle.do(CHALLENGER, "dispute", *CLAIM)
    circle.do_cold(2, "leave", 2)
    assert summon(circle).jury == 0b100
    answer(circle, 0, upholds=[2])
    circle.do(STRANGER, "resolve", 0)


def test_nobody_changes_the_draw_once_the_seed_is_known(circle: CircleUnderTest) -> None:
    circle.do(CHALLENGER, "dispute", *CLAIM)
    before = circle.twin.disputes[0].pool
    circle.join(8)
    circle.do(8, "wake")
    circle.do_cold(5, "leave", 5)
    summoned = summon(circle)
    assert before == 0b11111100
    assert summoned.jury == draw_jury(summoned.seed, before, 3)


def test_juries_differ_from_dispute_to_dispute(circle: CircleUnderTest) -> None:
    juries = set()
    for target in range(1, 8):
        circle.do(CHALLENGER, "dispute", 1, JUDGE, target, DIGEST)
        juries.add(tuple(seats_of(summon(circle).jury)))
    assert len(juries) > 3
