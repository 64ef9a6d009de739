"""Seats at the edges of the packed words: each has bits of its own and nobody else's."""

import pytest
from circle_harness import RECORD, CircleTerms, CircleUnderTest
from circle_machines import BareMachine

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
