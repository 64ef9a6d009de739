"""Which connections the gateway keeps: so many in all and from one address, and none that keeps others waiting.

A connection is *waiting* while it has no whole request: it is new, sends its head, takes the last bytes of an
answer, or is kept for another request. That may last for a while and no longer. Above the bounds the one that has
waited longest is cut, among those of the address that has the most, so that whoever asks at once gets in at any
time; where nobody is waiting the newcomer is turned away.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

_BACKLOG: Final = 64


@dataclass(frozen=True)
class Bounds:
    """Bounds of connections (R19.1)."""

    connections: int = 256
    """So many are open at most."""
    per_address: int = 128
    """So many of one address are open at most."""
    waiting_s: float = 20.0
    """For a request's head to come, for the last bytes of an answer to go, and between requests."""


class Doors:
    """The connections of one HTTP server, which is an aiohttp `web.Server`: it makes a protocol for each."""

    def __init__(self, bounds: Bounds | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._bounds, self._clock = bounds or Bounds(), clock
        self._open: dict[asyncio.BaseTransport, Door] = {}
        self.turned_away = self.cut = 0

    def __len__(self) -> int:
        return len(self._open)

    async def listen(self, server: web.Server, host: str, port: int) -> asyncio.Server:
        """Take connections for a server. Raises OSError where the port is not to be had."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Door(self, server()), host, port, backlog=_BACKLOG)

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Whoever has sent a whole request is not waiting until it is answered."""
        with self._served(request.transport):
            return await handler(request)

    def admit(self, door: "Door", transport: asyncio.BaseTransport) -> bool:
        """Let a connection in, where need be in place of another."""
        counts = Counter(other.address for other in self._open.values())
        is_full = len(self._open) >= self._bounds.connections
        if is_full or counts[door.address] >= self._bounds.per_address:
            among = None if is_full else door.address
            longest = find_longest_waiting(list(self._open.values()), counts, among)
            if longest is None:
                self.turned_away += 1
                return False
            self.cut += 1
            longest.cut()
        door.waiting_since = self._clock()
        self._open[transport] = door
        door.watch(self._bounds.waiting_s)
        return True

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """A connection is gone."""
        self._open.pop(transport, None)

    @contextmanager
    def _served(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        door = None if transport is None else self._open.get(transport)
        if door is None:
            yield
            return
        door.waiting_since = None
        door.watch(None)
        try:
            yield
        finally:
            door.waiting_since = self._clock()
            door.watch(self._bounds.waiting_s)


class Door(asyncio.Protocol):
    """One connection: hands everything on to the HTTP protocol behind it, once it is admitted."""

    def __init__(self, doors: Doors, behind: asyncio.Protocol) -> None:
        self._doors, self._behind = doors, behind
        self._transport: asyncio.Transport | None = None
        self._is_admitted = False
        self._end: asyncio.TimerHandle | None = None
        self.address = ""
        self.waiting_since: float | None = 0.0
        """Clock of the doors; None while a request is being answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        self._is_admitted = self._doors.admit(self, transport)
        if self._is_admitted:
            self._behind.connection_made(transport)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self.watch(None)
        if self._is_admitted and self._transport is not None:
            self._doors.leave(self._transport)
            self._behind.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._is_admitted:
            self._behind.data_received(data)

    def eof_received(self) -> bool | None:
        """See asyncio."""
        return self._behind.eof_received() if self._is_admitted else None

    def pause_writing(self) -> None:
        """See asyncio."""
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._behind.resume_writing()

    def watch(self, within_s: float | None) -> None:
        """Cut the connection after so long; None: not any more."""
        if self._end is not None:
            self._end.cancel()
        loop = asyncio.get_running_loop()
        self._end = None if within_s is None else loop.call_later(within_s, self.cut)

    def cut(self) -> None:
        """End it at once, whatever is still to be sent."""
        if self._transport is not None:
            self._doors.leave(self._transport)
            self._transport.abort()


def find_longest_waiting(doors: list[Door], counts: Counter[str], among: str | None) -> Door | None:
    """The one to cut: waiting longest, of the address with the most connections; of `among` alone if named."""
    waiting = [door for door in doors if door.waiting_since is not None and among in (None, door.address)]
    return min(waiting, key=lambda door: (-counts[door.address], door.waiting_since or 0.0), default=None)
