"""The chain as a peer sees it: events folded as they come, and its own calls, off the event loop."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NoReturn, TypeVar

from ledger.chain.circle import Circle, ContractState
from ledger.chain.rpc.client import ChainUnreachable
from ledger.chain.rpc.patience import insist
from ledger.chain.rpc.subscription import HeadSubscription
from ledger.chain.tracker import Tracker
from ledger.chain.transactions.receipts import CallNotDone
from ledger.chain.transactions.sender import PlannedCall, Receipt, Refused, Sender
from ledger.circle.events import Event
from ledger.circle.history import History
from ledger.errors import PeerFault
from node.operating.meter import Meter

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_POLL_S: Final = 0.15
_SLOW_POLL_S: Final = 1.0
_SLOW_AFTER_S: Final = 30.0
# Told of every block, it still looks now and then: a WebSocket may die without a word.
_WOKEN_POLL_S: Final = 3.0
_CONFIRMED_TIMEOUT_S: Final = 600.0
# Before the history was read for the first time: a node that just began would rather end than wait for ever.
_FIRST_LOOK_S: Final = 300.0
# A block between two questions explains one such answer, and hardly so many in a row.
_OTHER_MOMENTS_MAX: Final = 5


class Doubtful(ChainUnreachable):
    """What the endpoints say does not fit together, or cannot be checked: a member waits, and no more."""


class Overtaken(CallNotDone):
    """What a call was made for is not what the chain says any more; it has not been sent."""


class Follower:
    """One circle's history, grown by `follow`, and the peer's transactions. One thread does all of it in order.

    confirmations: how many blocks must lie on top of an event's before the peer acts on it. ws_url: where to be
    woken at new blocks, None to ask all the time.
    """

    def __init__(
        self,
        circle: Circle,
        sender: Sender,
        first_block: int,
        meter: Meter,
        *,
        confirmations: int = 0,
        ws_url: str | None = None,
    ) -> None:
        self.circle, self.sender, self._meter = circle, sender, meter
        self._tracker = Tracker(circle, first_block, confirmations)
        self._first_block, self._confirmations = first_block, confirmations
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chain")
        self._last_change = self._looked_at = time.monotonic()
        self._is_read = False
        self._other_moments = 0
        self.answered_at: float | None = None
        """When the chain was last read to its newest block, by the monotonic clock; None before the first time."""
        self.changes = 0
        """How often the history has changed, by `follow` or on the way of a `call`."""
        self._woken = threading.Event()
        self._heads = HeadSubscription(ws_url, self._woken.set) if ws_url else None
        self._listening: asyncio.Task[None] | None = None

    @property
    def history(self) -> History:
        """What the chain says; another object after a rollback."""
        return self._tracker.history

    @property
    def rollbacks(self) -> int:
        """How often the chain took back what had been folded."""
        return self._tracker.rollbacks

    @property
    def is_woken(self) -> bool:
        """Whether a WebSocket tells of new blocks."""
        return self._heads is not None and self._heads.is_live

    async def follow(self, wait_s: float = 0.0) -> bool:
        """Take in what is new; where nothing is, look again until something is or wait_s are over.

        Returns whether anything was new. Raises ChainUnreachable, whatever the endpoints answer; before it has
        read a history at all, after minutes only.
        """
        if self._heads is not None and self._listening is None:
            self._listening = asyncio.create_task(self._listen(self._heads))
        return await self._run(lambda: self._follow_for(wait_s))

    async def call(
        self, name: str, *arguments: object, only_if: Callable[[History], bool] | None = None, value_wei: int = 0
    ) -> Receipt:
        """Send one call and wait for its block, and for the blocks on it that the peer waits for.

        only_if: whether it still makes sense with what the chain says at the last moment. Raises Overtaken where
        it does not, Reverted, NoReceipt and ChainUnreachable; Refused, NoFunds among it, only without a seat.
        """
        receipt = await self._run(lambda: self._call(name, arguments, only_if, value_wei))
        _log.debug("transaction done call=%s gas=%d block=%d", name, receipt.gas, receipt.block)
        return receipt

    async def call_all(
        self, choose: Callable[[History], Sequence[PlannedCall]], *, timeout_s: float
    ) -> dict[PlannedCall, Receipt | CallNotDone]:
        """Send several calls side by side, so that they wait for their blocks together.

        choose: what makes sense with what the chain says at the last moment. timeout_s: for their blocks; the same
        calls again wait for what was sent. Returns what became of each. Raises
        Overtaken where the chain is reorganised while they are under way, which does none of those not in a block;
        ChainUnreachable, also where an endpoint refuses one for a reason that nobody can check; Refused, only
        without a seat.
        """
        done = await self._run(lambda: self._call_all(choose, timeout_s))
        for one, outcome in done.items():
            if isinstance(outcome, Receipt):
                _log.debug("transaction done call=%s gas=%d block=%d", one.name, outcome.gas, outcome.block)
        return done

    async def fetch_state(self) -> ContractState:
        """The contract's state, where it is the one that the events lead to: its deadline is that of this phase.

        Raises ChainUnreachable, also where it is not the one that the events lead to.
        """
        return await self._run(self._fetch_state)

    async def fetch_events(self) -> list[Event]:
        """The circle's events from the first on."""
        return await self._run(
            lambda: [placed.event for placed in self.circle.fetch_events(self._first_block, self._tracker.through)]
        )

    async def fetch_opening_block(self) -> str | None:
        """Hash of the block that the circle was opened in, as the chain is now; None where it tells of none."""

        def first() -> str | None:
            for last in (self._first_block, self.circle.fetch_head()):
                if found := self.circle.fetch_events(self._first_block, last):
                    return found[0].block_hash
            return None

        return await self._run(first)

    async def count_blocks_since_draw(self) -> int:
        """How many blocks lie on the one that the newest draw was in. Raises ChainUnreachable."""
        return await self._run(lambda: self.circle.fetch_head() - self._tracker.drawn_in)

    async def fetch_balance_wei(self) -> int:
        """What the peer's account holds."""
        return await self._run(self.sender.fetch_balance_wei)

    def close(self) -> None:
        """Stop taking work; what is under way ends by its own timeout."""
        if self._listening is not None:
            self._listening.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _call(
        self, name: str, arguments: tuple[object, ...], only_if: Callable[[History], bool] | None, value_wei: int
    ) -> Receipt:
        if only_if is not None:
            self._advance()
            if not only_if(self.history):
                raise Overtaken(f"the chain went on before `{name}` was sent")
        contract, seats = self.circle.network.contract, len(self.history.seats)
        try:
            receipt = self.sender.call(
                contract, name, *arguments, seats=seats, value_wei=value_wei, on_trouble=self._check_still_there
            )
        except (Refused, PeerFault) as error:
            self._doubt_refusal(name, error)
        if self._confirmations:
            self._wait_through(receipt.block)
        return receipt

    def _call_all(
        self, choose: Callable[[History], Sequence[PlannedCall]], timeout_s: float
    ) -> dict[PlannedCall, Receipt | CallNotDone]:
        self._advance()
        calls, contract = choose(self.history), self.circle.network.contract
        if not calls:
            return {}
        try:
            outcomes = self.sender.call_all(
                contract,
                calls,
                seats=len(self.history.seats),
                folded=self._tracker.through,
                timeout_s=timeout_s,
                on_trouble=self._check_still_there,
            )
        except PeerFault as error:
            self._doubt_refusal(calls[0].name, error)
        done: dict[PlannedCall, Receipt | CallNotDone] = {}
        for one, outcome in zip(calls, outcomes, strict=True):
            if isinstance(outcome, Refused):
                self._doubt_refusal(one.name, outcome)
            done[one] = outcome
        if self._confirmations:
            self._wait_through(max((one.block for one in outcomes if isinstance(one, Receipt)), default=0))
        return done

    def _doubt_refusal(self, name: str, error: Exception) -> NoReturn:
        if self.history.seat_of(self.sender.address) is None:
            raise error
        # An endpoint can say anything, and a member loses its rounds if it believes it and ends.
        self._doubt(f"`{name}` was not taken: {error}", error)

    def _check_still_there(self) -> None:
        """Before a lost transaction is sent again: after a reorganisation it may not be what is wanted now."""
        before = self.rollbacks
        self._advance()
        if self.rollbacks != before:
            raise Overtaken("the chain was reorganised while a transaction was under way")

    def _wait_through(self, block: int) -> None:
        """Until the call's own event is folded: before, the peer would take it for not sent."""
        until = time.monotonic() + _CONFIRMED_TIMEOUT_S
        while self._tracker.through < block and time.monotonic() < until:
            self._follow_for(_SLOW_POLL_S)

    def _follow_for(self, wait_s: float) -> bool:
        until = time.monotonic() + wait_s
        while True:
            now = time.monotonic()
            # Told of every block, and of none since the last look: nothing can be new yet.
            is_needless = wait_s > 0 and self.is_woken and now - self._looked_at < _WOKEN_POLL_S
            if not is_needless or self._woken.is_set():
                self._woken.clear()
                self._looked_at = now
                if self._advance():
                    return True
            if now >= until:
                return False
            if self._woken.wait(min(self._pause_s(now), until - now)):
                # Blocks may come in a burst, and one look takes them all in.
                time.sleep(max(0.0, min(self._looked_at + _POLL_S, until) - time.monotonic()))

    def _pause_s(self, now: float) -> float:
        if self.is_woken:
            return max(0.0, self._looked_at + _WOKEN_POLL_S - now)
        return _POLL_S if now - self._last_change < _SLOW_AFTER_S else _SLOW_POLL_S

    def _advance(self) -> bool:
        if self._is_read:
            return self._look()
        changed = insist(self.circle.rpc, self._look, ChainUnreachable, _FIRST_LOOK_S)
        self._is_read = True
        return changed

    def _look(self) -> bool:
        before, rollbacks = self.history.hash, self._tracker.rollbacks
        changed = False
        try:
            changed = self._tracker.advance()
            self.answered_at = time.monotonic()
        except PeerFault as fault:
            self._doubt(str(fault), fault)
        finally:
            # Whatever it ended with, something may have been taken in or taken back on the way.
            if self._tracker.rollbacks != rollbacks:
                # What was sent in the vanished blocks may have vanished too, and its nonces are free again.
                self.sender.note_reorganisation()
            if changed or self.history.hash != before:
                self.changes += 1
                self._last_change = time.monotonic()
        return changed

    def _fetch_state(self) -> ContractState:
        try:
            # Of a recent block: the state of older ones is gone at most endpoints.
            block = max(self.circle.fetch_head() - self._confirmations, self._tracker.through)
            state = self.circle.fetch_state(block)
        except PeerFault as fault:
            self._doubt(str(fault), fault)
        if state.history == self.history.hash:
            self._other_moments = 0
            return state
        doubtful = Doubtful("the circle's state and its events are of different moments: look again")
        self._other_moments += 1
        if self._other_moments >= _OTHER_MOMENTS_MAX:
            self._other_moments = 0
            self._doubt(str(doubtful), doubtful)
        raise doubtful

    def _doubt(self, reason: str, fault: Exception) -> NoReturn:
        """Ask another endpoint from now on, if there is one. Raises Doubtful."""
        self.circle.rpc.doubt(reason)
        raise Doubtful(f"the chain's endpoints cannot be believed now: {reason}", reason) from fault

    async def _listen(self, heads: HeadSubscription) -> None:
        await self._meter.measure_awaited("chain", heads.run())

    async def _run(self, work: Callable[[], _T]) -> _T:
        def metered() -> _T:
            with self._meter.measure_section("chain"):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, metered)
