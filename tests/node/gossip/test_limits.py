"""Pacing and the choice of whom to dial."""

import random

import pytest

from ledger.identity.endpoints import MalformedEndpoint, parse_gossip
from node.gossip.address_book import AddressBook
from node.gossip.limits import Limits, TokenBucket

LIMITS = Limits(backoff_s=1.0, max_backoff_s=8.0, cool_off_s=100.0)
OWN = "0x" + "00" * 20
PEERS = ["0x" + f"{number:02d}" * 20 for number in (11, 22, 33)]


def make_prospects() -> AddressBook:
    prospects = AddressBook(OWN, LIMITS, random.Random(1))
    places = [parse_gossip(f"wss://127.0.0.1:{7000 + i}") for i in range(1 + len(PEERS))]
    prospects.set_directory(dict(zip([OWN, *PEERS], places, strict=True)))
    return prospects


def test_bucket_lets_a_burst_through_then_the_rate() -> None:
    bucket = TokenBucket(per_s=10, burst=5, now=0.0)
    assert [bucket.take(1, 0.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(1, 0.0) == pytest.approx(0.1)
    assert bucket.take(1, 0.1) == pytest.approx(0.1)
    assert bucket.measure_empty_s(0.5) == pytest.approx(0.5)
    assert bucket.take(1, 1.0) == 0.0
    assert bucket.measure_empty_s(1.0) == 0.0


def test_everyone_but_self_and_the_taken_is_chosen() -> None:
    prospects = make_prospects()
    assert sorted(prospects.choose(9, [], 0.0)) == PEERS
    assert sorted(prospects.choose(9, PEERS[:1], 0.0)) == PEERS[1:]
    assert len(prospects.choose(2, [], 0.0)) == 2
    assert prospects.choose(-1, [], 0.0) == []


def test_wait_doubles_with_each_failure_up_to_the_longest() -> None:
    prospects, peer = make_prospects(), PEERS[0]
    for longest in (1, 2, 4, 8, 8, 8):
        prospects.note_failure(peer, 0.0)
        assert peer not in prospects.choose(9, [], 0.49 * longest)
        assert peer in prospects.choose(9, [], 1.51 * longest)
    prospects.note_success(peer)
    assert peer in prospects.choose(9, [], 0.0)


def test_new_endpoint_is_dialled_at_once() -> None:
    prospects, peer = make_prospects(), PEERS[0]
    prospects.note_failure(peer, 0.0)
    prospects.set_directory({peer: parse_gossip("wss://127.0.0.1:9999")})
    assert prospects.choose(9, [], 0.0) == [peer]


def test_peer_at_fault_is_left_alone_for_a_while() -> None:
    prospects, peer = make_prospects(), PEERS[0]
    prospects.shun(peer, 0.0)
    assert prospects.is_shunned(peer, 99.0)
    assert peer not in prospects.choose(9, [], 99.0)
    assert peer in prospects.choose(9, [], 101.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ws://127.0.0.1:1",
        "https://127.0.0.1:1",
        "wss://",
        "wss://user@host:1",
        "wss://host:1/path",
        "wss://host:1/?q=1",
        "wss://host:99999",
        "wss://[::1",
        "wss://" + "a" * 300,
        "file:///etc/passwd",
    ],
)
def test_what_is_no_bare_wss_address_is_none_to_dial(text: str) -> None:
    with pytest.raises(MalformedEndpoint):
        parse_gossip(text)
