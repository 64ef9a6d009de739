"""Giving a seat up."""

import pytest

from ledger.circle.events import Left
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy, after_a_round, copied
from tests.support.contract.harness import DAY_S, DIGEST, ENDPOINT, RECORD, WINDOW_S, CircleUnderTest

pytestmark = pytest.mark.rule("R23.1")


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Four seats with a bond and a quorum of two, in round 1."""
    opened = deploy(start_seats=4, bond=100, last_round=9)
    opened.join_all()
    return opened


def test_the_cold_key_gives_the_seat_up_and_the_bond_waits(circle: CircleUnderTest) -> None:
    assert circle.do_cold(1, "leave", 1) == [Left(1, 0, circle.machine.now_s + WINDOW_S + DAY_S)]
    assert circle.view("standing")[0] == 0b1101
    assert circle.view("books") == (400, 0)


@pytest.mark.parametrize("who", ["hot", "other cold", "stranger"])
def test_nobody_else_gives_it_up(circle: CircleUnderTest, who: str) -> None:
    sender = {"hot": circle.peers[1], "other cold": circle.colds[2], "stranger": circle.peers[9]}[who]
    assert circle.call(sender, "leave", 1) == "seat: caller is not its cold key"


@pytest.mark.parametrize("seat", [4, 255, 256, 2**256 - 1])
def test_a_seat_nobody_holds_is_not_given_up(circle: CircleUnderTest, seat: int) -> None:
    assert circle.cold_refusal(1, "leave", seat) == "seat: is not held"


def test_a_seat_is_given_up_once(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "leave", 1)
    assert circle.cold_refusal(1, "leave", 1) == "seat: is not held"


def test_who_left_takes_part_no_more(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "leave", 1)
    none = "seat: caller has none"
    assert circle.refusal(1, "commit", 1, DIGEST) == none
    assert circle.refusal(1, "wake") == none
    assert circle.refusal(1, "move", ENDPOINT) == none
    assert circle.cold_refusal(1, "rotate", 1, circle.peers[9], circle.colds[9]) == "seat: is not held"


def test_the_round_waits_for_who_left_no_more(circle: CircleUnderTest) -> None:
    circle.commit_all([0, 2, 3])
    circle.do_cold(1, "leave", 1)
    # Nobody commits any more, so that anyone closes the phase.
    assert circle.state.phase == Phase.COMMIT
    circle.do(9, "advance")
    circle.attest_all([0, 2, 3])
    circle.settle()
    assert circle.state.roster == 0b1101


def test_what_it_committed_before_the_draw_goes_with_it(circle: CircleUnderTest) -> None:
    circle.do(1, "commit", 1, DIGEST)
    circle.do_cold(1, "leave", 1)
    circle.commit_all([0, 2, 3])
    assert circle.state.committed == 0b1101


def test_what_it_committed_stands_after_the_draw_and_is_judged(circle: CircleUnderTest) -> None:
    circle.commit_all(range(4))
    circle.do_cold(1, "leave", 1)
    assert circle.refusal(1, "attest", 0, RECORD) == "seat: caller has none"
    circle.attest_all([0, 2, 3])
    # Nobody waits for what it cannot say any more.
    risen = (7 * 32768 + 65535) >> 3
    assert circle.settle() == {0: risen, 1: risen - (risen >> 3), 2: risen, 3: risen}
    assert circle.state.roster == 0b1101


def test_who_leaves_after_attesting_is_settled_like_the_others(circle: CircleUnderTest) -> None:
    circle.commit_all(range(4))
    circle.attest_all(range(4))
    circle.do_cold(1, "leave", 1)
    # It is judged like the others, though what it said weighs nothing.
    assert len(set(circle.settle().values())) == 1
    assert circle.state.roster == 0b1101


def test_who_woke_and_left_is_not_on_the_next_roster(circle: CircleUnderTest) -> None:
    circle.do(1, "wake")
    circle.do_cold(1, "leave", 1)
    circle.commit_all([0, 2, 3])
    assert circle.view("standing")[3] == 0


def test_leaving_calls_a_rotation_off(circle: CircleUnderTest) -> None:
    circle.do_cold(1, "rotate", 1, circle.peers[9], circle.colds[9])
    circle.do_cold(1, "leave", 1)
    circle.machine.pass_time(DAY_S)
    assert circle.refusal(9, "finish_rotation", 1) == "rotate: no rotation is under way"


def test_all_may_leave_and_later_comers_go_on(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=9)
    circle.join_all()
    for seat in range(2):
        circle.do_cold(seat, "leave", seat)
    circle.machine.pass_time(WINDOW_S)
    assert circle.refusal(0, "advance") == "advance: commit phase is not due"
    for peer in (2, 3):
        circle.join(peer)
        circle.do(peer, "wake")
    circle.commit_all([2, 3])
    circle.attest_all([2, 3])
    circle.settle()
    assert (circle.state.round, circle.state.roster) == (2, 0b1100)


def test_one_may_leave_after_the_end(deploy: Deploy) -> None:
    circle = after_a_round(deploy, start_seats=2, last_round=1, bond=9)
    circle.do_cold(0, "leave", 0)
    circle.machine.pass_time(DAY_S)
    circle.do(1, "release", 0)
    circle.do_cold(0, "withdraw")


@pytest.mark.parametrize(("strikes", "burned"), [(0, 0), (1, 16), (2, 33), (3, 50), (4, 50)])
def test_leaving_burns_as_the_strikes_say(deploy: Deploy, strikes: int, burned: int) -> None:
    circle = deploy(
        start_seats=4, bond=101, last_round=9, reputation_shift=1, reputation_floor=20000, eject_after=3
    )
    circle.join_all()
    for _ in range(strikes):
        circle.whole_round(range(4), rejected=0b0010)
    (left,) = circle.do_cold(1, "leave", 1)
    assert left == Left(1, burned, circle.machine.now_s + WINDOW_S + DAY_S)
    assert circle.twin.burned == burned
    assert circle.view("strikes_of", 1) == (0,)
    circle.wait_until_free()
    circle.do(9, "release", 1)
    assert circle.view("owed", circle.colds[1]) == (101 - burned,)


def test_where_nobody_is_ejected_leaving_burns_nothing(deploy: Deploy) -> None:
    circle = deploy(start_seats=4, bond=101, last_round=9, reputation_shift=1, reputation_floor=20000)
    circle.join_all()
    for _ in range(3):
        circle.whole_round(range(4), rejected=0b0010)
    assert circle.view("strikes_of", 1) == (3,)
    circle.do_cold(1, "leave", 1)
    assert circle.twin.burned == 0
