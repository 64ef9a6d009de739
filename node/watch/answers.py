"""Answers of the providers, made in worker threads, packed, and kept while they hold."""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import msgspec

from node.watch.query import Query
from node.watch.routes import Route, never
from node.watch.source import Source

THREADS: Final = 2
_KEPT_MAX_BYTES: Final = 32 << 20
# What an answer takes beside its bytes, its question above all: many little ones are as much as few large ones.
_EACH_BYTES: Final = 4096
_GZIP_FROM_BYTES: Final = 1024
# Fast: on the way to a browser on this machine, time counts more than the last tenth.
_GZIP_LEVEL: Final = 3


@dataclass(frozen=True)
class Packed:
    """An answer as it is sent."""

    plain: bytes
    """JSON; empty where only the packed form is kept."""
    packed: bytes | None
    """The same by gzip; None for little ones."""
    holds_for: Hashable
    """It is good while the route gives this."""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _EACH_BYTES + len(self.plain) + len(self.packed or b"")


class Answers:
    """Makes answers, each once at a time, and keeps the newest of those that were asked for last."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="answers")
        self._kept: OrderedDict[str, Packed] = OrderedDict()
        self._bytes = 0
        self._making: dict[tuple[str, Hashable], asyncio.Future[Packed]] = {}

    async def find(self, route: Route, key: str, query: Query) -> Packed:
        """An answer that holds now. key: what tells this question from others. Raises what the provider raises."""
        holds_for = route.holds_for(self._source)
        kept = self._kept.get(key)
        if kept is not None and kept.holds_for == holds_for:
            self._kept.move_to_end(key)
            return kept
        making = self._making.get((key, holds_for))
        if making is None:
            loop = asyncio.get_running_loop()
            making = loop.run_in_executor(self._threads, self._make, route, query, holds_for)
            self._making[key, holds_for] = making
            making.add_done_callback(lambda done: self._take(route, key, holds_for, done))
        # Whoever goes away does not take the answer from others who wait for it.
        return await asyncio.shield(making)

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _make(self, route: Route, query: Query, holds_for: Hashable) -> Packed:
        plain = msgspec.json.encode(route.answer(self._source, query))
        if len(plain) < _GZIP_FROM_BYTES:
            return Packed(plain, None, holds_for)
        return Packed(plain, gzip.compress(plain, _GZIP_LEVEL, mtime=0), holds_for)

    def _take(self, route: Route, key: str, holds_for: Hashable, done: "asyncio.Future[Packed]") -> None:
        self._making.pop((key, holds_for), None)
        if done.cancelled() or done.exception() is not None or route.holds_for is never:
            return
        before = self._kept.pop(key, None)
        self._bytes += done.result().size - (before.size if before else 0)
        self._kept[key] = done.result()
        while self._bytes > _KEPT_MAX_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.size
