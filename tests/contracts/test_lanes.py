"""Seats at the edges of the packed words: each has bits of its own and nobody else's."""

import pytest

from tests.support.contract.harness import RECORD, CircleUnderTest, ContractTerms
from tests.support.contract.machines import BareMachine

EDGES = (0, 1, 15, 16, 17, 239, 240, 254, 255)
JUDGES = [100, 101]


@pytest.fixture(scope="module")
def full_circle() -> CircleUnderTest:
    """256 seats with a quorum of two, all but the judges dozing. Each test takes the round it finds."""
    terms = ContractTerms(256, 2, last_round=100, reputation_shift=1, reputation_floor=16000, eject_after=1)
    circle = CircleUnderTest(BareMachine(257), terms, check_every=64)
    circle.join_all()
    circle.machine.pass_time(terms.commit_window_s)
    circle.whole_round(JUDGES)
    return circle


@pytest.mark.parametrize("target", EDGES)
def test_a_verdict_moves_the_seat_it_is_about_alone(full_circle: CircleUnderTest, target: int) -> None:
    circle = full_circle
    first, second = JUDGES
    circle.do(target, "wake")
    before = circle.reputations
    # It is late: the judges' commits close the phase.
    circle.commit_all([target, first, second])
    others = 2**256 - 1 ^ 1 << target
    for seat in (first, second):
        circle.do(seat, "attest", circle.verdicts(seat, rejected=1 << target, unjudged=others), RECORD)
    circle.do(target, "attest", circle.verdicts(target, unjudged=2**256 - 1), RECORD)
    after = circle.settle()
    assert after == {**before, target: before[target] >> 1}
    # It alone is quarantined anew, and has a strike of its own.
    assert circle.view("standing")[1] >> target & 1 == 1
    assert circle.view("strikes_of", target) == (circle.twin.seats[target].strikes,) != (0,)
    assert circle.view("strikes_of", (target + 32) % 256) == (circle.twin.seats[(target + 32) % 256].strikes,)


def test_giving_up_a_seat_at_an_edge_leaves_the_others(full_circle: CircleUnderTest) -> None:
    circle = full_circle
    for seat in (0, 31, 32, 255):
        circle.do_cold(seat, "leave", seat)
    assert circle.view("standing")[0] == 2**256 - 1 & ~(1 << 0 | 1 << 31 | 1 << 32 | 1 << 255)
    circle.check()
