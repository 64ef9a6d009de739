"""Sockets on which inputs are sent as they are: whole, torn, slowly, or without end."""

import random
import socket
import struct
from collections.abc import Sequence
from typing import Final

import msgspec

WHOLE, TORN, SLOW, ENDLESS = "whole", "torn", "slow", "endless"
_MANNERS: Final = (*(WHOLE,) * 90, *(TORN,) * 5, *(SLOW,) * 4, ENDLESS)
_SLOW_MAX: Final = 6
_ENDLESS_BYTES: Final = 2 << 20
_ANSWER_MAX: Final = 1 << 16
_SEND_S: Final = 5.0
WAIT_S: Final = 10.0
"""For a connection, and for what comes on it."""
_RESET: Final = struct.pack("ii", 1, 0)


def pack_input(manner: str, pieces: Sequence[bytes]) -> bytes:
    """An input as it is kept."""
    return msgspec.msgpack.encode([manner, list(pieces)])


def unpack_input(data: bytes) -> tuple[str, list[bytes]]:
    """The inverse. Raises ValueError."""
    return msgspec.msgpack.decode(data, type=tuple[str, list[bytes]])


def connect(address: tuple[str, int]) -> socket.socket:
    """A connection on which little pieces go at once."""
    connection = socket.create_connection(address, WAIT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def choose_manner(rng: random.Random) -> str:
    """How an input is sent."""
    return rng.choice(_MANNERS)


class Wire:
    """Connections under way: those of one batch, and a few slow ones that stay for several."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []
        self._slow: list[tuple[socket.socket, list[bytes]]] = []

    def send(self, connection: socket.socket, manner: str, pieces: Sequence[bytes]) -> None:
        """Say it on a connection, which belongs to the wire from now on. What the other end does is its affair."""
        connection.settimeout(_SEND_S)
        try:
            self._send(connection, manner, pieces)
        except OSError:
            self._open.append(connection)

    def _send(self, connection: socket.socket, manner: str, pieces: Sequence[bytes]) -> None:
        if manner == TORN:
            whole = b"".join(pieces)
            connection.sendall(whole[: len(whole) // 2])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.close()
            return
        if manner == SLOW and len(self._slow) < _SLOW_MAX:
            whole = b"".join(pieces)
            step = max(1, len(whole) // 8)
            rest = [whole[at : at + step] for at in range(0, len(whole), step)]
            self._slow.append((connection, rest))
            return
        for piece in pieces:
            connection.sendall(piece)
        if manner == ENDLESS and pieces:
            connection.setblocking(False)
            last = (pieces[-1] or b"x") * (1 + (1 << 14) // max(len(pieces[-1]), 1))
            sent = 0
            while sent < _ENDLESS_BYTES:
                sent += connection.send(last)
        self._open.append(connection)

    def go_on(self) -> None:
        """The slow ones say their next bit."""
        for entry in list(self._slow):
            connection, rest = entry
            try:
                connection.sendall(rest.pop(0) if rest else b"")
            except OSError:
                rest.clear()
            if not rest:
                self._slow.remove(entry)
                self._open.append(connection)

    def collect(self) -> list[bytes]:
        """What has been answered until now; ends all connections but the slow ones."""
        found = []
        for connection in self._open:
            connection.setblocking(False)
            heard = b""
            try:
                while len(heard) < _ANSWER_MAX and (piece := connection.recv(_ANSWER_MAX)):
                    heard += piece
            except OSError:
                pass  # no more for now, or it was cut
            found.append(heard)
            connection.close()
        self._open.clear()
        return found

    def close(self) -> None:
        """End all of them."""
        self._open += [connection for connection, _ in self._slow]
        self._slow.clear()
        self.collect()
