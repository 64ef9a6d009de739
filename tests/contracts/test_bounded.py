"""Every bond can be had back in bounded time, whatever others do or omit."""

import pytest

from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import DAY_S, DIGEST, WINDOW_S, CircleUnderTest

pytestmark = pytest.mark.rule("R23.3")

BOND, STRANGER, PATIENCE_S = 1000, 9, 16 * WINDOW_S


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Six bonded seats with a quorum of four, in round 1."""
    opened = deploy(start_seats=6, quorum=4, last_round=9, bond=BOND)
    opened.join_all()
    return opened


def release_all(circle: CircleUnderTest) -> None:
    """Everybody's bond comes back whole once the latest to leave is free."""
    free_at = max(held.free_at or 0 for held in circle.twin.seats.values())
    circle.machine.pass_time(max(0, free_at - circle.machine.now_s))
    for seat in range(6):
        circle.do(STRANGER, "release", seat)
        assert circle.view("owed", circle.colds[seat]) == (BOND,)


def test_bonds_come_back_from_a_commit_phase_short_of_its_quorum(circle: CircleUnderTest) -> None:
    circle.commit_all(range(3))
    for seat in (3, 4, 5):
        circle.do_cold(seat, "leave", seat)
    circle.machine.pass_time(365 * DAY_S)
    for seat in (0, 1, 2):
        circle.do_cold(seat, "leave", seat)
    assert max(held.free_at or 0 for held in circle.twin.seats.values()) == circle.machine.now_s + DAY_S
    release_all(circle)


def test_who_leaves_in_a_commit_phase_takes_its_commit_along(circle: CircleUnderTest) -> None:
    circle.commit_all(range(4))
    circle.do_cold(0, "leave", 0)
    assert (circle.state.committed, circle.state.roster) == (0b001110, 0b111110)
    circle.machine.pass_time(WINDOW_S)
    assert circle.refusal(STRANGER, "advance") == "advance: commit phase is not due"
    circle.do(4, "commit", 1, DIGEST)
    assert circle.state.committed == 0b011110


def test_who_is_free_is_released_in_a_commit_phase_that_stands(deploy: Deploy) -> None:
    circle = deploy(start_seats=6, quorum=4, last_round=9, bond=BOND, unbonding_s=0)
    circle.join_all()
    circle.do(0, "commit", 1, DIGEST)
    circle.do_cold(0, "leave", 0)
    assert circle.refusal(STRANGER, "release", 0) == "release: unbonding is not over"
    circle.machine.pass_time(WINDOW_S)
    circle.do(STRANGER, "release", 0)


@pytest.mark.parametrize("lost", [0, 257])
def test_bonds_come_back_from_an_attest_phase_nobody_settles(circle: CircleUnderTest, lost: int) -> None:
    circle.commit_all(range(6))
    for seat in range(6):
        circle.do_cold(seat, "leave", seat)
    circle.machine.pass_blocks(lost)
    circle.machine.pass_time(DAY_S + WINDOW_S)
    assert circle.refusal(STRANGER, "release", 0) == "release: seat is in a round"
    circle.do(STRANGER, "settle", 1)
    release_all(circle)


def test_nobody_holds_a_round_open_for_ever_by_drawing_again(circle: CircleUnderTest) -> None:
    closed_s = circle.machine.now_s
    circle.commit_all(range(6))
    for seat in range(6):
        circle.do_cold(seat, "leave", seat)
    for _ in range(16):
        circle.machine.pass_blocks(256)
        circle.machine.pass_time(WINDOW_S)
        circle.do(STRANGER, "advance")
    circle.machine.pass_blocks(256)
    circle.machine.pass_time(WINDOW_S)
    assert circle.refusal(STRANGER, "advance") == "advance: round is to be given up"
    circle.machine.pass_time(circle.twin.deadline_s + PATIENCE_S - circle.machine.now_s)
    circle.do(STRANGER, "settle", 1)
    assert circle.machine.now_s - closed_s <= 2 * (WINDOW_S + PATIENCE_S)
    release_all(circle)


def test_a_circle_of_leavers_is_free_a_term_after_its_deadline(circle: CircleUnderTest) -> None:
    # Whoever leaves before the deadline is free with who leaves at it: what it said can be disputed as long.
    for seat in range(6):
        circle.machine.pass_time(WINDOW_S // 12)
        circle.do_cold(seat, "leave", seat)
    assert {held.free_at for held in circle.twin.seats.values()} == {circle.twin.deadline_s + DAY_S}
    release_all(circle)


@pytest.mark.parametrize("phase", [Phase.GATHERING, Phase.FINISHED])
def test_where_no_round_is_under_way_the_term_begins_at_once(deploy: Deploy, phase: Phase) -> None:
    circle = deploy(start_seats=3, last_round=1, bond=BOND)
    circle.join_all(2)
    if phase == Phase.FINISHED:
        circle.join_all(1)
        circle.whole_round(range(3))
    circle.machine.pass_time(5)
    circle.do_cold(0, "leave", 0)
    assert circle.twin.seats[0].free_at == circle.machine.now_s + DAY_S
