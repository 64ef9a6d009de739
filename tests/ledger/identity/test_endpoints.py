"""Endpoint records: what a peer may put on chain, and what nobody dials."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.identity.endpoints import ENDPOINT_MAX_BYTES, Endpoint, MalformedEndpoint, parse_endpoint, parse_gossip

pytestmark = pytest.mark.rule("R16")


@pytest.mark.parametrize(
    ("gossip", "gateway"),
    [
        ("wss://127.0.0.1:4001", "http://127.0.0.1:8080"),
        ("wss://peer-1.example.org:1", "https://gateway.example.org:65535"),
        ("wss://[::1]:4001", "http://[2001:db8::7]:8080"),
        ("wss://peer_1:4001/", "http://peer_1:8080/"),
    ],
)
def test_what_is_written_is_what_is_parsed(gossip: str, gateway: str) -> None:
    endpoint = parse_endpoint(f"{gossip} {gateway}")
    assert (endpoint.gossip.text, endpoint.gateway.text) == (gossip, gateway)
    assert parse_endpoint(endpoint.text) == endpoint


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        ("wss://127.0.0.1:4001", "wss", "127.0.0.1", 4001),
        ("wss://[2001:DB8::7]:1", "wss", "2001:db8::7", 1),
        ("wss://Peer-1.Example.org:65535/", "wss", "peer-1.example.org", 65535),
        ("wss://xn--a:1", "wss", "xn--a", 1),
        ("wss://xn--bcher-kva.example:00001", "wss", "xn--bcher-kva.example", 1),
    ],
)
def test_a_place_is_read_once_and_nothing_in_its_name_is_decoded(
    text: str, scheme: str, host: str, port: int
) -> None:
    place = parse_gossip(text)
    assert (place.text, place.scheme, place.host, place.port) == (text, scheme, host, port)
    assert place == parse_endpoint(f"{text} http://b:2").gossip


def test_two_spellings_of_one_place_are_equal() -> None:
    assert parse_gossip("wss://Peer.example:1/") == parse_gossip("wss://peer.example:1")
    assert parse_gossip("wss://peer.example:1") != parse_gossip("wss://peer.example:2")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("127.0.0.1", "wss://127.0.0.1:1 http://127.0.0.1:2"),
        ("::1", "wss://[::1]:1 http://[::1]:2"),
        ("peer.example.org", "wss://peer.example.org:1 http://peer.example.org:2"),
    ],
)
def test_an_endpoint_at_a_host_is_a_pair_of_urls(host: str, text: str) -> None:
    assert Endpoint.at(host, 1, 2).text == text


@pytest.mark.parametrize("host", ["fe80::1%eth0", "", "a b", "user@host", "host/path", "[::1]"])
def test_what_is_no_host_makes_no_endpoint(host: str) -> None:
    with pytest.raises(MalformedEndpoint):
        Endpoint.at(host, 1, 2)


GOOD = "wss://a:1 http://b:2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "wss://a:1",
        "wss://a:1  http://b:2",
        GOOD + " http://c:3",
        GOOD + " ",
        GOOD + " name=",
        GOOD + " name=a b",
        GOOD + " name=a name=b",
        GOOD + " Name=a",
        GOOD + " name=%4",
        GOOD + " name=%c3%a4",
        GOOD + " name=a+b",
        GOOD + " name=<b>",
        GOOD + "  name=a",
        " " + GOOD,
        "http://b:2 wss://a:1",
        "ws://a:1 http://b:2",
        "WSS://a:1 http://b:2",
        "wss://a:1 file:///etc/passwd",
        "wss://a:1 ftp://b:2",
        "wss://a http://b:2",
        "wss://a:1 http://b",
        "wss://a:0 http://b:2",
        "wss://a:65536 http://b:2",
        "wss://a:-1 http://b:2",
        "wss://a:1 http://b:+2",
        "wss://a:1 http://b:٢",
        "wss://a:1 http://b:000002",
        "wss://:1 http://b:2",
        "wss://a:1 http://user@b:2",
        "wss://a:1 http://user:secret@b:2",
        "wss://a:1 http://:secret@b:2",
        "wss://a:1 http://a\\@b:2",
        "wss://a:1 http://b:2/path",
        "wss://a:1 http://b:2//",
        "wss://a:1 http://b:2?",
        "wss://a:1 http://b:2#",
        "wss://a:1 http://b:2?x=1",
        "wss://a\n:1 http://b:2",
        "wss://a:1 http://b:2\n",
        "wss://a:1\thttp://b:2",
        "wss://a:1 http://b:2\x1b[2J",
        "wss://a:1 http://b:2\x00",
        "wss://ä:1 http://b:2",
        "wss://a:1 http://%62:2",
        "wss://a:1 http://[::1:2",
        "wss://a:1 http://[::x]:2",
        "wss://a:1 http://[:::]:2",
        "wss://a:1 http://[fe80::1%eth0]:2",
        "wss://a:1 http://b..c:2",
        "wss://a:1 http://.:2",
        f"wss://a:1 http://{'b' * 64}:2",
        f"wss://a:1 http://{'b.' * 130}c:2",
    ],
)
def test_what_names_no_two_addresses_is_refused(text: str) -> None:
    with pytest.raises(MalformedEndpoint):
        parse_endpoint(text)


@given(st.text(max_size=80) | st.builds("wss://{}:1 http://{}:2".format, st.text(max_size=9), st.text(max_size=9)))
@example("wss://\ud800:1 http://b:2")
@example("\udcff\udcfe")
def test_any_text_is_an_endpoint_or_a_fault(text: str) -> None:
    with suppress(MalformedEndpoint):
        assert parse_endpoint(text).text == text
        assert text.isascii()
        assert text.isprintable()


def test_a_long_text_is_refused_by_its_length() -> None:
    with pytest.raises(MalformedEndpoint):
        parse_endpoint(" " * 10**6)
    host = ".".join(["h" * 55] * 4)
    text = f"wss://{host}:1 http://b:2"
    assert len(text) <= ENDPOINT_MAX_BYTES
    assert parse_endpoint(text).text == text
