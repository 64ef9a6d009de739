"""Taking a seat."""

from collections.abc import Callable

import pytest
from circle_harness import ENDPOINT, CircleUnderTest
from circle_machines import EthTester
from eth_abi.abi import encode as abi_encode

from ledger.chain.artifact import circle_artifact
from ledger.events import Joined
from ledger.history import Phase

Deploy = Callable[..., CircleUnderTest]


def test_seats_are_numbered_in_the_order_of_joining(deploy: Deploy) -> None:
    circle = deploy(start_seats=3)
    for seat in (0, 1):
        assert circle.do(seat, "join", ENDPOINT) == [Joined(seat, circle.peers[seat], ENDPOINT)]
        assert circle.state.phase == Phase.GATHERING


def test_the_last_awaited_peer_opens_the_first_round_for_all(deploy: Deploy) -> None:
    circle = deploy(start_seats=3)
    circle.join_all()
    state = circle.state
    assert (state.round, state.phase, state.awaited) == (1, Phase.COMMIT, 0b111)


def test_a_seat_starts_in_the_middle_of_the_scale(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join_all()
    assert circle.reputations == {0: 32768, 1: 32768}


def test_nobody_joins_twice(deploy: Deploy) -> None:
    circle = deploy()
    circle.do(0, "join", ENDPOINT)
    assert circle.refusal(0, "join", ENDPOINT) == "join: already seated"
    assert circle.state.seats == 1


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("", "join: endpoint is empty"),
        ("wss://h\x00:1", "join: endpoint is not printable ASCII"),
        ("\x1b[2Jwss://host:1", "join: endpoint is not printable ASCII"),
        ("wss://host:1\n", "join: endpoint is not printable ASCII"),
        ("wss://host:1\x7f", "join: endpoint is not printable ASCII"),
        ("wss://höst:1", "join: endpoint is not printable ASCII"),
        ("a" * 31 + "\x1f", "join: endpoint is not printable ASCII"),
        ("a" * 32 + "\t", "join: endpoint is not printable ASCII"),
        ("a" * 255 + "\x1f", "join: endpoint is not printable ASCII"),
    ],
)
def test_an_endpoint_is_printable_ascii(deploy: Deploy, endpoint: str, reason: str) -> None:
    assert deploy().refusal(0, "join", endpoint) == reason


def test_bytes_that_are_no_text_cannot_become_an_event(deploy: Deploy) -> None:
    circle = deploy()
    data = circle_artifact().call_data("join", "")[:4] + abi_encode(["bytes"], [b"wss://\xff\xfe"])
    ran = circle.machine.run(circle.peers[0], circle.address, data)
    assert ran.reason == "join: endpoint is not printable ASCII"
    circle.check()


@pytest.mark.parametrize("length", [1, 31, 32, 33, 63, 64, 255, 256])
def test_endpoints_of_every_length_come_back_whole(tester: EthTester, deploy: Deploy, length: int) -> None:
    circle = deploy()
    endpoint = "".join(chr(32 + place % 95) for place in range(length))
    assert circle.do(0, "join", endpoint) == [Joined(0, circle.peers[0], endpoint)]


def test_an_endpoint_beyond_256_bytes_is_refused(deploy: Deploy) -> None:
    circle = deploy()
    data = circle_artifact().call_data("join", "a" * 257)
    assert circle.machine.run(circle.peers[0], circle.address, data).reason is not None
    circle.check()


def test_a_latecomer_is_awaited_from_the_next_round_on(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join_all()
    circle.do(2, "join", ENDPOINT)
    assert circle.state.awaited == 0b11
    circle.whole_round(range(2))
    assert (circle.state.round, circle.state.awaited) == (2, 0b111)


def test_a_latecomer_may_commit_in_the_round_under_way(deploy: Deploy) -> None:
    circle = deploy(start_seats=2)
    circle.join_all()
    circle.do(2, "join", ENDPOINT)
    circle.commit_all([2, 0, 1])
    assert circle.state.phase == Phase.ATTEST
    circle.attest_all(range(3))
    assert circle.state.phase == Phase.SETTLE


def test_one_may_join_in_every_phase_but_the_last(deploy: Deploy) -> None:
    circle = deploy(start_seats=2, last_round=1)
    circle.join_all()
    circle.commit_all(range(2))
    circle.do(2, "join", ENDPOINT)
    circle.attest_all(range(2))
    circle.do(3, "join", ENDPOINT)
    circle.settle()
    assert circle.refusal(4, "join", ENDPOINT) == "join: circle is finished"


def test_the_257th_finds_no_seat(deploy_large: Deploy) -> None:
    circle = deploy_large(start_seats=256)
    circle.join_all()
    assert circle.state.awaited == 2**256 - 1
    assert circle.refusal(256, "join", ENDPOINT) == "join: no free seat"
    circle.check()
