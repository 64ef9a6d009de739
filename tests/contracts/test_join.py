"""Taking a seat."""

import pytest
from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger.circle.events import Drawn, Joined
from ledger.circle.history import Phase
from tests.support.contract.copied import Deploy
from tests.support.contract.harness import ENDPOINT, NOBODY, UNSIGNED

pytestmark = pytest.mark.rule("R3.4")


def test_seats_are_numbered_in_the_order_of_joining(deploy: Deploy) -> None:
    circle = deploy(start_seats=3)
    for seat in (0, 1):
        joined = Joined(seat, circle.peers[seat], circle.colds[seat], NOBODY, ENDPOINT)
        assert circle.join(seat) == [joined]
        assert circle.state.phase == Phase.GATHERING


@pytest.mark.rule("R3.5")
def test_the_last_peer_opens_the_first_round_for_all(deploy: Deploy) -> None:
    circle = deploy(start_seats=3)
    circle.join_all()
    state = circle.state
    assert (state.round, state.phase, state.roster) == (1, Phase.COMMIT, 0b111)


def test_a_round_opens_when_enough_are_seated_at_once(deploy: Deploy) -> None:
    circle = deploy(start_seats=3)
    circle.join(0)
    circle.join(1)
    circle.do_cold(0, "leave", 0)
    circle.join(2)
    assert circle.state.phase == Phase.GATHERING
    circle.join(3)
    assert (circle.state.phase, circle.state.roster) == (Phase.COMMIT, 0b1110)


def test_a_seat_starts_in_the_middle_of_the_scale(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join_all()
    assert circle.reputations == {0: 32768, 1: 32768}


def test_the_bond_is_held_by_the_circle(deploy: Deploy) -> None:
    circle = deploy(bond=1000)
    circle.join_all()
    assert circle.view("books") == (3000, 0)
    assert circle.machine.balance(circle.address) == 3000


@pytest.mark.parametrize("value", [0, 999, 1001])
def test_the_bond_is_neither_more_nor_less(deploy: Deploy, value: int) -> None:
    assert deploy(bond=1000).join_refusal(0, value=value) == "join: value is not the bond"


def test_a_circle_without_a_bond_takes_no_coin(deploy: Deploy) -> None:
    assert deploy(bond=0).join_refusal(0, value=1) == "join: value is not the bond"


@pytest.mark.rule("R1")
def test_nobody_joins_twice(deploy: Deploy) -> None:
    circle = deploy()
    circle.join(0)
    assert circle.join_refusal(0) == "join: already seated"
    assert circle.state.seats == 1


def test_a_seat_has_a_cold_key(deploy: Deploy) -> None:
    circle = deploy()
    assert circle.refusal(0, "join", ENDPOINT, NOBODY, *UNSIGNED) == "join: cold key is empty"


@pytest.mark.rule("R1")
def test_one_cold_key_may_hold_several_seats(deploy: Deploy) -> None:
    circle = deploy()
    circle.join(0, cold=5)
    circle.join(1, cold=5)
    circle.do_cold(5, "leave", 1)
    assert circle.twin.members == 0b01


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("", "seat: endpoint is empty"),
        ("wss://h\x00:1", "seat: endpoint is not printable"),
        ("\x1b[2Jwss://host:1", "seat: endpoint is not printable"),
        ("wss://host:1\n", "seat: endpoint is not printable"),
        ("wss://host:1\x7f", "seat: endpoint is not printable"),
        ("wss://höst:1", "seat: endpoint is not printable"),
        ("a" * 31 + "\x1f", "seat: endpoint is not printable"),
        ("a" * 32 + "\t", "seat: endpoint is not printable"),
        ("a" * 255 + "\x1f", "seat: endpoint is not printable"),
    ],
)
def test_an_endpoint_is_printable_ascii(deploy: Deploy, endpoint: str, reason: str) -> None:
    assert deploy().join_refusal(0, endpoint=endpoint) == reason


def test_bytes_that_are_no_text_cannot_become_an_event(deploy: Deploy) -> None:
    circle = deploy()
    types = ["bytes", "address", "uint256", "uint256", "uint256", "uint256"]
    selector = keccak(b"join(string,address,uint256,uint256,uint256,uint256)")[:4]
    data = selector + abi_encode(types, (b"wss://\xff\xfe", circle.colds[0], *UNSIGNED))
    assert circle.raw(circle.peers[0], data).reason == "seat: endpoint is not printable"


@pytest.mark.parametrize("length", [1, 31, 32, 33, 63, 64, 255, 256])
def test_endpoints_of_every_length_come_back_whole(deploy: Deploy, length: int) -> None:
    endpoint = "".join(chr(32 + place % 95) for place in range(length))
    (joined,) = deploy().join(0, endpoint=endpoint)
    assert isinstance(joined, Joined)
    assert joined.endpoint == endpoint


def test_an_endpoint_beyond_256_bytes_is_refused(deploy: Deploy) -> None:
    circle = deploy()
    circle.raw(circle.peers[0], circle.artifact.encode_call("join", "a" * 257, circle.colds[0], *UNSIGNED))


def test_a_latecomer_is_waited_for_from_the_next_round_on(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join_all()
    circle.join(2)
    assert circle.state.roster == 0b11
    circle.whole_round(range(2))
    assert (circle.state.round, circle.state.roster) == (2, 0b111)


def test_a_latecomer_may_commit_in_the_round_under_way_once_it_wakes(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join_all()
    circle.join(2)
    assert circle.refusal(2, "commit", 1, b"d" * 32) == "commit: not on the roster"
    circle.do(2, "wake")
    assert isinstance(circle.commit_all([2, 0, 1])[-1:][0], Drawn)


def test_one_may_join_in_every_phase_but_the_last(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    circle.join_all()
    circle.commit_all(range(2))
    circle.join(2)
    circle.attest_all(range(2))
    circle.join(3)
    circle.settle()
    assert circle.join_refusal(4) == "join: circle is finished"


def test_the_257th_finds_no_seat_until_one_is_released(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=256, bond=5)
    circle.join_all()
    assert circle.state.roster == 2**256 - 1
    assert circle.join_refusal(256) == "join: no free seat"
    for seat in (200, 17):
        circle.do_cold(seat, "leave", seat)
    assert circle.join_refusal(256) == "join: no free seat"
    circle.wait_until_free()
    for seat in (200, 17):
        circle.do(0, "release", seat)
    # The lowest first; the next round waits for both.
    joined = [event for peer in (256, 257) for event in circle.join(peer)]
    assert [event.seat for event in joined if isinstance(event, Joined)] == [17, 200]
    assert circle.twin.seats[17].tenure == 2
    assert circle.reputations[17] == 32768
    assert circle.twin.woken == 1 << 17 | 1 << 200
    assert circle.join_refusal(17) == "join: no free seat"
    circle.check()


def test_a_key_stays_its_seats_until_that_is_released(deploy: Deploy) -> None:
    circle = deploy()
    circle.join(0)
    circle.do_cold(0, "leave", 0)
    assert circle.join_refusal(0) == "seat: key is another seat's"
    circle.wait_until_free()
    circle.do(1, "release", 0)
    (joined,) = circle.join(0)
    assert isinstance(joined, Joined)
    assert joined.seat == 1
