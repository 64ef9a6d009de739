"""Models of a circle out of an audit's bundle: without a network, and as long as the file lasts."""

import asyncio
from collections.abc import Mapping

from ledger.arithmetic.exact import GridState
from ledger.audit.bundle.reader import Bundle
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.judging.circle_model import find_base_round, find_lower_median, find_model_round, find_model_seats
from node.duties.circle_model import BaseLacking, ModelState, check_recomputable
from node.models.search import BaseWalk
from node.models.taking_out import Source


class BundledBlobs:
    """A `FetchBlobs` that asks nobody: what a bundle has not is not to be had."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    async def __call__(self, wanted: Mapping[bytes, int], max_bytes: int) -> Mapping[bytes, bytes | None]:
        """As any FetchBlobs. Raises BadBundle too."""
        bundle, found = self._bundle, dict[bytes, bytes | None]()
        for digest in wanted:
            if digest not in bundle.blobs and digest not in bundle.invalid:
                raise Unavailable(digest, bundle.missing.get(digest) or {str(bundle.path): "not in the bundle"})
            try:
                found[digest] = await asyncio.to_thread(bundle.read_blob, digest, max_bytes)
            except PeerFault:
                found[digest] = None
        return found


class WalkedSource(Source):
    """A circle whose models are recomputed from its first round on.

    An audit keeps the updates of all rounds, and hardly any checkpoint: it has no need of them.
    """

    async def recompute(self, number: int, seat: int | None) -> ModelState:
        """As any Source's."""
        self.check_there(number, seat)
        history = self.history
        round_ = find_model_round(history, number) if seat is None else find_base_round(history, number, seat)
        if round_ is None:
            return await super().recompute(number, seat)
        check_recomputable(history.manifest)
        walk, bases = BaseWalk(self, (await super().recompute(0, None)).state), dict[int, GridState]()
        for one in history.rounds[: round_.number]:
            bases = await walk.go_on(one)
        seats = find_model_seats(history, round_) if seat is None else (seat,)
        for one_seat in seats:
            if one_seat not in bases:
                raise BaseLacking(one_seat, round_.number, walk.lacking[one_seat])
        state = find_lower_median([bases[one] for one in seats]) if seat is None else bases[seat]
        return ModelState(round_.number, seat, seats, state)
