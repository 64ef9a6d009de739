"""Anchoring verdicts, and how the attest phase closes."""

from collections.abc import Callable

import pytest
from circle_harness import DIGEST, RECORD, WINDOW_S, CircleUnderTest

from ledger.events import Attested
from ledger.history import Phase

Deploy = Callable[..., CircleUnderTest]


@pytest.fixture
def circle(deploy: Deploy) -> CircleUnderTest:
    """Four seats, a quorum of two; seats 0, 1 and 2 have committed."""
    opened = deploy(start_seats=4, quorum=2)
    opened.join_all()
    opened.commit_all(range(3))
    opened.machine.pass_time(WINDOW_S)
    opened.do(3, "advance")
    return opened


def test_an_attestation_is_an_event_and_a_bit(circle: CircleUnderTest) -> None:
    assert circle.do(1, "attest", 1, 0b101, 0b100, RECORD) == [Attested(1, 1, 0b101, 0b100, RECORD)]
    assert circle.state.attested == 0b010


def test_one_may_judge_nobody(circle: CircleUnderTest) -> None:
    circle.do(0, "attest", 1, 0, 0, RECORD)


def test_the_last_of_the_committed_closes_the_phase_early(circle: CircleUnderTest) -> None:
    circle.attest_all(range(2))
    assert circle.state.phase == Phase.ATTEST
    circle.attest_all([2])
    assert (circle.state.phase, circle.state.deadline_s) == (Phase.SETTLE, 0)


def test_a_late_attestation_counts_until_the_phase_is_closed_and_closes_it(circle: CircleUnderTest) -> None:
    circle.attest_all([0])
    circle.machine.pass_time(WINDOW_S)
    circle.attest_all([1])
    assert circle.state.phase == Phase.SETTLE
    assert circle.refusal(2, "attest", 1, 0b001, 0, RECORD) == "attest: phase is closed"


def test_short_of_the_quorum_the_circle_waits(circle: CircleUnderTest) -> None:
    circle.attest_all([0])
    circle.machine.pass_time(2 * WINDOW_S)
    assert circle.refusal(3, "advance") == "advance: attest phase is not due"
    assert circle.refusal(3, "settle", 1) == "settle: attest phase is not due"
    circle.attest_all([2])
    assert circle.state.phase == Phase.SETTLE


@pytest.mark.parametrize(
    ("seat", "arguments", "reason"),
    [
        (7, (1, 0, 0, RECORD), "seat: caller has none"),
        (0, (2, 0b110, 0, RECORD), "attest: not this round"),
        (3, (1, 0b011, 0, RECORD), "attest: did not commit"),
        (0, (1, 0b001, 0, RECORD), "attest: judged one that did not commit"),
        (0, (1, 0b1010, 0, RECORD), "attest: judged one that did not commit"),
        (0, (1, 1 << 255, 0, RECORD), "attest: judged one that did not commit"),
        (0, (1, 0b010, 0b110, RECORD), "attest: accepted one that was not judged"),
        (0, (1, 0b110, 1 << 255, RECORD), "attest: accepted one that was not judged"),
        (0, (1, 0b110, 0b110, bytes(32)), "attest: record is empty"),
    ],
)
def test_what_is_no_attestation_is_refused(
    circle: CircleUnderTest, seat: int, arguments: tuple[object, ...], reason: str
) -> None:
    assert circle.refusal(seat, "attest", *arguments) == reason


def test_nobody_attests_twice(circle: CircleUnderTest) -> None:
    circle.attest_all([0])
    assert circle.refusal(0, "attest", 1, 0, 0, RECORD) == "attest: already attested"


def test_attestations_are_taken_in_the_attest_phase_only(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    closed = "attest: phase is closed"
    circle.join_all()
    circle.do(0, "commit", 1, DIGEST)
    assert circle.refusal(0, "attest", 1, 0, 0, RECORD) == closed
    circle.do(1, "commit", 1, DIGEST)
    circle.attest_all(range(2))
    assert circle.refusal(0, "attest", 1, 0, 0, RECORD) == closed
    circle.settle()
    assert circle.refusal(0, "attest", 1, 0, 0, RECORD) == closed


def test_verdicts_of_an_earlier_round_do_not_count_again(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    circle.whole_round(range(3), rejected=0b001)
    before = circle.reputations
    # Seats 1 and 2 judge nobody now; their masks of the last round still lie in their slots.
    circle.commit_all(range(3))
    for seat in range(3):
        circle.do(seat, "attest", 2, 0, 0, RECORD)
    assert circle.settle() == before
