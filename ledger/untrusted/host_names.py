"""Resolving host names that strangers chose, without anything else waiting for them.

A name server may be as slow as it likes, and a look-up cannot be called off. So look-ups have threads of their own,
a bounded number of them, one for each name at most, and none keeps the process from ending.
"""

import asyncio
import contextlib
import socket
import threading
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

_PARALLEL: Final = 64
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

_Found = list[tuple[Any, ...]]


class NameResolver(AbstractResolver):
    """Resolves by the system's own resolver. Its user bounds how long it waits; see aiohttp.TCPConnector."""

    def __init__(self, parallel: int = _PARALLEL) -> None:
        """parallel: look-ups under way at once; one more is refused."""
        self._parallel = parallel
        self._under_way: dict[tuple[str, int, int], asyncio.Future[_Found]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host. Raises OSError where it has none, or too many look-ups are under way."""
        asked = (host, port, int(family))
        pending = self._under_way.get(asked)
        if pending is None:
            if len(self._under_way) >= self._parallel:
                raise OSError(f"{host}: {self._parallel} other names are being looked up")
            pending = self._under_way[asked] = self._begin(asked)
        # Whoever gives up leaves the look-up to those who ask next.
        found = await asyncio.shield(pending)
        return [
            ResolveResult(hostname=host, host=where[0], port=where[1], family=kind, proto=proto, flags=_NUMERIC)
            for kind, _, proto, _, where in found
        ]

    async def close(self) -> None:
        """Nothing to do: look-ups under way end by themselves."""

    def _begin(self, asked: tuple[str, int, int]) -> asyncio.Future[_Found]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Found] = loop.create_future()

        def settle(found: _Found | OSError) -> None:
            del self._under_way[asked]
            if isinstance(found, OSError):
                future.set_exception(found)
                future.exception()  # whoever asked may have gone
            else:
                future.set_result(found)

        def look_up() -> None:
            host, port, family = asked
            found: _Found | OSError
            try:
                found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            except (OSError, UnicodeError) as error:
                found = error if isinstance(error, OSError) else OSError(f"{host[:80]!r} is no host name")
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=look_up, name="names", daemon=True).start()
        return future
