"""One WebSocket connection: answers and notifications leave through one bounded queue, and nobody waits for a
reader that is too slow: it is dropped."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from ledger.testchain.rpc.dispatch import Dispatcher
from ledger.testchain.rpc.subscriptions import Hub, Subscriber

MAX_WAITING = 4096
MAX_WAITING_BYTES = 16 * 1024 * 1024
HEARTBEAT_S = 30.0
CLOSE_S = 5.0
_log = logging.getLogger(__name__)
_DATA = (WSMsgType.TEXT, WSMsgType.BINARY)


class Outbox:
    """Encoded messages on their way out, in order: one answer at a time, and a bounded number of notifications."""

    def __init__(self) -> None:
        self._messages: deque[tuple[bytes, bool]] = deque()
        self._news, self._news_bytes = 0, 0
        self._filled, self._answered = asyncio.Event(), asyncio.Event()
        self._answered.set()

    def add_news(self, message: bytes) -> bool:
        """Queue a notification. Returns False, with it queued, if too many wait now."""
        self._messages.append((message, True))
        self._news, self._news_bytes = self._news + 1, self._news_bytes + len(message)
        self._filled.set()
        return self._news <= MAX_WAITING and self._news_bytes <= MAX_WAITING_BYTES

    def add_answer(self, message: bytes) -> None:
        """Queue an answer."""
        self._messages.append((message, False))
        self._answered.clear()
        self._filled.set()

    async def take(self) -> bytes:
        """The oldest message, as soon as there is one."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        message, is_news = self._messages.popleft()
        if is_news:
            self._news, self._news_bytes = self._news - 1, self._news_bytes - len(message)
        else:
            self._answered.set()
        return message

    async def answered(self) -> None:
        """Wait until no answer waits."""
        await self._answered.wait()

    def clear(self) -> None:
        """Forget them all."""
        self._messages.clear()
        self._news, self._news_bytes = 0, 0


class Connection:
    """Serves one client until it leaves, breaks the protocol, reads too slowly, or `stop` is called."""

    def __init__(self, socket: web.WebSocketResponse, dispatcher: Dispatcher, hub: Hub) -> None:
        self._socket, self._dispatcher, self._hub = socket, dispatcher, hub
        self._outbox = Outbox()
        self._stopped = asyncio.Event()
        self._reason: tuple[int, str] = WSCloseCode.OK, ""

    def stop(self, code: int, reason: str) -> None:
        """End the connection with a close code; returns at once."""
        if not self._stopped.is_set():
            self._reason = code, reason
            self._outbox.clear()
            self._stopped.set()

    async def serve(self) -> None:
        """Answer and notify until the end. The caller drops the transport afterwards."""
        subscriber = Subscriber(self._push, self._hub)
        self._hub.join(subscriber)
        reader = asyncio.create_task(self._read(subscriber))
        writer = asyncio.create_task(self._write())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait((reader, writer, stopped), return_when=asyncio.FIRST_COMPLETED)
            error = reader.exception() if reader.done() else None
            # A client may be gone while its ping is being answered: that is its own affair.
            if error is not None and not isinstance(error, ConnectionError):
                _log.error("connection ended by a bug", exc_info=error)
            self._hub.leave(subscriber)
            # Not the writer: cancelled while it waits for room, it would take the closing frame's turn with it.
            await _end(reader, stopped)
            await self._close()
        finally:
            self._hub.leave(subscriber)
            await _end(reader, writer, stopped)

    async def _close(self) -> None:
        code, reason = self._reason
        # A client that does not even read this much never hears the code.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code=code, message=reason.encode())

    def _push(self, message: bytes) -> None:
        if not self._stopped.is_set() and not self._outbox.add_news(message):
            self.stop(
                WSCloseCode.POLICY_VIOLATION, "you read too slowly: subscribe again and catch up by eth_getLogs"
            )

    async def _read(self, subscriber: Subscriber) -> None:
        methods = subscriber.methods()
        while True:
            # Whoever does not take answers gets no more calls in.
            await self._outbox.answered()
            message = await self._socket.receive()
            if message.type not in _DATA:
                return
            answer = await self._dispatcher.answer(message.data, methods)
            if answer is not None:
                self._outbox.add_answer(answer)

    async def _write(self) -> None:
        while True:
            message = await self._outbox.take()
            await self._socket.send_str(message.decode())


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
