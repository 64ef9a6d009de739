"""A server answers under its own names and no others."""

import pytest

from node.operating.host_names import is_loopback, is_named_well


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:80",
        "localhost:8788",
        "LOCALHOST",
        "[::1]:8788",
        "[::1]",
        "10.0.0.7:1",
        "own.example:9",
    ],
)
def test_addresses_localhost_and_names_given_are_answered_to(host: str) -> None:
    assert is_named_well(host, ["own.example"])


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8788",
        "127.0.0.1.evil.example",
        "localhost.evil.example:1",
        "::1",
        "127.0.0.1:99999",
        "127.0.0.1:8:8",
        "[localhost",
        "a@127.0.0.1",
        "127.1 ",
    ],
)
def test_any_other_name_is_not(host: str) -> None:
    assert not is_named_well(host, ["own.example"])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.7", False),
        ("a.example", False),
        ("127.example", False),
        ("LocalHost", True),
    ],
)
def test_this_machine_alone_is_told_from_others(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
