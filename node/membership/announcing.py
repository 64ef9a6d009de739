"""Serving and announcing a committed update: signed once for each round, whatever became of the chain since."""

import logging
from typing import Final

from ledger.circle.history import Round
from node.membership.own_state import OwnState
from node.membership.parts import PeerParts

_log = logging.getLogger(__name__)
_LOOK_S: Final = 3.0


class Announcing:
    """One seat's."""

    def __init__(self, parts: PeerParts, own: OwnState) -> None:
        self._parts, self._own = parts, own
        self._looked_at: int | None = None

    async def announce(self, round_: Round) -> None:
        """The commit phase has closed: the update may be served and announced."""
        parts, gossip = self._parts, self._parts.services.gossip
        number, digest = round_.number, round_.commits[self._own.seat]
        parts.unseal(digest)
        with parts.meter.measure_section("gossip"):
            gossip.expect(number, list(round_.peers.values()))
        if self._looked_at != parts.follower.rollbacks:
            # Another process, or a life before this one, may have announced what this folder knows nothing of.
            await gossip.look(number, _LOOK_S)
            self._looked_at = parts.follower.rollbacks
        is_other = bool(self._own.find_announced(number, besides=digest))
        is_other = is_other or not self._own.is_made_here(number, digest)
        is_other = is_other or gossip.has_announced_another(number, digest)
        if is_other or not parts.journal.may_sign(number, parts.address, digest):
            # Only the chain brought this one back; a second announcement would convict the peer.
            _log.warning("not announcing, another update may be announced already round=%d", number)
            return
        await parts.meter.measure_awaited("gossip", self._flood(number, digest))
        parts.behaviour.after_announcing(number, digest)

    async def _flood(self, number: int, digest: bytes) -> None:
        await self._parts.services.gossip.announce(number, digest)
