"""Where a peer starts from: the circle's genesis, its own saved state, and what the chain says happened since."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ledger.blobs.fetch import Unavailable
from ledger.blobs.unixfs import build
from ledger.errors import PeerFault, SetupError
from ledger.exact import State
from ledger.history import History, Round
from ledger.lineage import Lost
from ledger.memory import Carried
from ledger.records import decode_genesis, update_max_bytes
from ledger.replay import blobs_needed, replay
from ledger.screening import Screened
from node.blobs.store import BlockStore
from node.exchange import Exchange
from node.jury import whole
from node.state import Base, PeerState, StateFile

_log = logging.getLogger(__name__)
_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class Judged:
    """What a peer found in a round's exchange; it holds for this seed, these commits and no others.

    base_record: of the attestation that its own base came of.
    """

    number: int
    seed: bytes | None
    commits: Mapping[int, bytes]
    eligible: frozenset[int]
    base_record: bytes
    screened: Screened

    def holds_for(self, round_: Round, floor: int, base_record: bytes) -> bool:
        """Whether judging the round as the chain has it now, from this base, would find the same."""
        return (
            (self.number, self.seed, self.base_record) == (round_.number, round_.seed, base_record)
            and self.commits == round_.commits
            and self.eligible == round_.eligible(floor)
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
        loss: Callable[[State], float] | None = None,
    ) -> None:
        """history: gives the circle's present one. loss: the peer's own, for rules that judge by it."""
        self._present, self._network, self._seat = history, network, seat
        self._store, self._exchange = store, exchange
        self._loss = loss
        self._max_bytes = update_max_bytes(history().manifest)

    @property
    def _history(self) -> History:
        return self._present()

    async def genesis(self, own: bytes) -> State:
        """The state all start from. own: the genesis blob as this machine makes it. Raises SetupError."""
        digest = self._history.manifest.genesis_digest
        if build(own).root == digest:
            self._store.put(own)
        elif not self._store.has(digest):
            await self._fetch_genesis(digest)
        return decode_genesis(self._store.get(digest, self._max_bytes), self._history.manifest)

    async def state(self, genesis: State, file: StateFile) -> PeerState:
        """The saved state brought up to the chain, or one rebuilt from the blobs. Raises SetupError."""
        saved = file.load(self._network, self._history.manifest.parameters)
        state = saved or PeerState(self._network, Base(genesis), np.zeros(genesis.shape, np.float32))
        return replace(state, base=await self.base([state.base]))

    async def base(self, known: Sequence[Base], judged: Sequence[Judged] = ()) -> Base:
        """The base that follows from the seat's attestations as the chain has them now.

        known: bases to start from, oldest first. judged: exchanges still in memory; others are done over again
        from the blobs. Raises SetupError.
        """
        base = next((base for base in reversed(known) if base.stands(self._history, self._seat)), None)
        if base is None:
            _log.info("no known base is on chain any more, starting from genesis")
            manifest = self._history.manifest
            genesis = self._store.get(manifest.genesis_digest, self._max_bytes)
            base = Base(decode_genesis(genesis, manifest))
        # What was attested from this seat before its present holder joined is none of its business.
        first = self._history.seats[self._seat].since_round
        for round_ in self._history.rounds[max(base.round, first - 1) :]:
            attestation = round_.attestations.get(self._seat)
            if attestation is not None:
                done = next((one for one in judged if one.screened.record_digest == attestation.record), None)
                screened = done.screened if done else await self._replayed(base.carried, round_)
                after = screened.carried
                base = Base(after.base, round_.number, attestation.record, after.memory)
        return base

    async def _fetch_genesis(self, digest: bytes) -> None:
        """Another release of torch draws other initial values: then the state comes from those who have it."""
        try:
            found = await self._exchange.blobs(
                self._history, {digest: 0}, max_bytes=self._max_bytes, timeout_s=_TIMEOUT_S
            )
        except Unavailable as error:
            raise SetupError(
                "this machine's torch draws another initial state than the circle's and no member serves it: "
                "check --task and its options, or start again when another member is up"
            ) from error
        if found[digest] is None:
            raise SetupError(
                "the circle's initial state makes no blob: nobody can take part, ask for another circle"
            )

    async def _replayed(self, carried: Carried, round_: Round) -> Screened:
        _log.info("rebuilding base round=%d", round_.number)
        history, states = self._history, self._exchange.states

        async def fetch(wanted: Mapping[bytes, int]) -> Mapping[bytes, bytes | None]:
            return await self._exchange.blobs(history, wanted, max_bytes=self._max_bytes, timeout_s=_TIMEOUT_S)

        try:
            held = await whole(history, round_, blobs_needed(round_, self._seat), fetch, states)
            screened = await asyncio.to_thread(
                replay, history, self._network, round_, self._seat, carried, held, states=states, loss=self._loss
            )
        except (Unavailable, Lost, PeerFault) as error:
            raise SetupError(
                f"the state after round {round_.number} cannot be rebuilt ({error}): start again when the other "
                "members are up, or put back the peer's own data folder"
            ) from error
        return screened
