"""Asking to be on the roster again."""

import pytest

from ledger.circle.events import Woken
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, after_a_round
from tests.support.contract.harness import DIGEST, WINDOW_S, CircleUnderTest

pytestmark = pytest.mark.rule("R3.6")


def absent_seat_two(deploy: Deploy) -> CircleUnderTest:
    """A circle in round 2 whose seat 2 missed round 1."""
    circle = deploy(start_seats=3, last_round=9)
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    circle.attest_all(range(2))
    circle.settle()
    return circle


@pytest.mark.rule("R3.5")
def test_who_did_not_attest_is_not_on_the_roster(deploy: Deploy) -> None:
    circle = absent_seat_two(deploy)
    assert circle.state.roster == 0b011
    circle.commit_all(range(2))
    assert circle.state.phase == Phase.ATTEST


def test_who_committed_and_did_not_attest_is_not_on_the_roster(deploy: Deploy) -> None:
    circle = deploy(start_seats=3)
    circle.join_all()
    circle.commit_all(range(3))
    circle.attest_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.settle()
    assert circle.state.roster == 0b011
    assert circle.refusal(2, "commit", 2, DIGEST) == "commit: not on the roster"


def test_who_wakes_in_the_commit_phase_may_commit_and_is_waited_for_in_the_next_round(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, last_round=9)
    circle.join_all()
    circle.join(3)
    assert circle.do(3, "wake") == [Woken(1, 3)]
    assert (circle.state.roster, circle.view("standing")[5]) == (0b0111, 0b1000)
    circle.commit_all([0, 3, 1, 2])
    assert circle.state.phase == Phase.ATTEST
    assert circle.state.committed == 0b1111
    circle.machine.pass_time(WINDOW_S)
    circle.attest_all(range(3))
    circle.settle()
    # It did not attest, and dozes: it may commit, and nobody waits for it.
    assert (circle.state.roster, circle.view("standing")[5]) == (0b0111, 0b1000)


@pytest.mark.parametrize("is_late", [False, True])
def test_who_wakes_and_finds_the_phase_closed_before_it_commits_has_missed_nothing(
    deploy: Deploy, is_late: bool
) -> None:
    circle = deploy(start_seats=3, quorum=3, last_round=9)
    circle.join_all()
    circle.join(3)
    circle.commit_all(range(2))
    if is_late:
        circle.machine.pass_time(WINDOW_S)
    circle.do(3, "wake")
    # Whoever saw that sends the one commit that was lacking.
    circle.do(2, "commit", 1, DIGEST)
    assert circle.refusal(3, "commit", 1, DIGEST) == "commit: phase is closed"
    circle.attest_all(range(3))
    assert circle.settle()[3] == 32768
    assert circle.view("standing")[4] == 0
    assert circle.state.roster == 0b1111


def test_waking_in_the_attest_phase_counts_in_the_next_round(deploy: Deploy) -> None:
    circle = absent_seat_two(deploy)
    circle.commit_all(range(2))
    circle.do(2, "wake")
    assert (circle.state.roster, circle.view("standing")[5]) == (0b011, 0)
    circle.attest_all(range(2))
    circle.do(2, "wake")
    circle.settle()
    assert (circle.state.roster, circle.view("standing")[5]) == (0b011, 0b100)


def test_waking_counts_for_one_next_round_only(deploy: Deploy) -> None:
    circle = absent_seat_two(deploy)
    circle.commit_all(range(2))
    circle.do(2, "wake")
    circle.attest_all(range(2))
    circle.settle()
    circle.machine.pass_time(WINDOW_S)
    circle.commit_all(range(2))
    assert circle.state.phase == Phase.ATTEST


def test_waking_after_ones_own_commit_takes_nothing_back(deploy: Deploy) -> None:
    circle = absent_seat_two(deploy)
    circle.do(0, "commit", 2, DIGEST)
    circle.do(0, "wake")
    assert circle.refusal(0, "commit", 2, DIGEST) == "commit: already committed"
    assert circle.state.committed == 0b01


def test_waking_while_gathering_changes_nothing(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join(0)
    assert circle.do(0, "wake") == [Woken(0, 0)]
    circle.join(1)
    assert circle.state.roster == 0b11


def test_waking_behind_the_deadline_does_not_hold_the_quorum_up(deploy: Deploy) -> None:
    circle = absent_seat_two(deploy)
    circle.do(0, "commit", 2, DIGEST)
    circle.machine.pass_time(WINDOW_S)
    circle.do(2, "wake")
    circle.do(1, "commit", 2, DIGEST)
    assert circle.state.phase == Phase.ATTEST


def test_a_round_with_an_empty_roster_goes_on_once_enough_wake(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=9)
    circle.join_all()
    circle.commit_all(range(2))
    circle.machine.pass_time(17 * WINDOW_S)
    circle.settle()
    assert circle.state.roster == 0
    circle.do(0, "wake")
    circle.do(1, "wake")
    assert (circle.state.roster, circle.view("standing")[5]) == (0, 0b11)
    circle.whole_round(range(2))
    assert circle.state.round == 3


def test_who_has_no_seat_cannot_wake(deploy: Deploy) -> None:
    assert deploy().refusal(0, "wake") == "seat: caller has none"


def test_nobody_wakes_after_the_end(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=2, last_round=1)
    assert circle.refusal(0, "wake") == "wake: circle is finished"
