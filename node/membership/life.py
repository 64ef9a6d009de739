"""Round after round: take a seat where there is none, and do the one thing that is next."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from ledger.chain.rpc.client import ChainTrouble
from ledger.chain.transactions.receipts import CallNotDone
from ledger.circle.history import Phase, Round
from ledger.identity.endpoints import Endpoint
from ledger.judging.frame_chains import BlobMissing
from node.follower import Overtaken
from node.membership.following import CHAIN_RETRY_S, Attending, Following
from node.membership.member import Member, MemberMaker, Membership
from node.membership.parts import PeerParts
from node.membership.reporting import RoundReports
from node.operating.troubles import is_passing
from node.round.next_step import Step, next_step, trains_ahead
from node.seat.entrance import Entrance

_log = logging.getLogger(__name__)
_WAIT_S: Final = 1.0
_DRAW_AGAIN_S: Final = 30.0


class Life:
    """One peer's, from its first look at the circle to the last round. report: told of the seat it took."""

    def __init__(
        self,
        parts: PeerParts,
        membership: Membership,
        following: Following,
        attending: Attending,
        entrance: Entrance,
        maker: MemberMaker,
        reports: RoundReports,
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._parts, self._membership, self._following = parts, membership, following
        self._attending, self._entrance, self._maker = attending, entrance, maker
        self._reports, self._report = reports, report

    async def live(self, endpoint: Endpoint) -> None:
        """Round after round until the circle is finished. Raises SetupError, SeatLost among it, to end the peer."""
        while True:
            try:
                if await self._is_done(endpoint):
                    break
            except (Overtaken, BlobMissing) as error:
                _log.info("deciding again reason=%s", error)
                await self._following.follow(0.0)
            except CallNotDone as error:
                # Most often another peer was faster or the phase closed: what the chain says next decides.
                _log.info("call not taken reason=%s", error)
                await self._following.follow(_WAIT_S)
            except (OSError, ExceptionGroup) as error:
                if not is_passing(error):
                    raise
                _log.warning("machine or network short of something, trying again reason=%s", error)
                await asyncio.sleep(CHAIN_RETRY_S)
                await self._following.follow(0.0)
            except ChainTrouble as error:
                _log.warning("no answer from the chain, trying again reason=%s", error)
                await asyncio.sleep(CHAIN_RETRY_S)
                # A call that failed may have taken in events before: the base has to follow them.
                await self._following.follow(0.0)
        await self._reports.finish()

    async def stay(self, endpoint: Endpoint) -> None:
        """After the last round: serve and vote on, without end."""
        while True:
            await self._following.follow(_WAIT_S)
            await asyncio.sleep(_WAIT_S)
            if self._parts.history.phase != Phase.FINISHED:
                # A reorganisation took the last settlement back.
                await self.live(endpoint)
            else:
                await self._attending.attend()

    async def _is_done(self, endpoint: Endpoint) -> bool:
        """Do what is next. Returns whether nothing is, for ever."""
        member = await self._take_seat(endpoint)
        parts, seat, own = self._parts, member.seat, member.own
        if not await parts.tenancy.holds(seat, endpoint, is_finishing=own.is_finishing()):
            await self._following.follow(_WAIT_S)
            return False
        late = await parts.clock.measure_lateness()
        if not own.base.is_latest(parts.history, seat) and self._membership.held is not None:
            await own.bring_up()
        means = member.provisions.find_means(own.base, parts.history, seat)
        step = next_step(parts.history, seat, late, means)
        if step == Step.DONE:
            return True
        if means.base and trains_ahead(parts.history, seat):
            member.training_ahead.begin()
        await self._do(step, member)
        return False

    async def _take_seat(self, endpoint: Endpoint) -> Member:
        """The member that the peer is; it takes a seat first, at the start and where the chain took it back."""
        parts = self._parts
        # A reorganisation may take a seat back as soon as it was taken.
        while (held := self._membership.held) is None:
            is_new = parts.history.seat_of(parts.address) is None
            seat = await self._entrance.take(endpoint)
            parts.journal.settle(is_new, parts.history.number)
            parts.services.refresh()
            member = await self._maker.make(seat, self._membership.folder, self._membership.recent)
            await parts.tenancy.settle(seat, endpoint, is_new=is_new)
            self._membership.begin(member)
            _log.info("seated seat=%d address=%s endpoint=%s", seat, parts.address, endpoint.text)
            told = {"address": parts.address, "endpoint": endpoint.text, "name": endpoint.name}
            self._report({"event": "joined", "seat": seat, **told})
            parts.services.gossip.ask_for_dial_back(endpoint.text)
            await self._following.follow(0.0)
        return held

    async def _do(self, step: Step, member: Member) -> None:
        """One step, and then a look at what the chain has new."""
        round_ = self._parts.history.round
        wait_s = 0.0
        if step == Step.COMMIT and round_ is not None:
            wait_s = await member.committing.commit(round_)
        elif step == Step.EXCHANGE and round_ is not None:
            wait_s = await member.attesting.attest(round_)
        elif step == Step.WAKE:
            await self._parts.follower.call("wake")
        elif step in (Step.ADVANCE, Step.SETTLE) and round_ is not None:
            wait_s = await self._do_chore(step, round_, member.seat)
            if wait_s > 0 and await self._attending.attend():
                wait_s = 0.0
        elif not await self._attending.attend():
            wait_s = _WAIT_S
        await self._following.follow(wait_s)

    async def _do_chore(self, step: Step, round_: Round, seat: int) -> float:
        """Close or settle: the first in the order at once, the next ones only if it stays silent.

        Returns how long to wait for somebody else to do it, seconds.
        """
        parts = self._parts
        left_s = parts.clock.turn_begins_in_s(seat)
        if left_s > 0:
            return min(left_s, _WAIT_S)
        if step == Step.ADVANCE:
            if parts.history.phase == Phase.ATTEST:
                # R3.9: a draw is not repeated for ever, and a call that is refused costs gas all the same.
                parts.clock.hold_off(_DRAW_AGAIN_S)
            await parts.follower.call("advance")
        else:
            await parts.follower.call("settle", round_.number)
        return 0.0
