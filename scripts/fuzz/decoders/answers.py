"""Answers of a lying endpoint, taken by whoever asks it: the chain's client, a circle's reader, a follower, an audit.

An input is msgpack of which answer is the lie, and the answer's whole body. All others are honest.
"""

import asyncio
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from web3.types import RPCEndpoint

from ledger.audit.run import audit_from
from ledger.audit.source import Source
from ledger.chain.circle import Circle as CircleReader
from ledger.chain.reading import read_history
from ledger.chain.rpc import answers
from ledger.chain.rpc.client import Rpc, _Provider
from ledger.chain.tracker import Tracker
from ledger.errors import Foreseen
from scripts.fuzz.damage import mutate_bytes
from scripts.fuzz.decoders.decoder import Decoder
from scripts.fuzz.trees import mutate_json
from tests.support.circle_endpoint import FIRST_BLOCK, URL, Blobs, Endpoint, drawn_seed
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Circle
from tests.support.stand_ins import as_any

_TIMEOUT_S: Final = 0.3
_SLOWEST_S: Final = 10.0
_HASH: Final = "0x" + "ab" * 32
_ADDRESS: Final = "0x" + "1a" * 20
_ANSWERS: Final[dict[str, tuple[Any, Callable[[Rpc], object]]]] = {
    "number": ("0x1f", Rpc.fetch_head),
    "data": ("0x1234", lambda rpc: rpc.fetch_data("eth_getCode", _ADDRESS, "latest")),
    "block": (
        {"number": "0x7", "hash": _HASH, "timestamp": "0x6400"},
        lambda rpc: rpc.request("eth_getBlockByNumber", ["0x7", False], answers.or_null(answers.block_parser(7))),
    ),
    "receipt": (
        {
            **{"transactionHash": _HASH, "blockHash": _HASH, "blockNumber": "0x7", "gasUsed": "0x5208"},
            **{"status": "0x1", "effectiveGasPrice": "0x7", "contractAddress": _ADDRESS, "from": _ADDRESS},
        },
        lambda rpc: rpc.request("eth_getTransactionReceipt", [_HASH], answers.receipt_parser(_HASH)),
    ),
    "creation": (
        {"hash": _HASH, "input": "0x00", "from": _ADDRESS, "nonce": "0x0", "to": None},
        lambda rpc: rpc.request("eth_getTransactionByHash", [_HASH], answers.creation_parser(_HASH)),
    ),
    "fees": (
        {"oldestBlock": "0x7", "baseFeePerGas": ["0x7", "0x8"], "gasUsedRatio": [0.5]},
        lambda rpc: rpc.request("eth_feeHistory", ["0x1", "latest", []], answers.parse_next_base_fee),
    ),
}
_HTTP: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def make(_: Path) -> Iterator[Decoder]:
    """Those of this module."""
    for name, (told, ask) in _ANSWERS.items():
        body = _encode_answer(0, told)
        yield Decoder(f"answer {name}", (_pack(0, body),), _reader(_Told([body]), ask), (Foreseen,), _change, 0.5)
    circle = Circle(seats=3, rounds=2, degree=2, seed_of=drawn_seed, genesis=GENESIS_ROOT.hex())
    told, blobs = _Told(Endpoint(circle)), {GENESIS_ROOT: GENESIS_BLOB, **circle.blobs}
    ways: tuple[tuple[str, Callable[[Rpc], object], float], ...] = (
        ("answers circle", _read_circle, 0.1),
        ("answers history", _read_history, 0.1),
        ("answers follower", _follow, 0.1),
        ("answers audit", lambda rpc: _audit(rpc, blobs), 0.1),
    )
    for name, ask, share in ways:
        samples = tuple(_pack(at, body) for at, body in enumerate(told.record(ask)))
        yield Decoder(name, samples, _reader(told, ask), (Foreseen,), _change, share)
    whole = _encode_answer(0, "0x1f")
    pages = (
        _HTTP % (len(whole), whole),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(whole), whole),
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
        b'HTTP/1.1 500 Error\r\nContent-Length: 40\r\n\r\n{"error":{"code":-32000,"message":"busy"}}',
        b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + _HTTP % (len(whole), whole),
    )
    yield Decoder("answer http", pages, _LyingServer().ask, (Foreseen,), share=0.15)


def _pack(at: int, body: bytes) -> bytes:
    return msgspec.msgpack.encode([at, body])


def _encode_answer(number: int, told: Any) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "result": told})


def _change(rng: random.Random, sample: bytes, others: Sequence[bytes]) -> bytes:
    at, body = msgspec.msgpack.decode(sample)
    is_text = rng.random() < 0.15
    changed = mutate_bytes(rng, body, others) if is_text else mutate_json(rng, body, others)
    return _pack(at, changed)


class _Told(_Provider):
    """Tells what an endpoint in memory does, but for one answer."""

    def __init__(self, endpoint: Endpoint | list[bytes]) -> None:
        super().__init__(URL, 1.0)
        self._endpoint, self._given = endpoint, list[bytes]()
        self._lie_at, self._lie = -1, b""

    def begin(self, at: int = -1, lie: bytes = b"") -> Rpc:
        """A client that is told this lie in the place of an answer."""
        self._numbers = iter(range(1 << 20))  # type: ignore[assignment]  # they begin anew
        self._given, self._lie_at, self._lie = [], at, lie
        return Rpc(URL, provider=as_any(self))

    def record(self, ask: Callable[[Rpc], object]) -> list[bytes]:
        """The answers where nobody lies."""
        ask(self.begin())
        return self._given

    def _make_request(self, method: RPCEndpoint, request_data: bytes) -> bytes:  # noqa: ARG002  # it is in the data
        asked = msgspec.json.decode(request_data)
        number = asked["id"]
        if isinstance(self._endpoint, list):
            body = self._endpoint[0]
        else:
            try:
                told = self._endpoint.make_request(asked["method"], asked["params"])
            except (LookupError, ValueError, TypeError, AssertionError) as error:
                # It was asked for what is not there, as a lie said that it was.
                told = {"error": {"code": -32000, "message": repr(error)}}
            body = msgspec.json.encode({"jsonrpc": "2.0", "id": number, **told})
        if number == self._lie_at:
            body = self._lie
        self._given.append(body)
        return body


def _reader(told: _Told, ask: Callable[[Rpc], object]) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        try:
            at, lie = msgspec.msgpack.decode(data, type=tuple[int, bytes])
        except (msgspec.MsgspecError, ValueError):
            at, lie = 0, data
        return ask(told.begin(at, lie))

    return read


def _open(rpc: Rpc) -> CircleReader:
    return CircleReader(rpc, NETWORK.contract, NETWORK.chain_id)


def _read_circle(rpc: Rpc) -> object:
    circle = _open(rpc)
    head = circle.fetch_head()
    return circle.fetch_state(head), circle.fetch_reputation_words(head), circle.fetch_mark(head)


def _read_history(rpc: Rpc) -> object:
    return read_history(_open(rpc), FIRST_BLOCK).history.hash


def _follow(rpc: Rpc) -> object:
    tracker = Tracker(_open(rpc), FIRST_BLOCK)
    return [tracker.advance() for _ in range(3)], tracker.history.hash


def _audit(rpc: Rpc, blobs: dict[bytes, bytes | None]) -> object:
    source = Source(rpc, as_any(Blobs(blobs)), 1_800_000_000)
    return asyncio.run(audit_from(source, NETWORK.contract, first_block=FIRST_BLOCK, jobs=1)).clean


class _LyingServer:
    """A server of this process that answers each connection with the bytes in hand, and closes it."""

    def __init__(self) -> None:
        self._answer, self._listener = b"", socket.socket()
        self._is_open = False

    def ask(self, data: bytes) -> object:
        """Ask it a block's number. Raises AssertionError where that takes longer than it may."""
        if not self._is_open:
            self._is_open = True
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen()
            threading.Thread(target=self._serve, name="liar", daemon=True).start()
        self._answer, begun = data, time.monotonic()
        rpc = Rpc(f"http://127.0.0.1:{self._listener.getsockname()[1]}", timeout_s=_TIMEOUT_S)
        try:
            return rpc.fetch_head()
        finally:
            took = time.monotonic() - begun
            assert took < _SLOWEST_S, f"waited {took:.1f} s, and {_TIMEOUT_S} s were agreed"

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                try:
                    connection.recv(1 << 16)
                    connection.sendall(self._answer)
                except OSError:
                    continue
