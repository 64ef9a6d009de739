"""Removing who has been quarantined for too long; and the way back."""

import pytest

from ledger.circle.events import Ejected
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import DAY_S, DIGEST, WINDOW_S, CircleUnderTest

pytestmark = pytest.mark.rule("R23.2")

LIAR, STRANGER = 2, 9


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Three seats; a seat below 20000 for two rounds in a row may be ejected; reputations move halfway."""
    opened = deploy(
        start_seats=3, last_round=30, reputation_shift=1, reputation_floor=20000, eject_after=2, bond=101
    )
    opened.join_all()
    return opened


def test_a_seat_low_for_long_enough_is_ejected_by_anyone_and_half_its_bond_burned(circle: CircleUnderTest) -> None:
    circle.whole_round(range(3), rejected=1 << LIAR)
    assert circle.view("strikes_of", LIAR) == (1,)
    assert circle.refusal(STRANGER, "eject", LIAR) == "eject: neither low nor absent"
    circle.whole_round(range(3), rejected=1 << LIAR)
    (ejected,) = circle.do(STRANGER, "eject", LIAR)
    assert ejected == Ejected(LIAR, 50, circle.twin.deadline_s + DAY_S)
    assert circle.view("strikes_of", LIAR) == (0,)
    assert circle.view("books") == (253, 0)
    assert circle.refusal(LIAR, "commit", 3, DIGEST) == "seat: caller has none"
    circle.wait_until_free()
    circle.do(STRANGER, "release", LIAR)
    circle.do_cold(LIAR, "withdraw")


def test_a_seat_that_comes_back_in_time_begins_anew(circle: CircleUnderTest) -> None:
    circle.whole_round(range(3), rejected=1 << LIAR)
    circle.whole_round(range(3))
    assert circle.view("strikes_of", LIAR) == (0,)
    circle.whole_round(range(3), rejected=1 << LIAR)
    assert circle.refusal(STRANGER, "eject", LIAR) == "eject: neither low nor absent"


def test_an_honest_peer_in_quarantine_earns_its_way_back(circle: CircleUnderTest) -> None:
    fallen = circle.whole_round(range(3), rejected=0b001)
    assert fallen[0] < 20000
    assert circle.view("standing")[1] == 0b001
    # It still commits, is judged and judges; its verdicts weigh nothing until the others' have lifted it.
    risen = circle.whole_round(range(3))
    assert risen[0] == (fallen[0] + 65535) >> 1 > 20000
    assert circle.view("standing")[1] == 0
    # Now they weigh again.
    assert circle.whole_round(range(3), rejected=0b010)[1] < risen[1]


def test_a_seat_that_stays_away_below_the_floor_is_struck_too(circle: CircleUnderTest) -> None:
    circle.whole_round(range(3), rejected=1 << LIAR)
    circle.commit_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.do(0, "advance")
    circle.attest_all(range(2))
    circle.settle()
    circle.do(STRANGER, "eject", LIAR)


def test_a_round_given_up_strikes_who_is_low_too(circle: CircleUnderTest) -> None:
    circle.whole_round(range(3), rejected=1 << LIAR)
    circle.commit_all(range(3))
    circle.machine.pass_time(17 * WINDOW_S)
    circle.settle()
    # Nobody attested, so that silence took all of them below the floor or further.
    assert [circle.view("strikes_of", seat) for seat in range(3)] == [(0,), (0,), (2,)]


def test_strikes_end_at_255(deploy: Deploy) -> None:
    circle = deploy(start_seats=6, last_round=30, reputation_shift=1, reputation_floor=20000, eject_after=255)
    circle.join_all()
    for _ in range(3):
        circle.whole_round(range(6), rejected=1 << 5)
    # Seat s has 8 bits from 8 * s on.
    (slot,) = [slot for slot in range(400) if circle.machine.peek(circle.address, slot) == 3 << 40]
    circle.machine.poke(circle.address, slot, 254 << 40)
    circle.twin.seats[5].strikes = circle.history.seats[5].strikes = 254
    assert circle.refusal(0, "eject", 5) == "eject: neither low nor absent"
    for _ in range(2):
        circle.whole_round(range(6), rejected=1 << 5)
    assert circle.view("strikes_of", 5) == (255,)
    circle.do(0, "eject", 5)


def test_where_the_terms_eject_nobody_nobody_is_ejected(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=5, reputation_shift=1, reputation_floor=20000, eject_after=0)
    circle.join_all()
    circle.whole_round(range(2), rejected=0b11)
    assert circle.refusal(0, "eject", 1) == "eject: neither low nor absent"


@pytest.mark.parametrize("seat", [3, 256, 2**256 - 1])
def test_a_seat_nobody_holds_is_not_ejected(circle: CircleUnderTest, seat: int) -> None:
    assert circle.refusal(0, "eject", seat) == "eject: seat is not held"


def test_a_seat_given_up_is_not_ejected(circle: CircleUnderTest) -> None:
    for _ in range(2):
        circle.whole_round(range(3), rejected=1 << LIAR)
    circle.do_cold(LIAR, "leave", LIAR)
    assert circle.refusal(0, "eject", LIAR) == "eject: seat is not held"


def test_an_ejected_seat_in_a_round_is_judged_and_settled(circle: CircleUnderTest) -> None:
    for _ in range(2):
        circle.whole_round(range(3), rejected=1 << LIAR)
    circle.commit_all(range(3))
    circle.do(0, "eject", LIAR)
    circle.attest_all(range(2))
    circle.machine.pass_time(WINDOW_S)
    circle.settle()
    assert circle.state.roster == 0b011
