"""The test chain's WebSocket: calls, subscriptions, and frames that are none."""

import random
import socket

from scripts.fuzz.damage import mutate_bytes
from scripts.fuzz.live.clients import CHAIN_FAULT, CHAIN_GOOD, list_calls
from scripts.fuzz.live.frames import TEXT, Reader, encode_frame, make_broken_frame, request_upgrade
from scripts.fuzz.live.server import Server
from scripts.fuzz.live.wire import Wire, choose_manner, connect, pack_input, unpack_input
from scripts.fuzz.trees import mutate_json


class WebSocketClient:
    """Says calls to the chain; the frames of a connection are an input, each of them counts for one."""

    def __init__(self, server: Server) -> None:
        self._server, self._wire, self._calls = server, Wire(), list_calls()

    def make(self, rng: random.Random) -> bytes:
        """An input: frames, whole in all but the last."""
        frames = [encode_frame(self._make_call(rng), TEXT) for _ in range(rng.randrange(1, 8))]
        if rng.random() < 0.3:
            frames.append(make_broken_frame(rng, self._make_call(rng)))
        return pack_input(choose_manner(rng), frames)

    def _make_call(self, rng: random.Random) -> bytes:
        call = rng.choice(self._calls)
        if rng.random() < 0.1:
            return call
        return mutate_json(rng, call, ()) if rng.random() < 0.85 else mutate_bytes(rng, call, self._calls)

    def say(self, data: bytes) -> int:
        """Open a WebSocket and send an input."""
        manner, frames = unpack_input(data)
        connection, _ = self._open()
        self._wire.send(connection, manner, frames)
        return len(frames)

    def hear(self) -> tuple[int, list[str]]:
        """How many results came, and what is a fault in the answers."""
        taken, faults = 0, list[str]()
        for answer in self._wire.collect():
            taken += answer.count(b'"result"')
            if (at := answer.find(CHAIN_FAULT)) >= 0:
                faults.append(f"answered {answer[max(0, at - 60) : at + 100]!r}")
        self._wire.go_on()
        return taken, faults

    def probe(self) -> None:
        """A call and its answer. Raises OSError, AssertionError."""
        connection, reader = self._open()
        try:
            connection.sendall(encode_frame(CHAIN_GOOD, TEXT))
            kind, payload = reader.read_frame()
            assert kind == TEXT, f"a valid call is answered with {payload[:60]!r}"
            assert b'"result"' in payload, f"a valid call is answered with {payload[:60]!r}"
        finally:
            connection.close()

    def close(self) -> None:
        """End all connections."""
        self._wire.close()

    def _open(self) -> tuple[socket.socket, Reader]:
        connection = connect(self._server.address)
        try:
            connection.sendall(request_upgrade("/"))
            reader = Reader(connection)
            reader.read_upgraded()
        except OSError:
            connection.close()
            raise
        return connection, reader
