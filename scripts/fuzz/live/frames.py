"""WebSocket by hand, so that everything about it can be wrong: the request for it, and frames."""

import os
import random
import re
import socket
from collections.abc import Sequence
from typing import Final

_HEAD_MAX: Final = 1 << 14
_FRAME_MAX: Final = 1 << 20
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def request_upgrade(path: str) -> bytes:
    """The request that makes a connection a WebSocket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def encode_frame(
    payload: bytes, kind: int = BINARY, *, first: int | None = None, length: int | None = None
) -> bytes:
    """A masked frame. first: its first byte, where that is not to be the right one; length: what it says it has."""
    said, head = len(payload) if length is None else length, bytes([0x80 | kind if first is None else first])
    if said < 126:
        head += bytes([0x80 | said])
    elif said < 1 << 16:
        head += b"\xfe" + said.to_bytes(2, "big")
    else:
        head += b"\xff" + (said & (1 << 64) - 1).to_bytes(8, "big")
    mask = os.urandom(4)
    # Four bytes at a time, as one number.
    padded = payload + bytes(-len(payload) % 4)
    key = int.from_bytes(mask * (len(padded) // 4), "big")
    masked = (int.from_bytes(padded, "big") ^ key).to_bytes(len(padded), "big")
    return head + mask + masked[: len(payload)]


def make_broken_frame(rng: random.Random, payload: bytes) -> bytes:
    """A frame that WebSocket does not allow, or one that goes on and on."""
    ways: Sequence[bytes] = (
        encode_frame(payload, first=rng.randrange(256)),
        encode_frame(payload, length=rng.choice(((1 << 63) - 1, (1 << 64) - 1, 1 << 32, 65536, len(payload) + 1))),
        bytes([0x82, min(len(payload), 125)]) + payload[:125],  # not masked
        encode_frame(payload, first=0x02) + encode_frame(payload, first=0x00) * 40,  # in pieces, and no end
        encode_frame(payload, first=0x00),
        encode_frame(payload[:100], PING) * 60,
        encode_frame(payload * 2, PING),
        encode_frame(payload[:100], PONG) * 60,
        encode_frame(b"\x03\xe8" + payload[:100], CLOSE),
        encode_frame(b"\x00", CLOSE),
        encode_frame(payload, TEXT),
        rng.randbytes(200),
    )
    return rng.choice(ways)


class Reader:
    """Reads a WebSocket's frames from a socket, which has a timeout."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._held = connection, b""

    def read_upgraded(self) -> None:
        """The answer to `request_upgrade`. Raises OSError where it is no."""
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > _HEAD_MAX:
                raise ConnectionError("no end of headers")
            self._held += self._take()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        if not re.match(rb"HTTP/1\.1 101 ", head):
            raise ConnectionError(f"no WebSocket: {head[:60]!r}")

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame's kind and payload. Raises OSError where there is none."""
        first, second = self._read(2)
        length = second & 0x7F
        if length >= 126:
            length = int.from_bytes(self._read(2 if length == 126 else 8), "big")
        if length > _FRAME_MAX:
            raise ConnectionError("a frame beyond reason")
        return first & 15, self._read(length)

    def _read(self, count: int) -> bytes:
        while len(self._held) < count:
            self._held += self._take()
        found, self._held = self._held[:count], self._held[count:]
        return found

    def _take(self) -> bytes:
        piece = self._connection.recv(1 << 16)
        if not piece:
            raise ConnectionError("the other end has hung up")
        return piece
