"""How a key stands to a circle: seated, announced for a seat, or done with one for good."""

import pytest

from ledger.circle.events import Disputed, Ejected, Equivocated, Event, Left, Released, Resolved, Rotated, Rotating
from ledger.errors import SetupError
from node.seat.invitations import Invitation
from node.seat.seating import (
    JoinRequest,
    check_admission,
    explain_loss,
    find_announced_seat,
    find_former_seat,
    is_answerable,
)
from tests.support.histories.moments import history_of, settled
from tests.support.histories.parts import BOND, NOBODY, address, cold

NEW = address(9)


def sentence(*events: Event, key: str) -> str:
    history = history_of(*events)
    former = find_former_seat(history, key)
    assert former is not None
    return explain_loss(*former, events)


def test_who_sits_or_never_sat_has_lost_nothing() -> None:
    assert find_former_seat(history_of(), address(1)) is None
    assert find_former_seat(history_of(), NEW) is None


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (Left(1, 0, 5), "was given up by its cold key, its bond is got back by `folkmoot seat release 1`: to take"),
        (Ejected(1, BOND // 2, 5), "was ejected after too many rounds below the reputation floor, its bond"),
        (
            Equivocated(1, 1, cold(2), BOND, 5),
            "was taken away because its key signed two updates for one round: to",
        ),
    ],
    ids=["left", "ejected", "convicted"],
)
def test_each_way_to_lose_a_seat_is_a_sentence_with_a_next_step(end: Event, said: str) -> None:
    history = history_of()
    history.seats[1].strikes = int(isinstance(end, Ejected))
    history.apply(end)
    former = find_former_seat(history, address(1))
    assert former is not None
    assert said in explain_loss(*former, [end])


def test_a_seat_lost_by_a_second_conviction_is_told_so_and_a_first_one_is_none() -> None:
    held = history_of(Left(1, 0, 5)).seats[1]
    claims: list[Event] = [Disputed(n, 1, n, 0, NEW, b"\7" * 32, 0b1111, 9) for n in range(3)]
    ends: list[Event] = [Resolved(1, 1, BOND, 5), Resolved(0, 1, BOND, 5)]
    assert "was taken away because what it said was found false a second time" in explain_loss(
        1, held, claims + ends
    )
    assert "was given up, its" in explain_loss(1, held, [*claims, Resolved(1, 1, BOND, 0), ends[1]])


def test_a_bond_answers_for_a_seat_given_up_until_it_is_released() -> None:
    held = history_of(Left(1, 0, 5)).seats[1]
    assert is_answerable(held, address(1))
    assert not is_answerable(held, address(2))
    assert not is_answerable(history_of().seats[1], address(1))
    assert not is_answerable(history_of(Left(1, 0, 5), Released(1, BOND)).seats[1], address(1))
    assert not is_answerable(history_of(Equivocated(1, 1, cold(2), BOND, 5)).seats[1], address(1))


def test_a_released_seat_stays_lost_to_its_key() -> None:
    assert "start a node with a fresh key" in sentence(Left(1, 0, 5), Released(1, BOND), key=address(1))


def test_a_rotated_key_is_told_its_successor() -> None:
    events = [*settled(0, 1, 2, 3), Rotating(1, NEW, cold(1), 5), Rotated(1, NEW, cold(1))]
    assert sentence(*events, key=address(1)) == f"seat 1 goes on with the key {NEW}: start its node with that one"
    assert find_former_seat(history_of(*events), NEW) is None


def test_a_new_key_knows_the_seat_that_it_is_announced_for() -> None:
    history = history_of(Rotating(1, NEW, cold(1), 77))
    assert find_announced_seat(history, NEW) == (1, 77)
    assert find_announced_seat(history, address(1)) is None
    # A rotation of the cold key alone concerns nobody else.
    assert find_announced_seat(history_of(Rotating(1, address(1), cold(8), 77)), address(1)) is None


def test_what_a_peer_joins_with() -> None:
    assert JoinRequest().call_arguments("wss://a", NEW) == ("wss://a", NEW, 0, 0, 0, 0)
    assert JoinRequest(cold(1)).call_arguments("wss://a", NEW)[1] == cold(1)
    signature = "0x" + "11" * 32 + "22" * 32 + "1c"
    invitation = Invitation(
        chain_id=1, contract=NOBODY, peer=NEW, nonce="5", expiry_s=6, inviter=NOBODY, signature=signature
    )
    nonce, expiry, r, vs = JoinRequest(None, invitation).call_arguments("wss://a", NEW)[2:]
    assert (nonce, expiry, r) == (5, 6, int("11" * 32, 16))
    assert vs == 1 << 255 | int("22" * 32, 16)


@pytest.mark.parametrize(("admission", "who"), [(1, "its inviter"), (2, "one of its members")])
def test_where_only_invited_ones_join_the_others_are_told_whom_to_ask(admission: int, who: str) -> None:
    check_admission(0, JoinRequest(), NEW)
    with pytest.raises(SetupError, match=f"have {who} run `folkmoot invite {NEW}`"):
        check_admission(admission, JoinRequest(), NEW)
