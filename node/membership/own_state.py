"""What a seat goes on from, and the updates it has made: in memory, on disk and as the chain has them."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from ledger.blobs.contents.records import update_max_bytes
from ledger.circle.history import History
from ledger.identity.addresses import address_bytes
from node.membership.parts import PeerParts
from node.seat.seating import is_authored
from node.state.own_frames import is_anchored
from node.state.peer_state import Base, OwnCommit, PeerState, StateFile
from node.state.provisions import Provisions
from node.state.recovery import JudgedExchange

_log = logging.getLogger(__name__)
_JUDGED_KEPT: Final = 2
_BASES_KEPT: Final = 2


@dataclass(frozen=True)
class RecentWork:
    """What a reorganisation of the chain may bring back, whichever seat it is done from."""

    judged: deque[JudgedExchange] = field(default_factory=lambda: deque(maxlen=_JUDGED_KEPT))
    """The last exchanges."""
    bases: deque[Base] = field(default_factory=lambda: deque(maxlen=_BASES_KEPT))
    """The bases before the present one."""


class OwnState:
    """One seat's."""

    def __init__(
        self,
        parts: PeerParts,
        seat: int,
        file: StateFile,
        state: PeerState,
        provisions: Provisions,
        recent: RecentWork,
    ) -> None:
        self._parts, self.seat, self._file = parts, seat, file
        self._provisions, self._recent = provisions, recent
        self.state = state
        self._saving_ahead: asyncio.Task[None] | None = None

    @property
    def base(self) -> Base:
        """The model that the next update is trained from."""
        return self.state.base

    async def bring_up(self) -> None:
        """The base follows what is on chain, not what was sent."""
        recent = self._recent
        base = await self._provisions.find_base([*recent.bases, self.state.base], recent.judged)
        if base is not self.state.base:
            recent.bases.append(self.state.base)
            self.state = replace(self.state, base=base)
            # A large model takes the disk a while: it is there by the time the next update is made.
            self._saving_ahead = asyncio.create_task(self._save_ahead(base))

    async def _save_ahead(self, base: Base) -> None:
        try:
            await asyncio.to_thread(self._file.save_ahead, base)
        except OSError as error:
            # The save itself tries again, and tells.
            _log.info("base not written yet round=%d reason=%s", base.round, error)

    async def save(self, state: PeerState) -> None:
        """Go on from this one, and have it on disk."""
        self.state = state

        def write() -> None:
            with self._parts.meter.measure_section("state"):
                self._file.save(state)

        await self._parts.worker.run(write)

    def is_finishing(self) -> bool:
        """It has committed to the round under way: nobody else has the update, so nobody else can attest."""
        history, seat = self._parts.history, self.seat
        round_ = history.round
        if round_ is None or not history.is_in_round(seat):
            return False
        return self.is_made_here(round_.number, round_.commits[seat]) and seat not in round_.attestations

    def is_made_here(self, number: int, digest: bytes) -> bool:
        """Whether the update of a round with this digest is one of this state's."""
        return any((one.round, one.digest) == (number, digest) for one in self.state.commits)

    def find_held(self, number: int) -> OwnCommit | None:
        """An update already made for this round, if its blob is whole: the announced one, or one from this base."""
        store, history = self._parts.services.store, self._parts.history
        made = [one for one in self.state.commits if one.round == number and self.fits(one, history)]
        held = [*self.find_announced(number), *(one for one in made if store.has(one.digest))]
        return next((commit for commit in held if self._is_mine(commit)), None)

    def find_announced(self, number: int, besides: bytes = b"") -> list[OwnCommit]:
        """The updates of a round that may have been announced: those whose seal is broken."""
        store = self._parts.services.store
        made = [one for one in self.state.commits if one.round == number and one.digest != besides]
        return [one for one in made if not store.is_sealed(one.digest) and store.has(one.digest)]

    def fits(self, held: OwnCommit, history: History) -> bool:
        """Whether an update made earlier still follows from what is on chain."""
        return held.base_record == self.state.base.record and is_anchored(held, history, self.seat)

    def _is_mine(self, commit: OwnCommit) -> bool:
        """Whether an update names this key as its author, not one that was rotated away."""
        parts, manifest = self._parts, self._parts.history.manifest
        blob = parts.services.store.find(commit.digest, update_max_bytes(manifest))
        return blob is not None and is_authored(
            blob, manifest, parts.network, commit.round, address_bytes(parts.address)
        )
