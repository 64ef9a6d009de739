"""Where a peer starts from: the circle's genesis, its own saved state, and what the chain says happened since.

What is not here is fetched from the other members. What they do not serve now is lacking: the peer says so, asks
again, and until then commits to nothing and judges nobody.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.checkpoint import checkpoint_max_bytes, decode_checkpoint, decode_checkpoint_record
from ledger.blobs.contents.records import RECORD_MAX_BYTES, decode_genesis, update_max_bytes
from ledger.blobs.unixfs import build_dag
from ledger.circle.history import History, Round
from ledger.errors import NotYet, PeerFault, SetupError
from ledger.fetch.fetcher import Unavailable
from ledger.judging.frame_chains import BlobMissing, CircleTask, HeldBlobs, find_frame_chain
from ledger.judging.replay import digests_behind_attestation, replay, shows_checkpoint
from ledger.judging.screening import RoundVerdicts
from ledger.rules.judge_memory import CarriedState
from node.blobs.store import BlockStore
from node.duties.jury import fetch_updates
from node.round.exchange import Exchange
from node.state.peer_state import Base

_log = logging.getLogger(__name__)
_TIMEOUT_S: Final = 20.0


class StateLacking(NotYet):
    """What a peer has to go on from is not here, and nobody serves it now (R15.1)."""


@dataclass(frozen=True)
class JudgedExchange:
    """What a peer found in a round's exchange; it holds for this seed, these commits and no others."""

    number: int
    """The round's."""
    seed: bytes | None
    """The round's, 32 bytes; None before the draw."""
    commits: Mapping[int, bytes]
    """Seat → digest."""
    eligible: frozenset[int]
    """The seats that might be mixed."""
    base_record: bytes
    """Record digest of the attestation that its own base came of."""
    verdicts: RoundVerdicts
    """What it found."""

    def holds_for(self, round_: Round, floor: int, base_record: bytes) -> bool:
        """Whether judging the round as the chain has it now, from this base, would find the same."""
        return (
            (self.number, self.seed, self.base_record) == (round_.number, round_.seed, base_record)
            and self.commits == round_.commits
            and self.eligible == round_.find_eligible(floor)
        )


class Recovery:
    """Rebuilds one seat's state. Blobs come from the peer's own store first, then from the other members."""

    def __init__(
        self,
        history: Callable[[], History],
        network: bytes,
        seat: int,
        store: BlockStore,
        exchange: Exchange,
        loss: Callable[[GridState], float] | None = None,
    ) -> None:
        """history: gives the circle's present one. loss: the peer's own, for rules that judge by it."""
        self._present, self._network, self._seat = history, network, seat
        self._store, self._exchange = store, exchange
        self._loss = loss
        self._genesis: GridState | None = None
        self.lacking: StateLacking | None = None
        """Why the base last told is not the one that the chain asks for."""
        self._max_bytes = update_max_bytes(history().manifest)

    @property
    def _history(self) -> History:
        return self._present()

    async def load_genesis(self, own: bytes) -> GridState:
        """The state all start from. own: the genesis blob as this machine makes it. Raises Lacking, SetupError."""
        manifest = self._history.manifest
        if build_dag(own).root == manifest.genesis_digest:
            await asyncio.to_thread(self._store.put, own)
        else:
            own = await self._load_genesis_blob(manifest.genesis_digest)
        self._genesis = decode_genesis(own, manifest)
        return self._genesis

    async def rebuild_base(self, known: Sequence[Base], judged: Sequence[JudgedExchange] = ()) -> Base:
        """The base that follows from the seat's attestations as the chain has them now.

        known: bases to start from, oldest first. judged: exchanges still in memory; others are done over again
        from the blobs. Where these cannot be had it is the last one that follows, and `lacking` says why.
        """
        self.lacking = None
        base = next((base for base in reversed(known) if base.is_on_chain(self._history, self._seat)), None)
        if base is None:
            _log.info("no known base on chain any more, starting from genesis")
            assert self._genesis is not None
            base = Base(self._genesis)
        base = await self._take_own_checkpoint(base, judged)
        # What was attested from this seat before its present holder joined or started anew is none of its business.
        first = self._history.seats[self._seat].begun_round
        for round_ in self._history.rounds[max(base.round, first - 1) :]:
            attestation = round_.attestations.get(self._seat)
            if attestation is not None:
                done = next((one for one in judged if one.verdicts.record_digest == attestation.record), None)
                try:
                    screened = done.verdicts if done else await self._replay(base.carried, round_)
                except StateLacking as lacking:
                    self.lacking = lacking
                    break
                after = screened.carried
                base = Base(after.base, round_.number, attestation.record, after.memory)
        return base

    async def _take_own_checkpoint(self, base: Base, judged: Sequence[JudgedExchange]) -> Base:
        """The newest own checkpoint in the store, where not all that came after the base is in memory."""
        history, known = self._history, {one.verdicts.record_digest for one in judged}
        first = max(base.round, history.seats[self._seat].begun_round - 1)
        later = [one for one in history.rounds[first:] if self._seat in one.attestations]
        if all(one.attestations[self._seat].record in known for one in later):
            return base
        for round_ in reversed(later):
            if shows_checkpoint(history, round_, self._seat):
                carried = await asyncio.to_thread(self._load_own_checkpoint, round_)
                if carried is not None:
                    _log.info("going on from own checkpoint round=%d", round_.number)
                    record = round_.attestations[self._seat].record
                    return Base(carried.base, round_.number, record, carried.memory)
        return base

    def _load_own_checkpoint(self, round_: Round) -> CarriedState | None:
        """What the chain anchored as this seat's checkpoint of a round, if it is in the store."""
        assert self._genesis is not None
        manifest = self._history.manifest
        found = self._store.find(round_.attestations[self._seat].record, RECORD_MAX_BYTES)
        if found is None:
            return None
        try:
            record = decode_checkpoint_record(found, self._network, round_, self._seat)
            blob = self._store.find(record.checkpoint, checkpoint_max_bytes(manifest))
            return None if blob is None else decode_checkpoint(blob, manifest, record, self._genesis)
        except PeerFault as fault:
            _log.warning("own checkpoint not used round=%d fault=%s", round_.number, fault)
            return None

    async def load_own_update(self, round_: Round) -> HeldBlobs:
        """The seat's own update of a round, whole, and what it hangs on. Raises Lacking."""
        links, states, held = (
            find_frame_chain(self._history, round_, self._seat),
            self._exchange.states,
            HeldBlobs(),
        )
        while (digest := held.find_lacking(links, self._history.manifest, states)) is not None:
            held.add({digest: await self._load_own_blob(digest, round_.number)})
        return held

    async def _load_own_blob(self, digest: bytes, number: int) -> bytes:
        found = await asyncio.to_thread(self._store.find, digest, self._max_bytes)
        if found is None:
            try:
                found = await self._fetch_one(digest, self._seat)
            except Unavailable as error:
                raise StateLacking(f"this peer's own update of round {number} is lost: {error}") from error
        if found is None:
            raise StateLacking(
                f"this peer's own update of round {number} is lost: what has its digest makes no blob"
            )
        return found

    async def _load_genesis_blob(self, digest: bytes) -> bytes:
        """Another release of torch draws other initial values: then the state comes from those who have it."""
        own = await asyncio.to_thread(self._store.find, digest, self._max_bytes)
        if own is not None:
            return own
        try:
            found = await self._fetch_one(digest, 0)
        except Unavailable as error:
            raise StateLacking(
                "this machine's torch draws another initial state than the circle's and no member serves it now: "
                "check --task and its options, put the founder's .genesis file beside the circle file, or wait "
                "until another member is up"
            ) from error
        if found is None:
            raise SetupError(
                "the circle's initial state makes no blob: nobody can take part, ask for another circle"
            )
        return found

    async def _fetch(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        """Digest → seat to be asked first in, blobs out. Raises Unavailable."""
        return await self._exchange.fetch_blobs(self._history, wanted, max_bytes=max_bytes, timeout_s=_TIMEOUT_S)

    async def _fetch_one(self, digest: bytes, seat: int) -> bytes | None:
        fetched = await self._fetch({digest: seat}, self._max_bytes)
        try:
            return await asyncio.to_thread(fetched.__getitem__, digest)
        except KeyError as error:
            raise Unavailable(digest, {"own store": "lost as soon as it was fetched"}) from error

    async def _replay(self, carried: CarriedState, round_: Round) -> RoundVerdicts:
        _log.info("rebuilding base round=%d", round_.number)
        history, states = self._history, self._exchange.states
        try:
            held = await fetch_updates(
                history, round_, digests_behind_attestation(round_, self._seat), self._fetch, states
            )
            screened = await asyncio.to_thread(
                replay,
                history,
                CircleTask(history.manifest, self._network, states, self._loss),
                round_,
                self._seat,
                carried,
                held,
            )
        except (Unavailable, BlobMissing, PeerFault) as error:
            raise StateLacking(f"the state after round {round_.number} cannot be rebuilt: {error}") from error
        # [REJECT] R15: a base that does not follow from what this seat attested
        if screened.record_digest != round_.attestations[self._seat].record:
            raise StateLacking(
                f"the state after round {round_.number} cannot be rebuilt: what its blobs give is not what this "
                "seat attested"
            )
        return screened
