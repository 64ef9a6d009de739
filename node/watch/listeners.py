"""Server-sent events: everybody who listens gets what is newest, and a slow one misses what was in between."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from aiohttp import web

LISTENERS_MAX: Final = 64
_HEARTBEAT_S: Final = 15.0
_WRITE_S: Final = 10.0
# A browser that lost the stream comes back after so many milliseconds.
_RETRY: Final = b"retry: 2000\n\n"
_HEARTBEAT: Final = b": still here\n\n"


class TooManyListeners(Exception):
    """No more can listen now."""


class Listeners:
    """All open streams. One event loop's.

    make: the newest state as one line of JSON, or None where there is none yet.
    """

    def __init__(self, make: Callable[[], bytes | None], most: int = LISTENERS_MAX) -> None:
        self._make, self._most = make, most
        self._newest: bytes | None = None
        self._number = 0
        self._open = 0
        self._is_ended = False
        self._more = asyncio.Condition()

    def __len__(self) -> int:
        return self._open

    async def look(self) -> None:
        """Make the state again, and wake everybody where it is another one."""
        made = self._make()
        if made is None or made == self._newest:
            return
        async with self._more:
            self._newest, self._number = made, self._number + 1
            self._more.notify_all()

    async def end(self) -> None:
        """Close every stream."""
        async with self._more:
            self._is_ended = True
            self._more.notify_all()

    async def listen(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Send until the browser is gone, or does not take what is sent. Raises TooManyListeners."""
        if self._open >= self._most or self._is_ended:
            raise TooManyListeners
        self._open += 1
        try:
            await response.prepare(request)
            await self._write(response, _RETRY)
            sent = 0
            while not self._is_ended:
                if sent != self._number and self._newest is not None:
                    sent = self._number
                    await self._write(response, b"event: now\nid: %d\ndata: %s\n\n" % (sent, self._newest))
                    continue
                if not await self._wait_for_more(sent):
                    await self._write(response, _HEARTBEAT)
        # The browser is gone, or takes nothing: nothing is owed to it.
        except (TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._open -= 1
        return response

    async def _wait_for_more(self, sent: int) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HEARTBEAT_S), self._more:
                await self._more.wait_for(lambda: self._is_ended or self._number != sent)
                return True
        return False

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(_WRITE_S):
            await response.write(data)
