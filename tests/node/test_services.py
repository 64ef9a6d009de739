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
