"""Making a round's update and committing to it, at most one for each round."""

import logging
from typing import Final

from ledger.circle.history import History, Phase, Round
from node.learning.lean import LOOKED_BACK, Verdicts
from node.learning.learner import Learner
from node.membership.own_privacy import find_rounds_said
from node.membership.own_state import OwnState
from node.membership.parts import Meanwhile, PeerParts
from node.state.own_frames import find_previous_commit, is_anchored
from node.state.peer_state import OwnCommit, PeerState

_log = logging.getLogger(__name__)
_WAIT_S: Final = 1.0


class Committing:
    """One seat's. meanwhile: does the training."""

    def __init__(self, parts: PeerParts, own: OwnState, learner: Learner, meanwhile: Meanwhile) -> None:
        self._parts, self._own, self._learner, self._meanwhile = parts, own, learner, meanwhile

    async def commit(self, round_: Round) -> float:
        """Train and commit. Returns how long to wait then, seconds. Raises what a call raises, and SetupError."""
        parts, own, number, state = self._parts, self._own, round_.number, self._own.state
        parts.fail_at(number, "train")
        held = own.find_held(number)
        if held is not None and not own.fits(held, parts.history) and not await self._is_stuck(round_):
            # It is announced, and two for one round would convict the peer. Yet what it came of was in blocks that
            # are gone, and nobody could recompute it: better to miss the round, as long as others can close it.
            _log.info("sitting out, update announced before a reorganisation round=%d", number)
            return _WAIT_S
        commit = held if held is not None else await self._make_update(number, state)
        parts.fail_at(number, "commit")
        if parts.services.gossip.has_announced_another(number, commit.digest):
            _log.warning("sitting out, another update announced with this key round=%d", number)
            return _WAIT_S

        def still(history: History) -> bool:
            seat, now = own.seat, history.round
            is_open = now is not None and now.number == number and history.phase == Phase.COMMIT
            is_ours = is_open and history.seat_of(parts.address) == seat and state.base.is_latest(history, seat)
            # Training takes its time: another process may have taken the seat over meanwhile.
            is_ours = is_ours and parts.tenancy.is_named(history, seat)
            return is_ours and (held is not None or is_anchored(commit, history, seat))

        await parts.follower.call("commit", number, commit.digest, only_if=still)
        return 0.0

    async def _make_update(self, number: int, state: PeerState) -> OwnCommit:
        """Train, and have the update on disk before anybody hears of it."""
        parts, seat, services = self._parts, self._own.seat, self._parts.services
        author, states = parts.history.seats[seat].author, services.exchange.states
        last = await parts.worker.run(
            lambda: find_previous_commit(parts.history, parts.network, number, seat, services.store, states)
        )
        residual = state.residual_for(number, parts.history, seat)
        rounds_said = await find_rounds_said(parts, number, seat)
        verdicts = Verdicts.of(parts.history.rounds[max(0, number - 1 - LOOKED_BACK) : number - 1], seat)
        await parts.behaviour.before_update(number)
        prepared = await self._meanwhile(
            lambda: self._learner.prepare(
                parts.network,
                number,
                author,
                state.base.state,
                residual,
                last,
                states.origin,
                rounds_said,
                verdicts,
            )
        )

        def keep() -> bytes:
            with parts.meter.measure_section("blobs"):
                # R5: sealed until the commit phase has closed, so that nobody can copy it.
                return services.store.put(prepared.blob, sealed=True)

        digest = await parts.worker.run(keep)
        reference = b"" if last is None else last.digest
        commit = OwnCommit(number, digest, state.base.record, prepared.residual, reference)
        await self._own.save(state.with_commit(commit, parts.history, seat))
        return commit

    async def _is_stuck(self, round_: Round) -> bool:
        """The round waits past its deadline for more commits than it has."""
        quorum = self._parts.history.terms.quorum
        return len(round_.commits) < quorum and await self._parts.clock.measure_late_s() > 0
