"""When blocks are made: at once when transactions wait, or at a fixed interval. Idle, it sleeps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ledger.testchain.engine import Engine

COALESCE_S = 0.02
RunInChain = Callable[..., Awaitable[Any]]


class Miner:
    """Mines on an engine. run_in_chain: runs a function in the chain's thread and waits for it."""

    def __init__(self, engine: Engine, run_in_chain: RunInChain, block_time_s: float) -> None:
        self._engine, self._run_in_chain, self._block_time_s = engine, run_in_chain, block_time_s
        self._pooled = asyncio.Event()

    def wake(self) -> None:
        """A transaction was pooled."""
        self._pooled.set()

    async def run(self) -> None:
        """Mine until cancelled."""
        if self._block_time_s > 0:
            await self._mine_by_the_clock()
        else:
            await self._mine_at_once()

    async def _mine_at_once(self) -> None:
        while True:
            await self._pooled.wait()
            # Transactions sent together share a block.
            await asyncio.sleep(COALESCE_S)
            self._pooled.clear()
            while await self._run_in_chain(self._engine.mine_if_ready):
                pass

    async def _mine_by_the_clock(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            # A block that took longer than the interval delays the next one; blocks are never made up for.
            due = max(due + self._block_time_s, loop.time())
            await asyncio.sleep(due - loop.time())
            await self._run_in_chain(self._engine.mine)
