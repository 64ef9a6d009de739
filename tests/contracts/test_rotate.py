"""New keys for a seat: announced by its cold key, put in force by the new hot key after the delay."""

import pytest

from ledger.circle.events import Committed, Rotated, Rotating
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import DAY_S, DIGEST, NOBODY, CircleUnderTest

pytestmark = pytest.mark.rule("R24")

FRESH, OTHER = 8, 9


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Three seats in round 1; a rotation takes a day."""
    opened = deploy(quorum=3, last_round=9, bond=10)
    opened.join_all()
    return opened


def announce(circle: CircleUnderTest, seat: int = 1, hot: int = FRESH, cold: int | None = None) -> None:
    circle.do_cold(seat, "rotate", seat, circle.peers[hot], circle.colds[seat if cold is None else cold])


def rotate(circle: CircleUnderTest, seat: int = 1, hot: int = FRESH, cold: int | None = None) -> None:
    announce(circle, seat, hot, cold)
    circle.machine.pass_time(DAY_S)
    circle.do(hot, "finish_rotation", seat)


def test_new_keys_are_announced_and_come_in_force_after_the_delay(circle: CircleUnderTest) -> None:
    hot, cold = circle.peers[FRESH], circle.colds[FRESH]
    due = circle.machine.now_s + DAY_S
    assert circle.do_cold(1, "rotate", 1, hot, cold) == [Rotating(1, hot, cold, due)]
    circle.machine.pass_time(DAY_S - 1)
    assert circle.refusal(FRESH, "finish_rotation", 1) == "rotate: delay is not over"
    assert circle.view("seat_of", circle.peers[1]) == (1,)
    circle.machine.pass_time(1)
    assert circle.do(FRESH, "finish_rotation", 1) == [Rotated(1, hot, cold)]
    assert circle.view("seat_of", hot) == (1,)
    assert circle.view("is_seated", circle.peers[1]) == (False,)


def test_seat_bond_and_reputation_stay(circle: CircleUnderTest) -> None:
    circle.whole_round(range(3), rejected=0b010)
    before, reputation = circle.twin.seats[1], circle.reputations[1]
    rotate(circle)
    after = circle.twin.seats[1]
    assert (after.bond, after.tenure, after.since_round) == (before.bond, before.tenure, before.since_round)
    assert circle.reputations[1] == reputation


def test_the_new_hot_key_commits_and_the_old_one_does_not(circle: CircleUnderTest) -> None:
    rotate(circle)
    assert circle.refusal(1, "commit", 1, DIGEST) == "seat: caller has none"
    assert circle.do(FRESH, "commit", 1, DIGEST) == [Committed(1, 1, DIGEST)]


def test_the_new_cold_key_decides_and_is_owed_the_bond(circle: CircleUnderTest) -> None:
    rotate(circle, cold=OTHER)
    assert circle.cold_refusal(1, "leave", 1) == "seat: caller is not its cold key"
    circle.do_cold(OTHER, "leave", 1)
    circle.machine.pass_time(DAY_S)
    circle.do(0, "release", 1)
    circle.do_cold(OTHER, "withdraw")


def test_the_cold_key_alone_may_change(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "rotate", 1, circle.peers[1], circle.colds[OTHER])
    circle.machine.pass_time(DAY_S)
    circle.do(1, "finish_rotation", 1)
    circle.do_cold(OTHER, "leave", 1)


@pytest.mark.parametrize("who", ["the hot key", "another's cold key", "a stranger"])
def test_the_cold_key_alone_announces(circle: CircleUnderTest, who: str) -> None:
    senders = {
        "the hot key": circle.peers[1],
        "another's cold key": circle.colds[2],
        "a stranger": circle.peers[OTHER],
    }
    arguments = ("rotate", 1, circle.peers[FRESH], circle.colds[1])
    assert circle.call(senders[who], *arguments) == "seat: caller is not its cold key"


def test_nobody_is_made_to_hold_a_seat(circle: CircleUnderTest) -> None:
    # Else a member could put a stranger's key in its own seat, and that stranger could never join.
    announce(circle)
    circle.machine.pass_time(DAY_S)
    for sender in (circle.peers[1], circle.colds[1], circle.peers[0], circle.peers[OTHER]):
        assert circle.call(sender, "finish_rotation", 1) == "rotate: not the new key"
    circle.join(FRESH)
    assert circle.refusal(FRESH, "finish_rotation", 1) == "seat: key has a seat"


def test_the_present_keys_call_a_rotation_off(circle: CircleUnderTest) -> None:
    announce(circle)
    hot, cold = circle.peers[1], circle.colds[1]
    assert circle.do_cold(1, "rotate", 1, hot, cold) == [Rotating(1, hot, cold, 0)]
    circle.machine.pass_time(DAY_S)
    assert circle.refusal(FRESH, "finish_rotation", 1) == "rotate: no rotation is under way"


def test_a_second_announcement_takes_the_firsts_place_and_waits_anew(circle: CircleUnderTest) -> None:
    announce(circle)
    circle.machine.pass_time(DAY_S - 1)
    announce(circle, hot=OTHER)
    circle.machine.pass_time(1)
    assert circle.refusal(FRESH, "finish_rotation", 1) == "rotate: not the new key"
    assert circle.refusal(OTHER, "finish_rotation", 1) == "rotate: delay is not over"
    circle.machine.pass_time(DAY_S)
    circle.do(OTHER, "finish_rotation", 1)


def test_a_rotation_is_finished_once(circle: CircleUnderTest) -> None:
    rotate(circle)
    assert circle.refusal(FRESH, "finish_rotation", 1) == "rotate: no rotation is under way"


@pytest.mark.parametrize("seat", [0, 3, 256, 2**256 - 1])
def test_without_an_announcement_there_is_nothing_to_finish(circle: CircleUnderTest, seat: int) -> None:
    assert circle.refusal(0, "finish_rotation", seat) == "rotate: no rotation is under way"


@pytest.mark.parametrize("place", [0, 1])
def test_a_seat_needs_both_keys(circle: CircleUnderTest, place: int) -> None:
    keys = [circle.peers[FRESH], circle.colds[1]]
    keys[place] = NOBODY
    assert circle.cold_refusal(1, "rotate", 1, *keys) == "rotate: key is empty"


@pytest.mark.parametrize("seat", [3, 256, 2**256 - 1])
def test_a_seat_nobody_holds_has_no_keys(circle: CircleUnderTest, seat: int) -> None:
    arguments = ("rotate", seat, circle.peers[FRESH], circle.colds[1])
    assert circle.cold_refusal(1, *arguments) == "seat: is not held"


def test_one_key_signs_all_of_a_round(circle: CircleUnderTest) -> None:
    announce(circle)
    circle.machine.pass_time(DAY_S)
    circle.do(1, "commit", 1, DIGEST)
    assert circle.refusal(FRESH, "finish_rotation", 1) == "rotate: seat is in a round"
    circle.commit_all([0, 2])
    assert circle.state.phase == Phase.ATTEST
    assert circle.refusal(FRESH, "finish_rotation", 1) == "rotate: seat is in a round"
    circle.attest_all(range(3))
    circle.settle()
    circle.do(FRESH, "finish_rotation", 1)
    circle.do(FRESH, "commit", 2, DIGEST)


def test_a_seated_key_is_no_other_seats(circle: CircleUnderTest) -> None:
    arguments = ("rotate", 1, circle.peers[0], circle.colds[1])
    assert circle.cold_refusal(1, *arguments) == "seat: key has a seat"


def test_a_key_once_used_leads_to_one_seat_for_good(circle: CircleUnderTest) -> None:
    rotate(circle)
    old = circle.peers[1]
    # Nobody else, nor the seat itself, takes the old key: what it signed must lead there.
    for seat in (0, 2):
        assert circle.cold_refusal(seat, "rotate", seat, old, circle.colds[seat]) == "seat: key is another seat's"
    assert circle.cold_refusal(1, "rotate", 1, old, circle.colds[1]) == "seat: key is another seat's"
    assert circle.join_refusal(1) == "seat: key is another seat's"


def test_a_key_is_free_again_once_its_seat_is_released(circle: CircleUnderTest) -> None:
    rotate(circle)
    circle.do_cold(1, "leave", 1)
    circle.machine.pass_time(DAY_S)
    circle.do(0, "release", 1)
    circle.join(1)
    circle.join(FRESH, cold=OTHER)


def test_two_seats_that_announce_one_key_get_it_once(circle: CircleUnderTest) -> None:
    announce(circle, seat=0)
    announce(circle, seat=1)
    circle.machine.pass_time(DAY_S)
    circle.do(FRESH, "finish_rotation", 1)
    assert circle.refusal(FRESH, "finish_rotation", 0) == "seat: key has a seat"


def test_without_a_delay_keys_change_at_once(deploy: Deploy) -> None:
    circle = deploy(rotation_delay_s=0)
    circle.join_all()
    announce(circle)
    circle.do(FRESH, "finish_rotation", 1)
    circle.do(FRESH, "commit", 1, DIGEST)


def test_keys_change_after_the_end_too(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=2, last_round=1)
    rotate(circle)
