"""Anchoring verdicts."""

import pytest

from ledger.circle.events import Attested
from ledger.circle.history import Phase
from ledger.circle.verdict_word import ACCEPTED_BIT, ROUND_BIT, SEED_BIT
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import RECORD, WINDOW_S, CircleUnderTest

pytestmark = pytest.mark.rule("R3.10")


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Four seats, a quorum of two; seats 0, 1 and 2 have committed."""
    opened = deploy(start_seats=4, quorum=2, last_round=9)
    opened.join_all()
    opened.commit_all(range(3))
    opened.machine.pass_time(WINDOW_S)
    opened.do(3, "advance")
    return opened


def said(circle: CircleUnderTest, judged: int, accepted: int, number: int | None = None) -> int:
    """A verdicts' word in bits of neighbours."""
    tail = int.from_bytes(circle.twin.draw[-8:], "big")
    round_number = circle.twin.number if number is None else number
    return tail << SEED_BIT | round_number << ROUND_BIT | accepted << ACCEPTED_BIT | judged


def test_an_attestation_is_an_event_and_a_bit(circle: CircleUnderTest) -> None:
    word = said(circle, 0b11, 0b10)
    assert circle.do(1, "attest", word, RECORD) == [Attested(1, word, RECORD)]
    assert circle.state.attested == 0b010


def test_a_bit_is_about_a_neighbour_of_the_rounds_graph(circle: CircleUnderTest) -> None:
    order = circle.twin.neighbours(1)
    circle.do(1, "attest", said(circle, 0b11, 0b10), RECORD)
    found = circle.history.rounds[-1].attestations[1]
    assert (found.judged, found.accepted) == (0b101, 1 << order[1])


def test_one_may_judge_nobody(circle: CircleUnderTest) -> None:
    circle.do(0, "attest", said(circle, 0, 0), RECORD)


def test_a_late_attestation_counts_until_the_round_is_settled(circle: CircleUnderTest) -> None:
    circle.attest_all(range(2))
    circle.machine.pass_time(2 * WINDOW_S)
    circle.attest_all([2])
    assert circle.state.attested == 0b111


def test_who_did_not_commit_says_nothing(circle: CircleUnderTest) -> None:
    circle.do(3, "attest", said(circle, 0b111, 0), RECORD)
    assert circle.state.attested == 0
    circle.attest_all(range(3))
    risen = (7 * 32768 + 65535) >> 3
    # It was on the roster: for what it did not commit it pays.
    assert circle.settle() == {0: risen, 1: risen, 2: risen, 3: 32768 - (32768 >> 3)}
    assert circle.state.roster == 0b0111


def test_places_beyond_the_neighbours_say_nothing(circle: CircleUnderTest) -> None:
    everything = 2**21 - 1
    for seat in range(3):
        circle.do(seat, "attest", said(circle, everything, everything & ~0b11), RECORD)
    fallen = (7 * 32768) >> 3
    assert circle.settle() == {0: fallen, 1: fallen, 2: fallen, 3: 32768 - (32768 >> 3)}


@pytest.mark.parametrize(
    ("seat", "changed", "reason"),
    [
        (7, 0, "seat: caller has none"),
        (0, 1 << ROUND_BIT, "attest: not this round"),
        (0, 2 << ROUND_BIT, "attest: not this round"),
        (0, 1 << 63, "attest: not this round"),
        (0, 1 << SEED_BIT, "attest: not this round's seed"),
        (0, 1 << 127, "attest: not this round's seed"),
        (0, 1 << 128, "attest: not this round's seed"),
        (0, 1 << 255, "attest: not this round's seed"),
        (0, 0b100 << ACCEPTED_BIT, "attest: accepted an unjudged one"),
        (0, 1 << 41, "attest: accepted an unjudged one"),
    ],
)
def test_what_is_no_attestation_is_refused(circle: CircleUnderTest, seat: int, changed: int, reason: str) -> None:
    assert circle.refusal(seat, "attest", said(circle, 0b11, 0b01) ^ changed, RECORD) == reason


def test_an_attestation_names_a_record(circle: CircleUnderTest) -> None:
    assert circle.refusal(0, "attest", said(circle, 0b11, 0b11), bytes(32)) == "attest: record is empty"


@pytest.mark.parametrize("seat", [0, 3])
def test_nobody_attests_twice(circle: CircleUnderTest, seat: int) -> None:
    circle.do(seat, "attest", said(circle, 0, 0), RECORD)
    assert circle.refusal(seat, "attest", said(circle, 0, 0), RECORD) == "attest: already attested"


def test_the_four_seats_of_a_slot_leave_each_other_alone(circle: CircleUnderTest) -> None:
    for seat in (2, 0, 1):
        circle.do(seat, "attest", said(circle, 0b11, seat), RECORD)
    found = circle.history.rounds[-1].attestations
    assert sorted(found) == [0, 1, 2]
    circle.settle()


def test_attestations_are_taken_in_the_attest_phase_only(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    closed = "attest: phase is closed"
    circle.join(0)
    assert circle.refusal(0, "attest", 0, RECORD) == closed
    circle.join(1)
    assert circle.refusal(0, "attest", said(circle, 0, 0), RECORD) == closed
    circle.commit_all(range(2))
    assert circle.state.phase == Phase.ATTEST
    circle.attest_all(range(2))
    circle.settle()
    assert circle.refusal(0, "attest", said(circle, 0, 0), RECORD) == closed


def test_verdicts_of_an_earlier_round_do_not_count_again(deploy: Deploy) -> None:
    circle = deploy(start_seats=3, quorum=2)
    circle.join_all()
    before = circle.whole_round(range(3), rejected=0b001)
    circle.commit_all(range(3))
    assert circle.state.attested == 0
    # What seats 1 and 2 said in the last round still lies in their slot.
    for seat in range(3):
        circle.do(seat, "attest", said(circle, 0, 0), RECORD)
    assert circle.settle() == before
