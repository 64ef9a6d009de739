"""Anchoring an update, and how the commit phase closes."""

import pytest

from ledger.circle.events import Committed, Drawn
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import DIGEST, RECORD, WINDOW_S, CircleUnderTest

pytestmark = pytest.mark.rule("R3.8")


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Three seats, a quorum of two, in round 1."""
    opened = deploy(start_seats=3, quorum=2)
    opened.join_all()
    return opened


def test_a_commit_is_an_event_and_a_bit(circle: CircleUnderTest) -> None:
    assert circle.do(1, "commit", 1, DIGEST) == [Committed(1, 1, DIGEST)]
    assert circle.state.committed == 0b010


@pytest.mark.rule("R3.7")
def test_the_last_of_the_roster_closes_the_phase_early(circle: CircleUnderTest) -> None:
    circle.commit_all(range(2))
    assert (circle.state.phase, circle.state.seed) == (Phase.COMMIT, bytes(32))
    committed, drawn = circle.do(2, "commit", 1, DIGEST)
    assert isinstance(drawn, Drawn)
    assert (committed, drawn.committed) == (Committed(1, 2, DIGEST), 0b111)
    state = circle.state
    assert (state.phase, state.seed, state.committed) == (Phase.ATTEST, bytes(32), 0b111)
    assert state.deadline_s == circle.machine.now_s + WINDOW_S


@pytest.mark.rule("R3.7")
def test_a_whole_roster_short_of_the_quorum_does_not_close_it(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=3)
    circle.join_all()
    circle.do_cold(2, "leave", 2)
    circle.commit_all(range(2))
    circle.machine.pass_time(100 * WINDOW_S)
    assert circle.refusal(0, "advance") == "advance: commit phase is not due"
    assert circle.state.phase == Phase.COMMIT


@pytest.mark.rule("R3.7")
def test_short_of_the_quorum_the_circle_waits_for_a_late_commit(circle: CircleUnderTest) -> None:
    circle.do(0, "commit", 1, DIGEST)
    circle.machine.pass_time(1000 * WINDOW_S)
    assert circle.refusal(0, "advance") == "advance: commit phase is not due"
    assert isinstance(circle.do(2, "commit", 1, DIGEST)[-1], Drawn)
    assert circle.state.committed == 0b101


def test_a_late_commit_counts_until_the_phase_is_closed_and_closes_it(circle: CircleUnderTest) -> None:
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    assert isinstance(circle.do(2, "commit", 1, DIGEST)[-1], Drawn)
    assert circle.state.committed == 0b111


def test_a_newcomer_may_make_up_the_quorum(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, quorum=2)
    circle.join_all()
    circle.do(0, "commit", 1, DIGEST)
    circle.machine.pass_time(WINDOW_S)
    circle.join(2)
    circle.do(2, "wake")
    circle.do(2, "commit", 1, DIGEST)
    assert circle.state.phase == Phase.ATTEST


def test_a_round_keeps_the_last_ones_seed_until_its_own_is_drawn(circle: CircleUnderTest) -> None:
    circle.commit_all(range(3))
    circle.attest_all(range(3))
    seed = circle.state.seed
    assert seed == circle.twin.draw
    circle.settle()
    state = circle.state
    assert (state.round, state.phase, state.seed) == (2, Phase.COMMIT, seed)
    assert (state.committed, state.attested) == (0, 0)


def test_who_has_no_seat_cannot_commit(circle: CircleUnderTest) -> None:
    assert circle.refusal(5, "commit", 1, DIGEST) == "seat: caller has none"
    assert circle.cold_refusal(0, "commit", 1, DIGEST) == "seat: caller has none"


def test_who_is_not_on_the_roster_cannot_commit(circle: CircleUnderTest) -> None:
    circle.join(3)
    assert circle.refusal(3, "commit", 1, DIGEST) == "commit: not on the roster"


def test_nobody_commits_twice(circle: CircleUnderTest) -> None:
    circle.do(0, "commit", 1, DIGEST)
    assert circle.refusal(0, "commit", 1, RECORD) == "commit: already committed"


@pytest.mark.parametrize("number", [0, 2, 2**21 + 1, 2**64 + 1, 2**256 - 1])
def test_a_commit_names_the_round_under_way(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(0, "commit", number, DIGEST) == "commit: not this round"


def test_a_commit_holds_a_digest(circle: CircleUnderTest) -> None:
    assert circle.refusal(0, "commit", 1, bytes(32)) == "commit: digest is empty"


def test_commits_are_taken_in_the_commit_phase_only(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    circle.join(0)
    closed = "commit: phase is closed"
    assert circle.refusal(0, "commit", 0, DIGEST) == closed
    circle.join(1)
    circle.join(2)
    circle.commit_all(range(2))
    assert circle.refusal(2, "commit", 1, DIGEST) == closed
    circle.attest_all(range(2))
    assert circle.refusal(2, "commit", 1, DIGEST) == closed
    circle.settle()
    assert circle.refusal(2, "commit", 1, DIGEST) == closed
