"""What poisoners of a running circle know of the honest peers: all that is public, and no more.

The round's own updates are sealed until everybody has committed, so the newest that can be known is of the round
before: every honest peer's public state, and the model it goes on from, which anyone can recompute from the blobs.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ledger.arithmetic.exact import GridState, to_float
from ledger.blobs.contents.records import Record, encode_record, state_digest
from ledger.circle.history import History, Round
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.frame_chains import (
    BlobMissing,
    CircleTask,
    FetchedUpdate,
    HeldBlobs,
    StateCache,
    decode_public_state,
    find_frame_chain,
)
from ledger.judging.replay import digests_behind_attestation, replay
from ledger.judging.screening import JudgeRound, RoundVerdicts
from ledger.rules import find_rule, looks_back
from ledger.rules.judge_memory import CarriedState
from node.attacks.view import KnownStates
from node.duties.jury import FetchBlobs, fetch_updates

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Known:
    """What is known of one honest peer since the round in which its line began."""

    begun: int
    """That round."""
    newest: GridState | None
    """Its newest public state, (d,), int32; None where none is known."""
    carried: CarriedState | None
    """What it goes on with; None where it cannot be recomputed."""


class Collusion:
    """Follows the honest peers of a circle round by round, by fetching what they published like anyone else."""

    def __init__(
        self,
        history: Callable[[], History],
        network: bytes,
        accomplices: Collection[int],
        genesis: GridState,
        fetch: FetchBlobs,
    ) -> None:
        """history: gives the circle's present one. genesis: what every peer starts from. fetch: gets blobs."""
        self._present, self._network, self._fetch = history, network, fetch
        self._accomplices, self._genesis = frozenset(accomplices), genesis
        self._forget()

    def _forget(self) -> None:
        self._known: dict[int, _Known] = {}
        self._seeds: list[bytes | None] = []
        self._states = StateCache(self._genesis)

    async def look(self, number: int) -> KnownStates:
        """What is known when training for round `number` is done."""
        history = self._present()
        past = history.rounds[: number - 1]
        if [round_.seed for round_ in past[: len(self._seeds)]] != self._seeds:
            # The chain was reorganised.
            self._forget()
        for round_ in past[len(self._seeds) :]:
            await self._follow(history, round_)
            self._seeds.append(round_.seed)
        return await asyncio.to_thread(self._knowledge, history)

    async def _follow(self, history: History, round_: Round) -> None:
        """One round more: what was published in it, and what its judges made of that."""
        honest = [seat for seat in round_.commits if seat not in self._accomplices]
        needed = {seat: round_.commits[seat] for seat in honest}
        for judge in honest:
            if judge in round_.attestations:
                needed |= digests_behind_attestation(round_, judge)
        held = HeldBlobs()
        for seat, digest in needed.items():
            try:
                await fetch_updates(history, round_, {seat: digest}, self._fetch, self._states, held)
            except Unavailable as error:
                _log.info("accomplices do without an update round=%d seat=%d reason=%s", round_.number, seat, error)
        for seat in honest:
            self._known[seat] = await asyncio.to_thread(self._after, history, round_, seat, held)

    def _after(self, history: History, round_: Round, seat: int, held: HeldBlobs) -> _Known:
        tenure = round_.tenures[seat]
        begun, before = round_.begun[seat], self._known.get(seat)
        if before is None or before.begun != begun:
            before = _Known(begun, None, CarriedState(self._genesis))
        newest, carried = before.newest, before.carried
        try:
            fetched = FetchedUpdate(find_frame_chain(history, round_, seat), held, tenure)
            newest = decode_public_state(fetched, CircleTask(history.manifest, self._network, self._states)).state
        except (PeerFault, BlobMissing):
            pass
        if seat in round_.attestations:
            carried = self._replayed(history, round_, seat, carried, held)
        return _Known(begun, newest, carried)

    def _replayed(
        self, history: History, round_: Round, judge: int, carried: CarriedState | None, held: HeldBlobs
    ) -> CarriedState | None:
        rule = find_rule(history.manifest)
        if not rule.is_replayable or (carried is None and looks_back(rule)):
            return None
        try:
            return replay(
                history, CircleTask(history.manifest, self._network, self._states), round_, judge, carried, held
            ).carried
        except (PeerFault, BlobMissing):
            return None

    def _knowledge(self, history: History) -> KnownStates:
        held = {
            seat: known
            for seat, known in sorted(self._known.items())
            if history.seats[seat].is_held and history.seats[seat].begun_round == known.begun
        }
        carried = {seat: known.carried for seat, known in held.items() if known.carried is not None}
        return KnownStates(
            honest={seat: to_float(known.newest) for seat, known in held.items() if known.newest is not None},
            bases={seat: to_float(brought.base) for seat, brought in carried.items()},
            memories={seat: brought.memory for seat, brought in carried.items()},
            peers=sum(seat.is_held for seat in history.seats.values()),
        )


def make_empty_verdicts(
    network: bytes, sitting: JudgeRound, author: bytes, digest: bytes, carried: CarriedState
) -> RoundVerdicts:
    """What a peer attests whose own update nobody can read: no verdicts, and its base stays as it is.

    It keeps the round from waiting for it. author: 20 bytes. digest: of its update, 32 bytes.
    """
    base = state_digest(carried.base)
    record = Record(network, sitting.round, author, base, digest, (), base, carried.memory.digest(), b"")
    return RoundVerdicts(judged=0, accepted=0, record=encode_record(record), entries=(), carried=carried)
