"""Which model of a circle a digest names: all of them are recomputed, round by round, until one has it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import state_digest
from ledger.circle.history import Round
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.circle_model import find_last_settled, find_lower_median, find_model_seats
from ledger.judging.frame_chains import BlobMissing, CircleTask, StateCache
from ledger.judging.replay import digests_behind_attestation, replay, shows_checkpoint
from ledger.rules import find_rule
from ledger.rules.judge_memory import CarriedState
from node.duties.circle_model import ModelState
from node.duties.jury import fetch_checkpoint, fetch_updates
from node.models.taking_out import Source

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Search:
    """What came of it."""

    found: ModelState | None
    """The model; None where no model that could be recomputed has the digest."""
    rounds: int
    """So many were looked through."""
    unseen: int
    """So many bases in them could not be recomputed, as blobs are not to be had."""


async def find_model(source: Source, digest: bytes, progress: Progress | None = None) -> Search:
    """Look for the model with a digest. progress(done, rounds) is called after each round.

    Raises as `recompute_model` does where there is no genesis.
    """
    genesis = await source.recompute(0, None)
    if state_digest(genesis.state) == digest:
        return Search(genesis, 0, 0)
    last = find_last_settled(source.history) if find_rule(source.history.manifest).is_replayable else 0
    walk, unseen = BaseWalk(source, genesis.state), 0
    for number in range(1, last + 1):
        round_ = source.history.rounds[number - 1]
        bases = await walk.go_on(round_)
        unseen += len(round_.attestations) - len(bases)
        found = await asyncio.to_thread(_find_among, source, round_, bases, digest)
        if found is not None:
            return Search(found, number, unseen)
        if progress is not None:
            progress(number, last)
    return Search(None, last, unseen)


def _find_among(source: Source, round_: Round, bases: dict[int, GridState], digest: bytes) -> ModelState | None:
    seats = find_model_seats(source.history, round_)
    if seats and all(seat in bases for seat in seats):
        median = find_lower_median([bases[seat] for seat in seats])
        if state_digest(median) == digest:
            return ModelState(round_.number, None, seats, median)
    for seat, base in bases.items():
        if state_digest(base) == digest:
            return ModelState(round_.number, seat, (seat,), base)
    return None


class BaseWalk:
    """All seats' bases, round by round from the first: each round is replayed once, and each update decoded once.

    They are those that a juror comes to (R31): each seat goes on from its checkpoint where it has shown one.
    """

    def __init__(self, source: Source, genesis: GridState) -> None:
        self._source, self._genesis = source, genesis
        network = source.network.domain_separator
        self._task = CircleTask(source.history.manifest, network, StateCache(genesis))
        # Seat → the round its holder began in, and what it goes on with; None where that is not known.
        self._carried: dict[int, tuple[int, CarriedState | None]] = {}
        self.lacking: dict[int, Unavailable] = {}
        """Seat → the first blob that its base could not be recomputed without."""

    async def go_on(self, round_: Round) -> dict[int, GridState]:
        """Seat → its base after the next settled round, of those that attested it and whose base can be known."""
        bases: dict[int, GridState] = {}
        for seat in sorted(round_.attestations):
            begun = round_.begun[seat]
            since, carried = self._carried.get(seat, (begun, CarriedState(self._genesis)))
            if since != begun:
                carried = CarriedState(self._genesis)
            carried, record = await self._replay(round_, seat, carried)
            if carried is not None:
                bases[seat] = carried.base
            if shows_checkpoint(self._source.history, round_, seat):
                carried = await self._take_checkpoint(round_, seat, carried, record)
            self._carried[seat] = begun, carried
        return bases

    async def _replay(
        self, round_: Round, seat: int, carried: CarriedState | None
    ) -> tuple[CarriedState | None, bytes | None]:
        """What the seat goes on with, and the digest of its record; None each where it is not known."""
        if carried is None:
            return None, None
        source, task, behind = self._source, self._task, digests_behind_attestation(round_, seat)
        try:
            held = await fetch_updates(source.history, round_, behind, source.fetch, task.states, first=seat)
            screened = await asyncio.to_thread(replay, source.history, task, round_, seat, carried, held)
        except PeerFault:
            return carried, None  # R15: it committed what is no update
        except Unavailable as lacking:
            self.lacking.setdefault(seat, lacking)
            return None, None
        except BlobMissing as lacking:
            self.lacking.setdefault(seat, Unavailable(lacking.digest, {"": str(lacking)}))
            return None, None
        return screened.carried, screened.record_digest

    async def _take_checkpoint(
        self, round_: Round, seat: int, carried: CarriedState | None, record: bytes | None
    ) -> CarriedState | None:
        source, network = self._source, self._task.network
        try:
            return await fetch_checkpoint(source.history, network, round_, seat, self._genesis, source.fetch)
        except PeerFault:
            return carried
        except Unavailable:
            return carried if record == round_.attestations[seat].record else None
