"""The chain as a peer sees it: events folded as they come, and its own calls, off the event loop."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ledger.chain.circle import Circle, CircleState
from ledger.chain.sender import Receipt, Sender
from ledger.events import Settled
from ledger.history import History, HistoryFault
from node.meter import Meter

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_POLL_S: Final = 0.15
_SLOW_POLL_S: Final = 1.0
_SLOW_AFTER_S: Final = 30.0


class Follower:
    """One circle's history, grown by `follow`, and the peer's transactions. One thread does all of it in order."""

    def __init__(self, circle: Circle, sender: Sender, first_block: int, meter: Meter) -> None:
        self.circle, self.sender, self._meter = circle, sender, meter
        self.history = History(circle.parameters)
        self._position = (first_block, -1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chain")
        self._last_change = time.monotonic()
        self._is_checked = False

    async def follow(self, wait_s: float = 0.0) -> bool:
        """Take in what is new; where nothing is, look again until something is or wait_s are over.

        Returns whether anything was new. Raises ChainUnreachable, HistoryFault, MalformedLog.
        """
        return await self._run(lambda: self._follow_for(wait_s))

    async def call(self, name: str, *arguments: object) -> Receipt:
        """Send one call and wait for its block. Raises what Sender.call raises."""
        contract, seats = self.circle.network.contract, len(self.history.seats)
        receipt = await self._run(lambda: self.sender.call(contract, name, *arguments, seats=seats))
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

    def _follow_for(self, wait_s: float) -> bool:
        until = time.monotonic() + wait_s
        while not self._take_new():
            now = time.monotonic()
            if now >= until:
                return False
            pause = _POLL_S if now - self._last_change < _SLOW_AFTER_S else _SLOW_POLL_S
            time.sleep(min(pause, until - now))
        self._last_change = time.monotonic()
        return True

    def _take_new(self) -> bool:
        placed = self.circle.events_after(self._position)
        for entry in placed:
            self.history.apply(entry.event)
            self._position = entry.position
        if not self._is_checked or any(isinstance(entry.event, Settled) for entry in placed):
            self._check_hash()
        return bool(placed)

    def _check_hash(self) -> None:
        """R4: what the endpoint told is what the contract wrote; looked at on starting and once a round."""
        anchored = self.circle.history_hash(self._position[0])
        if anchored != self.history.hash:
            raise HistoryFault(
                f"the events from {self.circle.rpc.url} are not the ones the contract wrote: use another endpoint"
            )
        self._is_checked = True

    async def _run(self, work: Callable[[], _T]) -> _T:
        def metered() -> _T:
            with self._meter.section("chain"):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, metered)
