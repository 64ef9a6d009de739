"""Closing a commit phase that is due."""

import pytest

from ledger.circle.events import Drawn
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy
from tests.support.contract.harness import WINDOW_S

pytestmark = pytest.mark.rule("R3.11")

STRANGER = 9


def test_anyone_closes_the_commit_phase_at_its_deadline_with_the_quorum(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.commit_all(range(2))
    assert circle.refusal(STRANGER, "advance") == "advance: commit phase is not due"
    circle.machine.pass_time(WINDOW_S - 1)
    assert circle.refusal(STRANGER, "advance") == "advance: commit phase is not due"
    circle.machine.pass_time(1)
    (drawn,) = circle.do(STRANGER, "advance")
    assert isinstance(drawn, Drawn)
    assert (circle.state.phase, circle.state.committed) == (Phase.ATTEST, 0b011)
    assert circle.state.deadline_s == circle.machine.now_s + WINDOW_S


def test_short_of_the_quorum_it_stays_open(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=3)
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(100 * WINDOW_S)
    assert circle.refusal(STRANGER, "advance") == "advance: commit phase is not due"


def test_a_phase_that_waits_for_nobody_is_due_before_its_deadline(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.commit_all(range(2))
    circle.do_cold(2, "leave", 2)
    circle.do(STRANGER, "advance")
    assert circle.state.committed == 0b011


def test_no_other_phase_is_advanced(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    reason = "advance: phase is not commit"
    assert circle.refusal(0, "advance") == reason
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    assert circle.refusal(0, "advance") == "advance: seed is not lost"
    circle.attest_all(range(2))
    circle.settle()
    circle.machine.pass_time(1000 * WINDOW_S)
    assert circle.refusal(0, "advance") == reason
