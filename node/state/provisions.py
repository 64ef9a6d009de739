"""What a peer needs to take part: brought up by its recovery, told of when it is lacking, and asked for again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ledger.arithmetic.exact import GridState
from ledger.circle.history import History, Round
from ledger.judging.frame_chains import HeldBlobs
from node.round.next_step import Means
from node.state.lacks import AGAIN_S, Lacks
from node.state.peer_state import Base
from node.state.recovery import JudgedExchange, Recovery, StateLacking

_GENESIS: Final = "the circle's first state"
_BASE: Final = "the state to go on from"


class Provisions:
    """One seat's. follow: takes in what the chain has new while the peer waits."""

    def __init__(self, recovery: Recovery, lacks: Lacks, follow: Callable[[], Awaitable[None]]) -> None:
        self._recovery, self._lacks, self._follow = recovery, lacks, follow

    async def wait_for_genesis(self, own: bytes) -> GridState:
        """The circle's first state, asked for until somebody has it. own: as this machine makes it."""
        while True:
            try:
                genesis = await self._recovery.load_genesis(own)
            except StateLacking as lacking:
                self._lacks.note_lacking(_GENESIS, str(lacking), "the peer waits")
                await asyncio.sleep(AGAIN_S)
                await self._follow()
            else:
                self._lacks.note_here(_GENESIS)
                return genesis

    async def find_base(self, known: Sequence[Base], judged: Sequence[JudgedExchange]) -> Base:
        """The base that the chain asks for, as far as it can be had; see Recovery.rebuild_base."""
        if not self._lacks.is_due(_BASE):
            return known[-1]
        base = await self._recovery.rebuild_base(known, judged)
        if self._recovery.lacking is None:
            self._lacks.note_here(_BASE)
        else:
            self._lacks.note_lacking(
                _BASE, str(self._recovery.lacking), "the peer commits to nothing and judges nobody"
            )
        return base

    async def find_own_update(self, round_: Round) -> HeldBlobs | None:
        """What this peer committed, and what it hangs on; None where it is lost now (R15.1)."""
        name = _name_update(round_.number)
        try:
            held = await self._recovery.load_own_update(round_)
        except StateLacking as lacking:
            self._lacks.note_lacking(name, str(lacking), "the peer sits the round out")
            return None
        self._lacks.note_here(name)
        return held

    def find_means(self, base: Base, history: History, seat: int) -> Means:
        """What there is to take part with. An update that was lost is worth another try when it is due (R15.1)."""
        round_ = history.round
        has_update = round_ is None or self._lacks.is_due(_name_update(round_.number))
        return Means(base=base.is_latest(history, seat), update=has_update)


def _name_update(number: int) -> str:
    return f"this peer's update of round {number}"
