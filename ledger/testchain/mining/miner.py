"""When blocks are made: at once when transactions wait, at a fixed interval, or only when asked."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from ledger.testchain.mining.engine import BlockPace, Engine

COALESCE_S = 0.02
RunInChain = Callable[..., Awaitable[Any]]


class Miner:
    """Mines on an engine at its pace, which may change. run_in_chain: runs a function in the chain's thread."""

    def __init__(self, engine: Engine, run_in_chain: RunInChain) -> None:
        self._engine, self._run_in_chain = engine, run_in_chain
        self._pooled, self._paced = asyncio.Event(), asyncio.Event()

    def wake(self) -> None:
        """A transaction was pooled."""
        self._pooled.set()

    def adapt(self) -> None:
        """The pace, the clock or the chain may have changed."""
        self._paced.set()
        self._pooled.set()

    async def run(self) -> None:
        """Mine until cancelled."""
        while True:
            pace = self._engine.pace
            # What was pooled at another pace may be ready.
            self._pooled.set()
            if pace.interval_s > 0:
                await self._mine_by_the_clock(pace)
            else:
                await self._mine_at_once(pace)

    async def _mine_at_once(self, pace: BlockPace) -> None:
        while self._engine.pace is pace:
            await self._pooled.wait()
            # Transactions sent together share a block.
            await asyncio.sleep(COALESCE_S)
            self._pooled.clear()
            while (
                self._engine.pace is pace
                and pace.is_instant
                and await self._run_in_chain(self._engine.mine_if_ready)
            ):
                pass

    async def _mine_by_the_clock(self, pace: BlockPace) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            # A block that took longer than the interval delays the next one; blocks are never made up for.
            due = max(due + pace.interval_s, loop.time())
            while self._engine.pace is pace and (left_s := due - loop.time()) > 0:
                self._paced.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._paced.wait(), left_s)
            if self._engine.pace is not pace:
                return
            await self._run_in_chain(self._engine.mine)
