"""Seats at the edges of the packed words: each has bits of its own and nobody else's."""

from collections.abc import Callable

import pytest
from circle_harness import RECORD, CircleTerms, CircleUnderTest
from circle_machines import BareMachine

from ledger.topology import mask_of

Deploy = Callable[..., CircleUnderTest]
INITIAL, FULL = 32768, 65535
EDGES = (0, 1, 15, 16, 17, 239, 240, 254, 255)


@pytest.fixture(scope="module")
def full_circle() -> CircleUnderTest:
    """256 seats with a quorum of two, in round 1. Each test takes the round it finds."""
    circle = CircleUnderTest(BareMachine(256), CircleTerms(256, 2, last_round=100), check_every=64)
    circle.join_all()
    return circle


@pytest.mark.parametrize("target", EDGES)
def test_a_verdict_moves_the_seat_it_is_about_alone(full_circle: CircleUnderTest, target: int) -> None:
    circle = full_circle
    judges = [seat for seat in EDGES if seat != target][:2]
    number, before = circle.state.round, circle.reputations
    circle.commit_all(judges)
    circle.machine.pass_time(circle.terms.commit_window_s)
    circle.commit_all([target])
    for seat in judges:
        circle.do(seat, "attest", number, 1 << target, 0, RECORD)
    circle.do(target, "attest", number, 0, 0, RECORD)
    after = circle.settle()
    fallen = (7 * before[target]) >> 3
    assert after == {**before, target: fallen}


def test_all_256_judge_each_other_without_a_carry_between_lanes(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=256, last_round=2, reputation_shift=1)
    circle.join_all()
    rejected = mask_of([seat for seat in range(256) if seat % 3 == 0 or seat in EDGES])
    after = circle.whole_round(range(256), rejected)
    assert after == {s: INITIAL >> 1 if rejected >> s & 1 else (INITIAL + FULL) >> 1 for s in range(256)}
