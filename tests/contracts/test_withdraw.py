"""Taking what the circle owes, and who tries to take more."""

import pytest
from eth_abi.abi import decode as abi_decode

from ledger.circle.events import Joined, Withdrawn
from tests.support.contract.attacking import attacker, data_of
from tests.support.contract.copied import Deploy, copied
from tests.support.contract.harness import ENDPOINT, UNSIGNED, CircleUnderTest
from tests.support.contract.machines import Ran

pytestmark = pytest.mark.rule("R27")

BOND = 1000


@copied
def circle(deploy: Deploy) -> CircleUnderTest:
    """Three bonded seats, in round 1."""
    opened = deploy(bond=BOND)
    opened.join_all()
    return opened


def seat_with_cold(circle: CircleUnderTest, cold: str, account: int = 3) -> int:
    """Seat an account whose cold key is a contract. Returns the seat."""
    (joined,) = circle.do(account, "join", ENDPOINT, cold, *UNSIGNED)
    assert isinstance(joined, Joined)
    return joined.seat


def test_who_is_owed_takes_it_all_at_once(circle: CircleUnderTest) -> None:
    circle.do_cold(0, "leave", 0)
    circle.wait_until_free()
    circle.do(1, "release", 0)
    before = circle.machine.balance(circle.colds[0])
    assert circle.do_cold(0, "withdraw") == [Withdrawn(circle.colds[0], BOND)]
    assert circle.machine.balance(circle.colds[0]) == before + BOND
    assert circle.view("books") == (2 * BOND, 0)
    assert circle.cold_refusal(0, "withdraw") == "withdraw: nothing is owed"


def test_what_is_owed_for_several_things_adds_up(circle: CircleUnderTest) -> None:
    circle.join(3, cold=0)
    for seat in (0, 3):
        circle.do_cold(0, "leave", seat)
    circle.wait_until_free()
    for seat in (0, 3):
        circle.do(1, "release", seat)
    assert circle.do_cold(0, "withdraw") == [Withdrawn(circle.colds[0], 2 * BOND)]


def test_nobody_takes_what_another_is_owed(circle: CircleUnderTest) -> None:
    circle.do_cold(0, "leave", 0)
    circle.wait_until_free()
    circle.do(1, "release", 0)
    for sender in (circle.peers[0], circle.colds[1], circle.peers[9]):
        assert circle.call(sender, "withdraw") == "withdraw: nothing is owed"


@pytest.mark.parametrize("again", ["withdraw()", "release(uint256)", "join"])
def test_who_calls_again_while_being_paid_gets_no_more_than_its_own(circle: CircleUnderTest, again: str) -> None:
    robber = attacker(circle.machine, "Reentrant")
    seat = seat_with_cold(circle, robber)
    arguments = {"withdraw()": (), "release(uint256)": (seat,)}.get(again)
    call = (
        circle.artifact.encode_call("join", ENDPOINT, robber, *UNSIGNED)
        if arguments is None
        else data_of(again, *arguments)
    )
    run = circle.machine.run
    run(circle.peers[0], robber, data_of("aim(address,bytes)", circle.address, call))
    left = run(circle.peers[0], robber, data_of("act(bytes)", data_of("leave(uint256)", seat)))
    circle.follow(left, (robber, "leave", seat))
    circle.wait_until_free()
    circle.do(1, "release", seat)
    paid = run(circle.peers[0], robber, data_of("act(bytes)", data_of("withdraw()")))
    circle.follow(paid, (robber, "withdraw"))
    assert circle.machine.balance(robber) == BOND
    (reentered,) = abi_decode(["uint256"], circle.machine.ask(robber, data_of("reentered()")))
    assert reentered == 0


def test_who_calls_another_function_while_being_paid_finds_the_books_in_order(circle: CircleUnderTest) -> None:
    robber = attacker(circle.machine, "Reentrant")
    circle.join(3, cold=0)
    seat = seat_with_cold(circle, robber, account=4)
    run = circle.machine.run
    # While it is paid for its seat it releases another's.
    run(circle.peers[0], robber, data_of("aim(address,bytes)", circle.address, data_of("release(uint256)", 3)))
    left = run(circle.peers[0], robber, data_of("act(bytes)", data_of("leave(uint256)", seat)))
    circle.follow(left, (robber, "leave", seat))
    circle.do_cold(0, "leave", 3)
    circle.wait_until_free()
    circle.do(1, "release", seat)
    paid = run(circle.peers[0], robber, data_of("act(bytes)", data_of("withdraw()")))
    circle.follow(paid, (robber, "withdraw"), (robber, "release", 3))
    assert circle.machine.balance(robber) == BOND


def test_who_refuses_coin_harms_itself_alone(circle: CircleUnderTest) -> None:
    refuser = attacker(circle.machine, "Refuser")
    seat = seat_with_cold(circle, refuser)
    run = circle.machine.run

    def act(data: bytes) -> Ran:
        return run(circle.peers[0], refuser, data_of("act(address,bytes)", circle.address, data))

    circle.follow(act(data_of("leave(uint256)", seat)), (refuser, "leave", seat))
    circle.do_cold(0, "leave", 0)
    circle.wait_until_free()
    # Releasing pays nobody, so that it cannot fail for who is to be paid.
    circle.do(1, "release", seat)
    circle.do(1, "release", 0)
    assert act(data_of("withdraw()")).reason == "withdraw: caller refuses coin"
    circle.check()
    assert circle.view("owed", refuser) == (BOND,)
    circle.do_cold(0, "withdraw")


def test_coin_forced_upon_the_circle_is_nobodys_and_changes_nothing(circle: CircleUnderTest) -> None:
    circle.machine.give(circle.address, 77)
    assert circle.view("books") == (3 * BOND, 0)
    circle.machine.give(circle.address, -77)
    circle.check()
