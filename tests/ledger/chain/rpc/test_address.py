"""An endpoint's address: what of it may be seen, by whom, and where it must never turn up."""

import base64
import json
import logging
from typing import Any

import pytest

from ledger.chain.rpc.address import EndpointAddress
from ledger.chain.rpc.client import ChainUnreachable, Rpc, RpcFault
from ledger.chain.rpc.failover import Endpoints
from ledger.chain.rpc.patience import EndpointPatience
from ledger.errors import SetupError
from tests.support.chains.fault_proxy import FaultProxy, fault_proxy

SECRETS = ("S3cretKey", "API-KEY-123", "QUERYKEY", "us%21r")
URL = "https://us%21r:S3cretKey@node.example:8443/v2/API-KEY-123?apikey=QUERYKEY#frag"


def leaks(text: str) -> list[Any]:
    return [secret for secret in (*SECRETS, "us!r", base64.b64encode(b"us!r:S3cretKey").decode()) if secret in text]


@pytest.mark.parametrize(
    ("url", "shown", "public"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545", True),
        ("https://node.example/", "https://node.example/", True),
        ("http://[::1]:8545", "http://[::1]:8545", True),
        (URL, "https://node.example:8443/…", False),
        ("https://node.example/v2/key", "https://node.example/…", False),
        ("https://node.example?key", "https://node.example/…", False),
        ("https://token@[2001:db8::1]:1", "https://[2001:db8::1]:1/…", False),
    ],
)
def test_scheme_host_and_port_are_shown_and_nothing_else(url: str, shown: str, public: bool) -> None:
    address = EndpointAddress.of(url)
    assert (address.shown, address.full) == (shown, url)
    assert address.public == (url if public else None)
    assert leaks(repr(address)) == []
    rpc = Rpc(url)
    assert (rpc.url, rpc.public_url) == (shown, address.public)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8545",
        "us%21r:S3cretKey@node.example/API-KEY-123?QUERYKEY",
        "ftp://us%21r:S3cretKey@node.example/API-KEY-123?QUERYKEY",
        "https://us%21r:S3cretKey@node.example:port/API-KEY-123",
        "https:///API-KEY-123",
        "https://node.example/\x1b[2JAPI-KEY-123",
        "https://[::1/API-KEY-123",
        "",
    ],
)
def test_what_is_no_address_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(SetupError, match="is no JSON-RPC address: give one such as") as caught:
        EndpointAddress.of(url)
    assert leaks(str(caught.value)) == []
    assert str(caught.value).isprintable()


def test_an_endpoints_own_words_are_scrubbed() -> None:
    said = "no such key API-KEY-123 or QUERYKEY, Basic " + base64.b64encode(b"us!r:S3cretKey").decode()
    assert EndpointAddress.of(URL).scrub(said) == "no such key … or …, Basic …"
    assert EndpointAddress.of("http://127.0.0.1:8545").scrub(said) == said


def secret_url(proxy: FaultProxy) -> str:
    return proxy.url.replace("http://", "http://us%21r:S3cretKey@") + "/v2/API-KEY-123?apikey=QUERYKEY"


FAULTS = {
    "refused": {"status": 401},
    "busy": {"status": 429},
    "down": {"is_down": True},
    "no JSON": {"body": b"API-KEY-123"},
    "an error that repeats the address": {"errors": {"eth_chainId": {"code": -1, "message": " ".join(SECRETS)}}},
    "nonsense that repeats the address": {"answers": {"eth_chainId": "0xAPI-KEY-123"}},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_error_and_no_log_of_any_level_holds_a_secret(
    fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ledger")
    with fault_proxy("http://127.0.0.1:1") as proxy:
        for name, value in fault.items():
            setattr(proxy, name, value)
        url, hasty = secret_url(proxy), EndpointPatience(fault_s=0.3, busy_s=0.3)
        for rpc in (Rpc(url), Endpoints([url], patience=hasty), Endpoints([url, f"{url}&n=1"], patience=hasty)):
            with pytest.raises((ChainUnreachable, RpcFault)) as caught:
                rpc.fetch_number("eth_chainId")
            error: BaseException | None = caught.value
            while error is not None:
                assert leaks(f"{error} {error!r} {json.dumps(vars(error), default=str)}") == []
                # What a traceback would print.
                error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        assert proxy.seen["eth_chainId"] >= 3, "the whole address was asked all the same"
    assert leaks(caplog.text) == []
