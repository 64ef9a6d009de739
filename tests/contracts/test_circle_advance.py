"""Closing a phase whose deadline has passed."""

from collections.abc import Callable

from circle_harness import ENDPOINT, WINDOW_S, CircleUnderTest

from ledger.events import Drawn
from ledger.history import Phase

Deploy = Callable[..., CircleUnderTest]
STRANGER = 9


def test_anyone_closes_the_commit_phase_at_its_deadline_with_the_quorum(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.commit_all(range(2))
    assert circle.refusal(STRANGER, "advance") == "advance: commit phase is not due"
    circle.machine.pass_time(WINDOW_S)
    (drawn,) = circle.do(STRANGER, "advance")
    assert isinstance(drawn, Drawn)
    assert (circle.state.phase, circle.state.committed) == (Phase.ATTEST, 0b011)


def test_the_deadline_itself_is_late_enough_and_a_second_before_is_not(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=3, quorum=2, commit_window_s=10, attest_window_s=20)
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(9)
    assert circle.refusal(0, "advance") == "advance: commit phase is not due"
    circle.machine.pass_time(1)
    circle.do(0, "advance")
    circle.attest_all([0])
    circle.machine.pass_time(19)
    assert circle.refusal(0, "advance") == "advance: attest phase is not due"
    circle.attest_all([1])
    assert circle.state.phase == Phase.SETTLE


def test_anyone_closes_the_attest_phase_at_its_deadline_with_the_quorum(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.commit_all(range(3))
    circle.attest_all(range(2))
    assert circle.refusal(STRANGER, "advance") == "advance: attest phase is not due"
    circle.machine.pass_time(WINDOW_S)
    assert circle.do(STRANGER, "advance") == []
    assert circle.state.phase == Phase.SETTLE
    assert circle.refusal(2, "attest", 1, 0b011, 0, b"r" * 32) == "attest: phase is closed"


def test_the_other_phases_have_no_deadline(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    reason = "advance: no phase has a deadline now"
    assert circle.refusal(0, "advance") == reason
    circle.do(0, "join", ENDPOINT)
    assert circle.refusal(0, "advance") == reason
    circle.do(1, "join", ENDPOINT)
    circle.commit_all(range(2))
    circle.attest_all(range(2))
    assert circle.refusal(0, "advance") == reason
    circle.settle()
    circle.machine.pass_time(1000 * WINDOW_S)
    assert circle.refusal(0, "advance") == reason
