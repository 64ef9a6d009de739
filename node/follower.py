"""The chain as a peer sees it: events folded as they come, and its own calls, off the event loop."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ledger.chain.circle import Circle, CircleState
from ledger.chain.sender import Receipt, Sender
from ledger.history import History
from node.meter import Meter

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Follower:
    """One circle's history, grown by `follow`, and the peer's transactions. One thread does all of it in order."""

    def __init__(self, circle: Circle, sender: Sender, first_block: int, meter: Meter) -> None:
        self.circle, self.sender, self._meter = circle, sender, meter
        self.history = History(circle.parameters)
        self._next_block = first_block
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chain")
        self.transactions = 0

    async def follow(self) -> bool:
        """Take in what is new. Returns whether anything was. Raises ChainUnreachable, HistoryFault."""
        return await self._run(self._follow)

    async def call(self, name: str, *arguments: object) -> Receipt:
        """Send one call and wait for its block. Raises what Sender.call raises."""
        seats = len(self.history.seats)
        self.transactions += 1
        receipt = await self._run(
            lambda: self.sender.call(self.circle.network.contract, name, *arguments, seats=seats)
        )
        _log.debug("transaction call=%s gas=%d block=%d", name, receipt.gas, receipt.block)
        return receipt

    async def state(self) -> CircleState:
        """The contract's state now."""
        return await self._run(self.circle.state)

    async def balance_wei(self) -> int:
        """What the peer's account holds."""
        return await self._run(self.sender.balance_wei)

    def close(self) -> None:
        """Stop taking work; what is under way ends by its own timeout."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _follow(self) -> bool:
        head = self.circle.head()
        if head < self._next_block:
            return False
        placed = self.circle.events(self._next_block, head)
        for entry in placed:
            self.history.apply(entry.event)
        self._next_block = head + 1
        return bool(placed)

    async def _run(self, work: Callable[[], _T]) -> _T:
        def metered() -> _T:
            with self._meter.section("chain"):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, metered)
