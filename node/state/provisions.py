"""What a peer needs to take part: brought up by its recovery, told of when it is lacking, and asked for again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ledger.arithmetic.exact import State
from ledger.circle.history import History, Round
from ledger.judging.frame_chains import Held
from node.round.next_step import Means
from node.state.lacks import AGAIN_S, Lacks
from node.state.peer_state import Base
from node.state.recovery import Judged, Lacking, Recovery

_GENESIS: Final = "the circle's first state"
_BASE: Final = "the state to go on from"


class Provisions:
    """One seat's. follow: takes in what the chain has new while the peer waits."""

    def __init__(self, recovery: Recovery, lacks: Lacks, follow: Callable[[], Awaitable[None]]) -> None:
        self._recovery, self._lacks, self._follow = recovery, lacks, follow

    async def genesis(self, own: bytes) -> State:
        """The circle's first state, asked for until somebody has it. own: as this machine makes it."""
        while True:
            try:
                genesis = await self._recovery.genesis(own)
            except Lacking as lacking:
                self._lacks.note(_GENESIS, str(lacking), "the peer waits")
                await asyncio.sleep(AGAIN_S)
                await self._follow()
            else:
                self._lacks.have(_GENESIS)
                return genesis

    async def base(self, known: Sequence[Base], judged: Sequence[Judged]) -> Base:
        """The base that the chain asks for, as far as it can be had; see Recovery.base."""
        if not self._lacks.is_due(_BASE):
            return known[-1]
        base = await self._recovery.base(known, judged)
        if self._recovery.lacking is None:
            self._lacks.have(_BASE)
        else:
            self._lacks.note(_BASE, str(self._recovery.lacking), "the peer commits to nothing and judges nobody")
        return base

    async def own_update(self, round_: Round) -> Held | None:
        """What this peer committed, and what it hangs on; None where it is lost now (R15.1)."""
        name = _update(round_.number)
        try:
            held = await self._recovery.own_update(round_)
        except Lacking as lacking:
            self._lacks.note(name, str(lacking), "the peer sits the round out")
            return None
        self._lacks.have(name)
        return held

    def means(self, base: Base, history: History, seat: int) -> Means:
        """What there is to take part with. An update that was lost is worth another try when it is due (R15.1)."""
        round_ = history.round
        has_update = round_ is None or self._lacks.is_due(_update(round_.number))
        return Means(base=base.is_latest(history, seat), update=has_update)


def _update(number: int) -> str:
    return f"this peer's update of round {number}"
