"""One frame in, one hang-up out, the same for both ends of a WebSocket."""

import asyncio
import contextlib
from typing import Any

from aiohttp import ClientError, ClientWebSocketResponse, WebSocketError, WSMessage, WSMsgType, web

from node.gossip.messages import BadMessage

Socket = ClientWebSocketResponse | web.WebSocketResponse

CODE_FAULT = 1008
CODE_UNWANTED = 4000

_MAX_REASON_BYTES = 120  # a WebSocket close frame holds 123
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


class Transports:
    """Those of one end that are not yet closed to the last byte. Their protocols tell when one is made and lost."""

    def __init__(self) -> None:
        self._open: dict[asyncio.BaseProtocol, asyncio.Transport] = {}
        self._all_ended = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def note_made(self, protocol: asyncio.BaseProtocol, transport: asyncio.Transport) -> None:
        self._open[protocol] = transport
        self._all_ended.clear()

    def note_lost(self, protocol: asyncio.BaseProtocol) -> None:
        self._open.pop(protocol, None)
        if not self._open:
            self._all_ended.set()

    async def end(self, within_s: float) -> None:
        """Wait until TLS has said goodbye on every one that is closing; cut those that take longer."""
        for patience_s in (within_s, 1.0):  # an aborted transport ends in the next turn of the loop
            if not self._open:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._all_ended.wait()
            for transport in self._open.values():
                transport.abort()


class ConnectionEnded(Exception):
    """The connection is over and nobody broke the protocol."""


async def receive_payload(socket: Socket, message: WSMessage | Any) -> bytes | None:
    """The bytes of a binary frame; None for a ping (answered) or a pong.

    Raises Ended if the peer closed, BadMessage if the frame is text, oversize or breaks WebSocket framing.
    """
    if message.type is WSMsgType.BINARY:
        return bytes(message.data)
    if message.type is WSMsgType.PING:
        await socket.pong(message.data)
        return None
    if message.type is WSMsgType.PONG:
        return None
    if message.type in _ENDS:
        raise ConnectionEnded(f"closed by the peer: {str(message.extra or message.data or '')[:120]!r}")
    if message.type is WSMsgType.ERROR and not isinstance(message.data, WebSocketError):
        raise ConnectionEnded(f"connection lost: {message.data!r}")
    raise BadMessage(f"not a binary frame: {str(message.data)[:120]!r}")


async def hang_up(socket: Socket, code: int, reason: str, within_s: float) -> None:
    """Say why and close. Never raises for what the other end does; never waits longer than told."""
    text = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore").encode()
    with contextlib.suppress(TimeoutError, OSError, ClientError):
        async with asyncio.timeout(within_s):
            await socket.close(code=code, message=text)
