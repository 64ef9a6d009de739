"""Where a node listens and what others are told of it."""

import pytest

from ledger.errors import UsageError
from node.operating.listening import Listening


@pytest.mark.parametrize(
    ("host", "advertise", "listens_at", "reached_at"),
    [
        ("127.0.0.1", None, "127.0.0.1", "127.0.0.1"),
        ("::1", None, "::1", "::1"),
        ("[::1]", None, "::1", "::1"),
        ("0.0.0.0", "peer.example.org", "0.0.0.0", "peer.example.org"),
        ("::", "[2001:db8::7]", "::", "2001:db8::7"),
    ],
)
def test_a_host_is_listened_on_and_told_to_others(
    host: str, advertise: str | None, listens_at: str, reached_at: str
) -> None:
    listening = Listening(host, advertise)
    listening.check()
    assert (listening.listens_at, listening.reached_at) == (listens_at, reached_at)


@pytest.mark.parametrize(
    ("host", "advertise", "expected"),
    [
        ("0.0.0.0", None, "--host 0.0.0.0 names no machine"),
        ("::", None, "--host :: names no machine"),
        ("127.0.0.1", "::", "--advertise :: names no machine"),
        ("fe80::1%eth0", None, "--host fe80::1%eth0 is no host that others can be given"),
        ("127.0.0.1", "http://peer.example.org", "--advertise http://peer.example.org is no host"),
    ],
)
def test_where_nobody_could_be_reached_is_refused_with_what_to_do(
    host: str, advertise: str | None, expected: str
) -> None:
    with pytest.raises(UsageError, match="--advertise") as refused:
        Listening(host, advertise).check()
    assert str(refused.value).startswith(expected)


@pytest.mark.parametrize(
    ("gossip", "gateway", "expected"),
    [
        (99999, 0, "--gossip-port 99999 is no port: give 1 to 65535"),
        (7001, -1, "--gateway-port -1 is no port: give 1 to 65535"),
        (7001, 7001, "--gossip-port and --gateway-port are both 7001: choose two"),
    ],
)
def test_ports_that_nothing_could_listen_on_are_refused_before_anything_is_asked(
    gossip: int, gateway: int, expected: str
) -> None:
    with pytest.raises(UsageError) as refused:
        Listening(gossip_port=gossip, gateway_port=gateway).check()
    assert str(refused.value).startswith(expected)


def test_any_two_free_ports_may_be_asked_for() -> None:
    Listening(gossip_port=0, gateway_port=0).check()


def test_a_gateway_behind_a_proxy_is_told_to_others_by_its_url() -> None:
    listening = Listening("0.0.0.0", "peer.example.org", advertise_gateway="https://blobs.example.org:443")
    listening.check()
    assert listening.place(7001, 7002).text == "wss://peer.example.org:7001 https://blobs.example.org:443"


@pytest.mark.parametrize("url", ["ftp://blobs.example.org:21", "https://blobs.example.org", "https://h:1/path"])
def test_a_gateway_that_is_no_bare_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--advertise-gateway"):
        Listening(advertise_gateway=url).check()
