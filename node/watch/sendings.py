"""Answers on their way: so many bytes of them at a time, and none that keeps others waiting.

Whoever asks for a large answer and takes nothing of it has it held for him. Above the bound the connection whose
answer has been on its way for longest is cut, as whoever reads at once is done with the largest in a moment.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web

MOST_BYTES: Final = 96 << 20
# What is no larger is bound well enough by the number of connections.
_COUNTED_FROM_BYTES: Final = 64 << 10


class Sendings:
    """Those of one server."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._under_way: dict[object, tuple[asyncio.BaseTransport | None, int]] = {}
        self.cut = 0
        """So many connections were cut."""

    @property
    def size(self) -> int:
        """Bytes on their way."""
        return sum(size for _, size in self._under_way.values())

    @contextmanager
    def counted(self, transport: asyncio.BaseTransport | None, size: int) -> Iterator[None]:
        """While it is sent. size: its bytes. Connections of others may be cut for it."""
        if size < _COUNTED_FROM_BYTES:
            yield
            return
        while self._under_way and self.size + size > self._most_bytes:
            longest, _ = self._under_way.pop(next(iter(self._under_way)))
            self.cut += 1
            if isinstance(longest, asyncio.WriteTransport):
                longest.abort()
        place = object()
        self._under_way[place] = transport, size
        try:
            yield
        finally:
            self._under_way.pop(place, None)


class CountedResponse(web.Response):
    """One whose bytes are counted until its reader has taken them."""

    def __init__(self, sendings: Sendings, body: bytes, **more: Any) -> None:
        super().__init__(body=body, **more)
        self._sendings, self._size = sendings, len(body)

    async def write_eof(self, data: bytes = b"") -> None:
        """See aiohttp: returns when nearly all is on its way."""
        transport = None if self._req is None else self._req.transport
        with self._sendings.counted(transport, self._size):
            await super().write_eof(data)
