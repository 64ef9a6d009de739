"""Who takes a seat that another has given up begins as anybody does, whatever was known of the seat."""

import pytest

from tests.support.contract.copied import Deploy
from tests.support.contract.harness import WINDOW_S

pytestmark = pytest.mark.rule("R3.4")

TAKEN_AGAIN = 7
NEWCOMER = 256


def test_who_takes_a_dozing_seat_is_waited_for(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=256, quorum=2, last_round=9, unbonding_s=0)
    circle.join_all()
    # All but three are waited for in vain.
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.commit_all([2])
    circle.attest_all(range(3))
    circle.settle()
    assert circle.view("standing")[4] >> TAKEN_AGAIN & 1 == 1
    circle.do_cold(TAKEN_AGAIN, "leave", TAKEN_AGAIN)
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "release", TAKEN_AGAIN)
    circle.join(NEWCOMER)
    assert circle.view("standing")[4] >> TAKEN_AGAIN & 1 == 0
    circle.commit_all(range(2))
    circle.attest_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.settle()
    assert circle.state.roster == 0b011 | 1 << TAKEN_AGAIN
