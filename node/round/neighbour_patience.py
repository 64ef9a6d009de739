"""How long to wait for a neighbour's update: a moment if it gave nothing last time, unless it says it has it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from ledger.identity.endpoints import find_endpoint

# Gateway, digest: whether the gateway, or another member, says at once that it has the block.
Knock = Callable[[str, bytes], Awaitable[bool]]

BRIEF_S: Final = 2.0
_KNOCKS: Final = 4
# A peer that says so and does not deliver is believed so often in a row, then in every fourth round.
_BELIEVED: Final = 3
_BELIEVED_EVERY: Final = 4
_AUTHORS_MAX: Final = 1024


class NeighbourPatience:
    """Remembers whose updates could not be had, by endpoint: a peer that moves begins anew (R20.3).

    knock: asks an author's gateway for the head of its update, and whether others have it.
    """

    def __init__(self, knock: Knock) -> None:
        self._knock = knock
        self._missed: dict[str, int] = {}

    def note(self, endpoint: str, *, had: bool) -> None:
        """Whether its update came in time."""
        misses = self._missed.pop(endpoint, 0)
        if not had:
            self._missed[endpoint] = misses + 1
            if len(self._missed) > _AUTHORS_MAX:
                del self._missed[next(iter(self._missed))]

    @asynccontextmanager
    async def limit_time(self, endpoint: str, digest: bytes, budget_s: float) -> AsyncIterator[None]:
        """Give what is inside its time, and end it with TimeoutError.

        digest: of its update. budget_s: what an author in good standing gets.
        """
        misses = self._missed.get(endpoint, 0)
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(min(BRIEF_S, budget_s) if misses else budget_s) as limit:
            knocking = None
            if misses and is_believed(misses):
                knocking = asyncio.create_task(self._prolong(limit, begun + budget_s, endpoint, digest))
            try:
                yield
            finally:
                if knocking is not None:
                    knocking.cancel()
                    await asyncio.gather(knocking, return_exceptions=True)

    async def _prolong(self, limit: asyncio.Timeout, until: float, endpoint: str, digest: bytes) -> None:
        place = find_endpoint(endpoint)
        if place is None:
            return
        # It may not have seen yet that the commit phase has closed.
        for _ in range(_KNOCKS):
            if await self._knock(place.gateway.text, digest):
                if not limit.expired():
                    limit.reschedule(until)
                return
            await asyncio.sleep(BRIEF_S / _KNOCKS)


def is_believed(misses: int) -> bool:
    """Whether to give an author its full time if it says that it has the update, after so many misses in a row."""
    return misses <= _BELIEVED or misses % _BELIEVED_EVERY == 0
