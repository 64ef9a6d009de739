"""What endpoints do wrong is borne for a while: which request is asked again, when, of whom, and when that ends."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode

from ledger.chain.rpc import answers
from ledger.chain.rpc.client import AnswerLost, BadAnswer, ChainUnreachable, Rpc, RpcFault, Throttled, pause_in
from ledger.chain.rpc.failover import Endpoints
from ledger.chain.rpc.patience import Backoff, EndpointPatience, insist
from ledger.chain.rpc.throttling import is_throttling
from ledger.chain.transactions.receipts import read_revert_reason
from tests.support.chains.fault_proxy import FaultProxy, fault_proxy

SHORT_S = 0.4
CODE = {"eth_chainId": "0x539", "eth_blockNumber": "0x7", "eth_getCode": "0x60"}


# ------------------------------------------------------------------------------- a deadline over the whole answer


def continues(peer: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def dripping(start: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def drip(peer: socket.socket, stop: threading.Event) -> None:
        peer.sendall(start)
        while not stop.wait(0.02):
            peer.sendall(b"1")

    return drip


def silent(_: socket.socket, stop: threading.Event) -> None:
    stop.wait(30)


def telling(answer: bytes) -> Callable[[socket.socket, threading.Event], None]:
    return lambda peer, stop: peer.sendall(answer)


@contextmanager
def server(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    stop, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer:
            try:
                peer.recv(1 << 16)
                answer(peer, stop)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)


ENDLESS = {
    "100 Continue": continues,
    "status line": dripping(b"HTTP/1."),
    "header": dripping(b"HTTP/1.1 200 OK\r\nX: "),
    "many headers": dripping(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50),
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
    "chunk": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "chunk's length": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;"),
    "body without end": dripping(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
    "nothing": silent,
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS)
def test_the_timeout_holds_for_a_whole_answer_wherever_it_never_ends(answer: Any) -> None:
    with server(answer) as url, pytest.raises(AnswerLost, match=rf"no answer in {SHORT_S:g} s") as caught:
        Rpc(url, timeout_s=SHORT_S).fetch_number("eth_blockNumber")
    assert caught.value.is_heavy


def test_the_next_endpoint_is_asked_where_the_first_never_ends() -> None:
    with server(continues) as bad, fault_proxy("http://127.0.0.1:1") as good:
        good.answers |= CODE
        rpc = Endpoints([bad, good.url], patience=EndpointPatience(answer_s=SHORT_S, probe_s=SHORT_S))
        assert (rpc.fetch_head(), rpc.url) == (7, good.url)


def test_a_connection_that_is_used_again_has_all_the_time_again() -> None:
    with fault_proxy("http://127.0.0.1:1") as proxy:
        proxy.answers |= CODE
        rpc = Rpc(proxy.url, timeout_s=1.0)
        for _ in range(3):
            assert rpc.fetch_head() == 7
            time.sleep(0.5)


def test_an_answer_to_another_request_is_none() -> None:
    for number in (b"7", b"true", b"null", b'"0"', b"0.0", b"[0]"):
        body = b'{"jsonrpc":"2.0","id":%s,"result":"0x1"}' % number
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        with (
            server(telling(head + body)) as url,
            pytest.raises(BadAnswer, match="the answer to request"),
        ):
            Rpc(url).fetch_number("eth_blockNumber")


# ------------------------------------------------------------------------------------------ being told to slow down


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("86400", 60.0),
        ("9" * 39, 60.0),
        (formatdate(1_000_012, usegmt=True), 12.0),
        (formatdate(1_900_000, usegmt=True), 60.0),
        (formatdate(900_000, usegmt=True), 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("٣", 0.0),
        ("soon", 0.0),
        ("Fri, 99 Foo 2026 99:99:99 GMT", 0.0),
        ("x" * 10_000, 0.0),
        (None, 0.0),
    ],
)
def test_retry_after_in_both_forms_and_never_longer_than_a_minute(header: str | None, seconds: float) -> None:
    assert pause_in(header, 1_000_000) == seconds


@pytest.mark.parametrize(
    ("method", "code", "message", "slow"),
    [
        ("eth_call", -32005, "project ID request rate exceeded", True),
        ("eth_call", -32005, "limit exceeded", True),
        ("eth_getLogs", -32005, "daily request count exceeded, request rate limited", True),
        ("eth_getLogs", -32005, "query returned more than 10000 results", False),
        ("eth_call", 429, "Your app has exceeded its compute units per second capacity", True),
        ("eth_call", -32000, "Too Many Requests", True),
        ("eth_call", -32007, "50/second request limit reached", True),
        ("eth_call", 3, "execution reverted: too many requests", False),
        ("eth_call", -32000, "header not found", False),
        ("eth_sendRawTransaction", -32000, "nonce too low", False),
    ],
)
def test_what_asks_for_patience(method: str, code: int, message: str, slow: bool) -> None:
    assert is_throttling(method, code, message) is slow


def test_pauses_grow_differ_and_keep_to_what_is_asked_for() -> None:
    quick, slow = Backoff(dice=lambda: 0.0), Backoff(dice=lambda: 1.0)
    assert [quick.pause_s() for _ in range(7)] == [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 4.0]
    assert [slow.pause_s() for _ in range(7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert Backoff(dice=lambda: 0.0).pause_s(30.0) == 30.0


class Time:
    """A clock that only sleeping moves. slept: every pause."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def front() -> Iterator[tuple[FaultProxy, FaultProxy]]:
    """Two endpoints that know a few answers."""
    with fault_proxy("http://127.0.0.1:1") as first, fault_proxy("http://127.0.0.1:1") as second:
        first.answers |= CODE
        second.answers |= CODE
        yield first, second


def asked_of(*proxies: FaultProxy, patience: EndpointPatience | None = None) -> tuple[Endpoints, Time]:
    clock = Time()
    made = Endpoints(
        [p.url for p in proxies], patience=patience or EndpointPatience(), clock=clock, sleep=clock.sleep
    )
    return made, clock


NONSENSE: dict[str, dict[str, Any]] = {
    "no hex": {"answers": {"eth_getCode": "0xnonsense"}},
    "a number": {"answers": {"eth_getCode": 7}},
    "nothing": {"answers": {"eth_getCode": None}},
    "no JSON": {"body": b"<html>"},
    "no object": {"body": b"[]"},
    "neither": {"body": b'{"jsonrpc":"2.0","id":0}'},
    "an inner error": {"errors": {"eth_getCode": {"code": -32603, "message": "inner error"}}},
    "no block yet": {"errors": {"eth_getCode": {"code": -32000, "message": "header not found"}}},
}
BUSY: dict[str, dict[str, Any]] = {
    "HTTP 429": {"status": 429},
    "HTTP 502": {"status": 502},
    "HTTP 503": {"status": 503},
    "HTTP 504": {"status": 504},
    "JSON": {"errors": {"eth_getCode": {"code": -32005, "message": "rate exceeded"}}},
}
FATAL = {"HTTP 404": {"status": 404}, "another's": {"errors": {"eth_getCode": {"code": 3, "message": "reverted"}}}}


def spoil(proxy: FaultProxy, fault: dict[str, Any]) -> None:
    for name, value in fault.items():
        setattr(proxy, name, getattr(proxy, name) | value if isinstance(value, dict) else value)


def code(rpc: Rpc) -> bytes:
    return rpc.fetch_data("eth_getCode", "0x" + "11" * 20, "0x7")


@pytest.mark.parametrize("fault", [*NONSENSE.values(), *BUSY.values()], ids=[*NONSENSE, *BUSY])
def test_the_second_answers_at_once_what_the_first_does_not(front: Any, fault: dict[str, Any]) -> None:
    rpc, clock = asked_of(*front)
    spoil(front[0], fault)
    assert (code(rpc), rpc.url) == (b"\x60", front[1].url) or rpc.url == front[0].url
    assert clock.slept == []


@pytest.mark.parametrize("fault", [*NONSENSE.values(), *BUSY.values()], ids=[*NONSENSE, *BUSY])
def test_a_single_endpoint_is_asked_again_after_a_pause(front: Any, fault: dict[str, Any]) -> None:
    rpc, clock = asked_of(front[0])
    spoil(front[0], fault)

    def mended(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 3:
            front[0].status = front[0].body = None
            front[0].errors, front[0].answers = {}, dict(CODE)

    rpc._sleep = mended
    assert code(rpc) == b"\x60"
    assert len(clock.slept) == 3


@pytest.mark.parametrize("proxies", [1, 2])
@pytest.mark.parametrize(
    ("fault", "seconds"),
    [*((fault, 20.0) for fault in NONSENSE.values()), *((fault, 120.0) for fault in BUSY.values())],
    ids=[*NONSENSE, *BUSY],
)
def test_patience_ends(front: Any, fault: dict[str, Any], seconds: float, proxies: int) -> None:
    rpc, clock = asked_of(*front[:proxies])
    for proxy in front[:proxies]:
        spoil(proxy, fault)
    with pytest.raises((ChainUnreachable, RpcFault)):
        code(rpc)
    assert seconds - 9 <= sum(clock.slept) <= seconds


@pytest.mark.parametrize("fault", FATAL.values(), ids=FATAL)
def test_what_waiting_does_not_mend_is_not_waited_for(front: Any, fault: dict[str, Any]) -> None:
    rpc, clock = asked_of(front[0])
    spoil(front[0], fault)
    with pytest.raises((ChainUnreachable, RpcFault)):
        code(rpc)
    assert clock.slept == []


def test_an_endpoint_that_is_gone_is_waited_for_only_if_it_was_there(front: Any) -> None:
    rpc, clock = asked_of(front[0])
    spoil(front[0], {"status": 404})
    with pytest.raises(ChainUnreachable):
        code(rpc)
    assert clock.slept == []
    front[0].status = None
    code(rpc)
    front[0].status = 404
    with pytest.raises(ChainUnreachable):
        code(rpc)
    assert sum(clock.slept) > 10


def test_a_transaction_is_not_sent_again_by_the_endpoints_themselves(front: Any) -> None:
    for fault in ({"status": 503}, {"is_down": True}, {"body": b"<html>"}):
        rpc, clock = asked_of(*front)
        spoil(front[0], fault)
        rpc.fetch_head()
        rpc._current = 0
        before = [proxy.seen["eth_sendRawTransaction"] for proxy in front]
        rpc._members[0].is_checked = True
        with pytest.raises((ChainUnreachable, RpcFault)):
            rpc.request("eth_sendRawTransaction", ["0x00"], answers.accept_anything)
        sent = [proxy.seen["eth_sendRawTransaction"] for proxy in front]
        assert sum(sent) - sum(before) == 1
        assert clock.slept == []
        front[0].status = front[0].body = None
        front[0].is_down = False


def test_a_head_that_goes_back_is_waited_for_also_of_a_single_endpoint(front: Any) -> None:
    rpc, clock = asked_of(front[0])
    assert rpc.fetch_head() == 7
    front[0].answers["eth_blockNumber"] = "0x5"

    def catch_up(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 2:
            front[0].answers["eth_blockNumber"] = "0x8"

    rpc._sleep = catch_up
    assert rpc.fetch_head() == 8
    assert len(clock.slept) == 2


def test_whoever_is_doubted_is_asked_last(front: Any) -> None:
    rpc, _ = asked_of(*front)
    assert (rpc.fetch_head(), rpc.url) == (7, front[0].url)
    rpc.doubt("its events do not fold")
    assert rpc.url == front[1].url
    asked = front[0].seen.total()
    assert rpc.fetch_head() == 7
    assert front[0].seen.total() == asked
    alone, _ = asked_of(front[0])
    alone.doubt("nobody else is there")
    assert alone.fetch_head() == 7


def test_a_height_that_only_the_doubted_told_of_is_forgotten(front: Any) -> None:
    rpc, clock = asked_of(*front)
    front[0].answers["eth_blockNumber"] = hex(1 << 39)
    assert rpc.fetch_head() == 1 << 39
    rpc.doubt("it has no such block")
    assert (rpc.fetch_head(), rpc.url, clock.slept) == (7, front[1].url, [])
    clock.now += 100.0
    assert (rpc.fetch_head(), rpc.url) == (1 << 39, front[0].url), "the first is tried again"
    rpc.doubt("it has no such block")
    assert (rpc.fetch_head(), rpc.url, clock.slept) == (7, front[1].url, [])


def test_a_height_that_another_told_of_is_kept_whoever_is_doubted(front: Any) -> None:
    rpc, clock = asked_of(*front)
    assert rpc.fetch_head() == 7
    front[0].status = 503
    front[1].answers["eth_blockNumber"] = "0x8"
    assert (rpc.fetch_head(), rpc.url) == (8, front[1].url)
    front[0].status, clock.now = None, 100.0
    rpc._current = 0
    rpc.doubt("it is behind")
    assert rpc.fetch_head() == 8
    front[1].answers["eth_blockNumber"] = "0x7"
    rpc.doubt("it went back")
    assert rpc.fetch_head() == 7


REFUSED = [-32000, -32602, -32700, 0, 3]


@pytest.mark.parametrize("number", REFUSED)
@pytest.mark.parametrize("ask", [code, Rpc.fetch_head], ids=["eth_getCode", "eth_blockNumber"])
def test_an_error_of_one_endpoint_ends_no_question_that_another_answers(
    front: Any, ask: Callable[[Rpc], Any], number: int
) -> None:
    rpc, clock = asked_of(*front)
    honest = ask(rpc)
    fault = {"code": number, "message": "something is wrong here"}
    spoil(front[0], {"errors": {"eth_getCode": fault, "eth_blockNumber": fault}})
    assert ask(rpc) == honest
    assert clock.slept == []
    spoil(front[1], {"errors": {"eth_getCode": fault, "eth_blockNumber": fault}})
    with pytest.raises((ChainUnreachable, RpcFault), match="something is wrong here"):
        ask(rpc)


CLOSED = "0x08c379a0" + abi_encode(["string"], ["commit: phase is closed"]).hex()
HARDHATS = "Error: VM Exception while processing transaction: reverted with reason string 'commit: phase is closed'"
REVERTS: dict[str, dict[str, Any]] = {
    "go-ethereum": {"code": 3, "message": "execution reverted: commit: phase is closed", "data": CLOSED},
    "Hardhat 2": {"code": -32603, "message": HARDHATS, "data": {"message": HARDHATS, "data": CLOSED}},
}


@pytest.mark.parametrize("said", REVERTS.values(), ids=REVERTS)
@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
def test_what_the_contract_refuses_is_asked_of_nobody_else_and_not_again(
    front: Any, method: str, said: dict[str, Any]
) -> None:
    rpc, clock = asked_of(*front)
    rpc.fetch_head()
    spoil(front[0], {"errors": {method: said}})
    with pytest.raises(RpcFault) as caught:
        rpc.request(method, [{}], answers.accept_anything)
    assert read_revert_reason(caught.value) == "commit: phase is closed"
    assert front[1].seen.total() == 0
    assert clock.slept == []


def test_what_takes_several_answers_is_read_again_and_elsewhere(front: Any) -> None:
    rpc, clock = asked_of(*front)
    urls = []

    def read() -> str:
        urls.append(rpc.url)
        if len(urls) < 4:
            raise Throttled("not yet")
        return "read"

    assert insist(rpc, read, Throttled, 20.0, clock=clock, sleep=clock.sleep) == "read"
    assert urls[:2] == [front[0].url, front[1].url]
    assert len(clock.slept) == 3
    with pytest.raises(Throttled):
        insist(
            rpc, lambda: (_ for _ in ()).throw(Throttled("never")), Throttled, 20.0, clock=clock, sleep=clock.sleep
        )
    assert clock.now <= 40.0
    with pytest.raises(KeyError):
        insist(rpc, lambda: dict[str, str]()["nothing"], Throttled, 20.0, clock=clock, sleep=clock.sleep)
