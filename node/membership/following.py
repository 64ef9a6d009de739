"""Taking in what the chain has new, and what a peer brings up to it each time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ledger.chain.rpc.client import ChainTrouble
from node.duties.duties import Duties
from node.follower import Overtaken
from node.membership.member import Membership
from node.membership.parts import PeerParts
from node.seat.round_events import SeatReporter

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_WAIT_S: Final = 1.0
CHAIN_RETRY_S: Final = 2.0


class Following:
    """One peer's."""

    def __init__(self, parts: PeerParts, membership: Membership, teller: SeatReporter) -> None:
        self._parts, self._membership, self._teller = parts, membership, teller
        self._seen: tuple[int, int] = (-1, 0)

    async def follow(self, wait_s: float) -> None:
        """Take in what the chain has new; where it does not answer, wait for it: the circle waits too."""
        parts = self._parts
        await _ask_patiently(lambda: parts.follower.follow(wait_s))
        seen = (parts.follower.changes, parts.follower.rollbacks)
        if seen == self._seen:
            return
        with parts.meter.measure_section("gossip"):
            parts.services.refresh()
        is_other_chain = seen[1] != self._seen[1]
        if is_other_chain:
            await self._look_which_circle()
        if (member := self._membership.held) is not None:
            await member.own.bring_up()
        self._seen = seen
        parts.clock.note(parts.history, anew=is_other_chain)
        parts.pace.note(parts.history)
        self._delete_what_may_go()
        self.tell_news()

    def tell_news(self) -> None:
        """What has become of the seat, to the operator."""
        member, services = self._membership.held, self._parts.services
        if member is not None and self._teller.report_standing(member.seat):
            services.gossip.ask_for_dial_back(self._parts.history.seats[member.seat].endpoint)

    def _delete_what_may_go(self) -> None:
        bonded, member = self._membership.bonded_seat, self._membership.member
        if member is not None:
            self._parts.handing.look(self._parts.history, member.seat)
        if bonded is not None and member is not None and member.retention is not None:
            member.retention.delete_when_due(self._parts.history, bonded)

    async def _look_which_circle(self) -> None:
        """The chain took events back: if the opening with them, what is at the address may be another circle."""
        opened_in = await _ask_patiently(self._parts.follower.fetch_opening_block)
        if opened_in is None or opened_in == self._membership.folder.opened_in:
            return
        _log.warning("circle opened in another block, starting anew block=%s", opened_in)
        self._membership.start_anew(opened_in)


class Attending:
    """A peer's duties beside its rounds."""

    def __init__(self, parts: PeerParts, membership: Membership, following: Following, duties: Duties) -> None:
        self._parts, self._membership = parts, membership
        self._following, self._duties = following, duties

    async def attend(self) -> bool:
        """Do what a member owes the circle beside its rounds. Returns whether anything was due."""
        seat = self._membership.bonded_seat
        return seat is not None and not self._parts.tenancy.is_away and await self._duties.attend(seat)

    async def meanwhile(self, work: Callable[[], _T]) -> _T:
        """Work that takes long, and meanwhile the duties that wait for nobody's training: votes have deadlines.

        Raises Overtaken where the seat was given up meanwhile, and what the work raises.
        """
        task = asyncio.ensure_future(self._parts.worker.run(work))
        while not (await asyncio.wait({task}, timeout=_WAIT_S))[0]:
            try:
                if await self._parts.follower.follow():
                    self._parts.pace.note(self._parts.history)
                    self._following.tell_news()
                if self._membership.held is None:
                    raise Overtaken("the seat was given up meanwhile")
                await self.attend()
            except ChainTrouble as error:
                _log.info("no answer from the chain reason=%s", error)
        return task.result()


async def _ask_patiently(ask: Callable[[], Awaitable[_T]]) -> _T:
    while True:
        try:
            return await ask()
        except ChainTrouble as error:
            _log.warning("no answer from the chain, trying again reason=%s", error)
            await asyncio.sleep(CHAIN_RETRY_S)
