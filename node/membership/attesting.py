"""A round's exchange: fetch the neighbours' updates, judge them, attest on chain what came out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from ledger.blobs.contents.records import update_max_bytes
from ledger.circle.history import History, Phase, Round
from ledger.circle.verdict_word import encode_verdicts
from ledger.judging.frame_chains import CircleTask, FetchedUpdate, HeldBlobs, find_frame_chain
from ledger.judging.replay import make_judge_round
from ledger.judging.screening import RoundVerdicts, screen
from ledger.rules.judge_memory import CarriedState
from node.follower import Overtaken
from node.learning.learner import Learner
from node.membership.announcing import Announcing
from node.membership.own_state import OwnState, RecentWork
from node.membership.parts import PeerParts
from node.membership.reporting import RoundReports
from node.state.peer_state import PeerState
from node.state.provisions import Provisions
from node.state.recovery import JudgedExchange

_WAIT_S: Final = 1.0
# Part of the attest window that fetching may take; the rest is for screening and the transaction.
_EXCHANGE_SHARE: Final = 0.5


class Attesting:
    """One seat's. follow: takes in what the chain has new."""

    def __init__(
        self,
        parts: PeerParts,
        own: OwnState,
        learner: Learner,
        provisions: Provisions,
        recent: RecentWork,
        reports: RoundReports,
        follow: Callable[[float], Awaitable[None]],
    ) -> None:
        self._parts, self._own, self._learner, self._provisions = parts, own, learner, provisions
        self._recent, self._reports, self._follow = recent, reports, follow
        self._announcing = Announcing(parts, own)

    async def attest(self, round_: Round) -> float:
        """Publish, judge and attest. Returns how long to wait then, seconds. Raises what a call raises."""
        parts, seat, number, state = self._parts, self._own.seat, round_.number, self._own.state
        floor = parts.history.terms.reputation_floor
        held = HeldBlobs() if parts.behaviour.is_unreadable else await self._provisions.find_own_update(round_)
        if held is None:
            return _WAIT_S
        await self._announcing.announce(round_)
        parts.fail_at(number, "exchange")
        known = [one for one in self._recent.judged if one.holds_for(round_, floor, state.base.record)]
        judged = known[-1] if known else await self._exchange(round_, state, held)
        parts.fail_at(number, "attest")
        screened = judged.verdicts
        accepted = parts.behaviour.verdicts(screened.judged, screened.accepted)
        order = round_.find_neighbours(parts.history.manifest.degree)[seat]
        await parts.follower.call(
            "attest",
            encode_verdicts(round_.seed or b"", number, order, screened.judged, accepted),
            screened.record_digest,
            only_if=lambda history: self._is_judged(history, judged),
        )
        learner = self._learner
        await self._reports.begin(
            round_, seat, screened, learner.evaluate, learner.compute_spending, learner.told_figures
        )
        return 0.0

    async def _exchange(self, round_: Round, state: PeerState, held: HeldBlobs) -> JudgedExchange:
        """Fetch the neighbours' updates and judge them. Raises Overtaken where the chain changes meanwhile."""
        parts, history, manifest = self._parts, self._parts.history, self._parts.history.manifest
        floor = history.terms.reputation_floor
        collecting = asyncio.create_task(
            parts.services.exchange.collect(
                history,
                round_,
                round_.find_neighbours(manifest.degree)[self._own.seat],
                max_bytes=update_max_bytes(manifest),
                budget_s=parts.circle.attest_window_s * _EXCHANGE_SHARE,
            )
        )
        before = parts.follower.rollbacks
        try:
            while not (await asyncio.wait({collecting}, timeout=_WAIT_S))[0]:
                await self._follow(0.0)
                if parts.follower.rollbacks != before:
                    raise Overtaken("the chain was reorganised during the exchange")
            neighbours = collecting.result()
        finally:
            collecting.cancel()
        screened = await parts.worker.run(lambda: self._screen(round_, state.base.carried, held, neighbours))
        judged = JudgedExchange(
            round_.number,
            round_.seed,
            dict(round_.commits),
            round_.find_eligible(floor),
            state.base.record,
            screened,
        )
        self._recent.judged.append(judged)
        return judged

    def _is_judged(self, history: History, judged: JudgedExchange) -> bool:
        """Whether the round under way is the one judged: after a reorganisation its seed may be another."""
        now, base = history.round, self._own.base
        return (
            now is not None
            and history.phase == Phase.ATTEST
            and history.seat_of(self._parts.address) == self._own.seat
            and base.is_latest(history, self._own.seat)
            and judged.holds_for(now, history.terms.reputation_floor, base.record)
        )

    def _screen(
        self, round_: Round, carried: CarriedState, held: HeldBlobs, neighbours: Mapping[int, FetchedUpdate]
    ) -> RoundVerdicts:
        parts, store = self._parts, self._parts.services.store
        history, seat = parts.history, self._own.seat
        links, sitting = find_frame_chain(history, round_, seat), make_judge_round(history, round_, seat)
        author, digest = links[0].author, links[0].digest
        instead = parts.behaviour.judges_instead(parts.network, sitting, author, digest, carried)
        if instead is not None:
            store.put(instead.record)
            return instead
        with parts.meter.measure_section("screening"):
            task = CircleTask(
                history.manifest, parts.network, parts.services.exchange.states, self._learner.compute_loss
            )
            own = FetchedUpdate(links, held, round_.tenures[seat])
            screened = screen(task, sitting, own, carried, neighbours)
        with parts.meter.measure_section("blobs"):
            for blob in screened.blobs:
                parts.services.pin(store.put(blob))
        return screened
