"""Several endpoints of one chain: what makes one unfit, who answers then, and that no call is made twice."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from ledger.chain.rpc import transport
from ledger.chain.rpc.answers import Receipt
from ledger.chain.rpc.client import ChainUnreachable, Rpc, RpcFault
from ledger.chain.rpc.failover import Endpoints, connect, order_endpoints, read_height
from ledger.chain.rpc.patience import EndpointPatience
from ledger.errors import SetupError
from tests.support.chains.fault_proxy import FaultProxy, fault_proxy
from tests.support.chains.kinds import ChainProcess
from tests.support.chains.senders import PAYEE, count, mine, paid, sender_on

HASTY = EndpointPatience(answer_s=2.0, probe_s=0.5, fault_s=0.3, busy_s=0.3, catch_up_s=0.3)
NEST = b"[" * 200_000


@pytest.fixture
def front(chain: ChainProcess) -> Iterator[tuple[FaultProxy, FaultProxy]]:
    """Two ways to one chain."""
    with fault_proxy(chain.url) as first, fault_proxy(chain.url) as second:
        yield first, second


def both(front: tuple[FaultProxy, FaultProxy], **patience: float) -> Endpoints:
    return Endpoints([proxy.url for proxy in front], patience=EndpointPatience(**{**vars(HASTY), **patience}))


def height(rpc: Rpc) -> int:
    return rpc.fetch_number("eth_blockNumber")


FAULTS: dict[str, dict[str, Any]] = {
    "ConnectionError": {"is_down": True},
    "HTTP status 503": {"status": 503},
    "HTTP status 429": {"status": 429},
    "not JSON": {"body": b"<html>busy</html>"},
    "answers nonsense": {"answers": {"eth_blockNumber": [1, 2]}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_second_answers_where_the_first_cannot(front: Any, fault: str) -> None:
    rpc = both(front)
    assert (height(rpc), rpc.url) == (0, front[0].url)
    for name, value in FAULTS[fault].items():
        setattr(front[0], name, value)
    assert (height(rpc), rpc.url) == (0, front[1].url)
    asked = front[0].seen.total()
    height(rpc)
    assert front[0].seen.total() == asked, "the endpoint in use is kept"


def test_an_endpoint_of_another_chain_is_not_used(front: Any) -> None:
    front[0].answers["eth_chainId"] = "0x1"
    rpc = Endpoints([proxy.url for proxy in front], 31337, patience=HASTY)
    assert (height(rpc), rpc.url) == (0, front[1].url)
    front[1].is_down = True
    with pytest.raises(ChainUnreachable, match="has chain id 1, not 31337"):
        height(rpc)


def test_the_chain_id_of_the_first_that_answers_holds_for_the_others(front: Any) -> None:
    rpc = both(front)
    height(rpc)
    front[0].is_down, front[1].answers["eth_chainId"] = True, "0x1"
    with pytest.raises(ChainUnreachable, match="has chain id 1, not 31337"):
        height(rpc)


def test_the_first_is_taken_up_again_after_a_while(front: Any) -> None:
    rpc = both(front, first_again_s=0.0)
    front[0].is_down = True
    assert (height(rpc), rpc.url) == (0, front[1].url)
    front[0].is_down = False
    assert (height(rpc), rpc.url) == (0, front[0].url)


def test_an_endpoint_that_hangs_is_left(chain: ChainProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        rpc = Endpoints([url, chain.url], patience=HASTY)
        assert (height(rpc), rpc.url) == (0, chain.url)


def test_an_endpoint_behind_is_not_believed(chain: ChainProcess, front: Any) -> None:
    rpc = both(front)
    mine(chain, 5)
    assert height(rpc) == 5
    front[0].is_down, front[1].answers["eth_blockNumber"] = True, "0x3"
    with pytest.raises(ChainUnreachable, match="is at block 3, block 5 was seen"):
        height(rpc)
    del front[1].answers["eth_blockNumber"]
    assert height(rpc) == 5


def test_the_endpoint_in_use_may_not_go_back_either(chain: ChainProcess, front: Any) -> None:
    rpc = both(front)
    mine(chain, 5)
    assert height(rpc) == 5
    front[0].answers["eth_blockNumber"] = "0x2"
    assert (height(rpc), rpc.url) == (5, front[1].url)


def test_a_chain_that_went_back_for_good_is_believed_after_a_while(chain: ChainProcess, front: Any) -> None:
    rpc = both(front, lag_s=0.0)
    mine(chain, 5)
    assert height(rpc) == 5
    for proxy in front:
        proxy.answers["eth_blockNumber"] = "0x2"
    with suppress(ChainUnreachable):
        height(rpc)
    assert height(rpc) == 2


def test_where_all_are_down_each_is_named(front: Any) -> None:
    rpc = both(front)
    front[0].is_down, front[1].status = True, 502
    with pytest.raises(ChainUnreachable) as caught:
        height(rpc)
    message = str(caught.value)
    assert f"{front[0].url}: ConnectionError" in message
    assert f"{front[1].url}: HTTP status 502" in message
    assert message.endswith("start one or correct --rpc")


@pytest.mark.parametrize("error", [(-32601, "no such method"), (-32000, "missing trie node 1a2b")])
def test_what_one_endpoint_does_not_offer_another_may(front: Any, error: tuple[int, str]) -> None:
    front[0].errors["eth_getCode"] = {"code": error[0], "message": error[1]}
    rpc = both(front)
    assert (rpc.fetch_data("eth_getCode", PAYEE, "latest"), rpc.url) == (b"", front[0].url)
    front[1].is_down = True
    with pytest.raises(RpcFault, match=error[1]):
        rpc.fetch_data("eth_getCode", PAYEE, "latest")


def test_a_refused_request_is_refused_whoever_would_answer(front: Any) -> None:
    front[0].errors["eth_call"] = {"code": 3, "message": "execution reverted: commit: phase is closed"}
    rpc = both(front)
    with pytest.raises(RpcFault, match="phase is closed"):
        rpc.fetch_data("eth_call", {"to": PAYEE}, "latest")
    assert front[1].seen.total() == 0


def test_a_call_whose_answer_and_endpoint_are_lost_is_made_once(chain: ChainProcess, front: Any) -> None:
    sender = sender_on(chain, both(front))
    sender.transfer(PAYEE, 1)
    front[0].lose_answers["eth_sendRawTransaction"] = 1
    front[0].lose_requests["eth_getTransactionReceipt"] = 10**6
    sender.transfer(PAYEE, 7)
    assert sender.rpc.url == front[1].url
    assert len({*front[0].sent, *front[1].sent}) == 2
    assert (paid(chain), count(chain, sender)) == (8, 2)


def test_a_call_that_never_left_goes_through_the_other_endpoint(chain: ChainProcess, front: Any) -> None:
    sender = sender_on(chain, both(front))
    sender.transfer(PAYEE, 1)
    front[0].is_down = True
    sender.transfer(PAYEE, 7)
    assert (len(front[0].sent), len(front[1].sent)) == (1, 1)
    assert (paid(chain), count(chain, sender)) == (8, 2)


def test_transactions_follow_each_other_whoever_answers(chain: ChainProcess, front: Any) -> None:
    sender = sender_on(chain, both(front, first_again_s=0.0))
    for value in range(1, 9):
        front[value % 2].is_down, front[1 - value % 2].is_down = True, False
        sender.transfer(PAYEE, value)
    assert (paid(chain), count(chain, sender)) == (36, 8)


def test_one_address_needs_no_more_than_one_endpoint(chain: ChainProcess) -> None:
    assert connect([chain.url]).urls == (chain.url,)
    for addresses in ([], ["ftp://127.0.0.1"], [chain.url, "127.0.0.1:8545"]):
        with pytest.raises(SetupError, match="give one such as"):
            Endpoints(addresses)


def test_a_refusal_inside_an_http_error_is_a_refusal() -> None:
    body = b'{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"odd parameters"}}'
    with RawServer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as url:
        with pytest.raises(RpcFault, match="odd parameters") as caught:
            Rpc(url).fetch_number("eth_blockNumber")
        assert caught.value.code == -32602


@pytest.mark.parametrize("body", [NEST, b'["]",' * 40_000, b'"' + b"x" * 100_000 + b'"', b"", b"\xff"])
def test_no_answer_is_too_odd_to_be_refused(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_MAX_BYTES", 250_000)
    told = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with RawServer(told) as url, pytest.raises((ChainUnreachable, RpcFault)):
        Rpc(url).fetch_number("eth_blockNumber")


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_MAX_BYTES", 100_000)
    told = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 4_000_000
    with RawServer(told) as url, pytest.raises(ChainUnreachable, match="does not answer"):
        Rpc(url).fetch_number("eth_blockNumber")


def test_an_answer_that_drips_is_not_waited_for() -> None:
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000
    with RawServer(told, drip_s=0.05) as url, pytest.raises(ChainUnreachable, match=r"no answer in 0.3 s"):
        Rpc(url, timeout_s=0.3).fetch_number("eth_blockNumber")


def test_whom_to_ask_first() -> None:
    assert order_endpoints(0, [None, None, None], 0.0, 60.0) == [0, 1, 2]
    assert order_endpoints(1, [0.0, None, None], 30.0, 60.0) == [1, 2, 0]
    assert order_endpoints(1, [0.0, None, None], 60.0, 60.0) == [0, 1, 2]
    assert order_endpoints(0, [5.0, 3.0, 2.0], 5.0, 60.0) == [0, 2, 1]


def test_which_answers_tell_a_height() -> None:
    assert read_height("eth_blockNumber", [], 16) == (16, True)
    assert read_height("eth_feeHistory", ["0x2", "latest", []], (7, 16)) == (16, True)
    assert read_height("eth_getTransactionReceipt", ["0x"], None) == (None, False)
    assert read_height("eth_getTransactionReceipt", ["0x"], Receipt("0x", 16, 1, 1, None)) == (16, False)
    assert read_height("eth_getLogs", [{}], []) == (None, False)
    assert read_height("eth_getBalance", [], 16) == (None, False)


class RawServer:
    """Says the same bytes to whoever connects, a byte at a time if drip_s is given."""

    def __init__(self, answer: bytes, drip_s: float = 0.0) -> None:
        self._answer, self._drip_s, self._stopped = answer, drip_s, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)

    def _serve(self) -> None:
        while not self._stopped.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.recv(1 << 16)
                    self._say(peer)
                except OSError:
                    pass

    def _say(self, peer: socket.socket) -> None:
        if not self._drip_s:
            peer.sendall(self._answer)
            return
        for byte in self._answer:
            if self._stopped.wait(self._drip_s):
                return
            peer.sendall(bytes([byte]))
