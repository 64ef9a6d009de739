"""Anchoring an update, and how the commit phase closes."""

from collections.abc import Callable

import pytest
from circle_harness import DIGEST, ENDPOINT, RECORD, WINDOW_S, CircleUnderTest
from circle_twin import Moment

from ledger.events import Committed, Drawn
from ledger.history import Phase

Deploy = Callable[..., CircleUnderTest]


@pytest.fixture
def circle(deploy: Deploy) -> CircleUnderTest:
    """Three seats, a quorum of two, in round 1."""
    opened = deploy(start_seats=3, quorum=2)
    opened.join_all()
    return opened


def test_a_commit_is_an_event_and_a_bit(circle: CircleUnderTest) -> None:
    assert circle.do(1, "commit", 1, DIGEST) == [Committed(1, 1, DIGEST)]
    assert circle.state.committed == 0b010


def test_the_last_awaited_commit_closes_the_phase_early(circle: CircleUnderTest) -> None:
    circle.commit_all(range(2))
    assert (circle.state.phase, circle.state.seed) == (Phase.COMMIT, bytes(32))
    committed, drawn = circle.do(2, "commit", 1, DIGEST)
    assert isinstance(drawn, Drawn)
    assert (committed, drawn.committed) == (Committed(1, 2, DIGEST), 0b111)
    assert (circle.state.phase, circle.state.seed) == (Phase.ATTEST, drawn.seed)


def test_all_awaited_short_of_the_quorum_do_not_close_it(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=3)
    circle.join_all()
    circle.commit_all(range(3))
    circle.machine.pass_time(WINDOW_S)
    circle.attest_all(range(3))
    circle.settle()
    circle.commit_all(range(2))
    circle.machine.pass_time(100 * WINDOW_S)
    assert circle.refusal(0, "advance") == "advance: commit phase is not due"
    assert circle.state.phase == Phase.COMMIT


def test_short_of_the_quorum_the_circle_waits_for_a_late_commit(circle: CircleUnderTest) -> None:
    circle.do(0, "commit", 1, DIGEST)
    circle.machine.pass_time(1000 * WINDOW_S)
    assert circle.refusal(0, "advance") == "advance: commit phase is not due"
    events = circle.do(2, "commit", 1, DIGEST)
    assert isinstance(events[-1], Drawn)
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
    circle.do(2, "join", ENDPOINT)
    circle.do(2, "commit", 1, DIGEST)
    assert circle.state.phase == Phase.ATTEST


def test_the_seed_follows_from_the_closing_block_alone(deploy_large: Deploy) -> None:
    seeds = []
    for last in (2, 1):
        circle = deploy_large(start_seats=3)
        circle.join_all()
        # The digests differ, the block in which the phase closes does not.
        for seat in (0, 1, 2) if last == 2 else (2, 0, 1):
            circle.do(seat, "commit", 1, bytes([last + 1] * 32))
        seeds.append(circle.state.seed)
    assert seeds[0] == seeds[1] != bytes(32)


def test_the_seed_differs_with_prevrandao_and_round(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=2)
    circle.join_all()
    seeds = set()
    for _ in range(3):
        circle.commit_all(range(2))
        seeds.add(circle.state.seed)
        circle.attest_all(range(2))
        circle.settle()
    assert len(seeds) == 3
    early, late = (circle.twin._drawn(3, Moment(0, bytes([number]) * 32)).seed for number in (1, 2))
    assert early != late


def test_a_round_opens_without_a_seed(circle: CircleUnderTest) -> None:
    circle.whole_round(range(3))
    state = circle.state
    assert (state.round, state.phase, state.seed) == (2, Phase.COMMIT, bytes(32))
    assert (state.committed, state.attested) == (0, 0)


def test_who_has_no_seat_cannot_commit(circle: CircleUnderTest) -> None:
    assert circle.refusal(5, "commit", 1, DIGEST) == "seat: caller has none"


def test_nobody_commits_twice(circle: CircleUnderTest) -> None:
    circle.do(0, "commit", 1, DIGEST)
    assert circle.refusal(0, "commit", 1, RECORD) == "commit: already committed"


@pytest.mark.parametrize("number", [0, 2, 2**64 + 1, 2**256 - 1])
def test_a_commit_names_the_round_under_way(circle: CircleUnderTest, number: int) -> None:
    assert circle.refusal(0, "commit", number, DIGEST) == "commit: not this round"


def test_a_commit_holds_a_digest(circle: CircleUnderTest) -> None:
    assert circle.refusal(0, "commit", 1, bytes(32)) == "commit: digest is empty"


def test_commits_are_taken_in_the_commit_phase_only(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    circle.do(0, "join", ENDPOINT)
    closed = "commit: phase is closed"
    assert circle.refusal(0, "commit", 0, DIGEST) == closed
    circle.do(1, "join", ENDPOINT)
    circle.do(2, "join", ENDPOINT)
    circle.commit_all(range(2))
    assert circle.refusal(2, "commit", 1, DIGEST) == closed
    circle.attest_all(range(2))
    assert circle.refusal(2, "commit", 1, DIGEST) == closed
    circle.settle()
    assert circle.refusal(2, "commit", 1, DIGEST) == closed
