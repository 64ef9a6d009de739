"""The circle's model of a round, recomputed from the chain's history and the blobs: nobody's word is taken."""

import asyncio
from dataclasses import dataclass

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import decode_genesis, update_max_bytes
from ledger.circle.history import History, Round
from ledger.circle.manifest import Manifest
from ledger.errors import NotYet, PeerFault, SetupError
from ledger.fetch.fetcher import Unavailable
from ledger.judging.circle_model import (
    encode_model,
    find_base_round,
    find_lower_median,
    find_model_round,
    find_model_seats,
)
from ledger.judging.frame_chains import BlobMissing
from ledger.rules import find_rule
from node.duties.jury import FetchBlobs, recompute_next_base


class BaseLacking(NotYet):
    """A seat's base of a round cannot be recomputed now, as a blob that it follows from is not to be had."""

    def __init__(self, seat: int, round_number: int, lacking: Unavailable) -> None:
        super().__init__(f"the base of seat {seat} after round {round_number} cannot be recomputed: {lacking}")
        self.seat, self.round_number, self.lacking = seat, round_number, lacking


@dataclass(frozen=True)
class CircleModel:
    """One state that everybody finds alike."""

    round: int
    """The round whose bases went in; 0 where it is the genesis."""
    seats: tuple[int, ...]
    """Whose bases went in, ascending; none where it is the genesis."""
    blob: bytes
    """The genesis blob of a circle that starts from it."""


@dataclass(frozen=True)
class ModelState:
    """A model to the count: the circle's of a round, or the base of one seat (R31)."""

    round: int
    """The round that it belongs to; 0 where it is the genesis."""
    seat: int | None
    """Whose base it is; None where it is the circle's model."""
    seats: tuple[int, ...]
    """Whose bases went in, ascending; none where it is the genesis."""
    state: GridState
    """Its values, (d,), int32."""


async def recompute_model(history: History, network: bytes, number: int, fetch: FetchBlobs) -> CircleModel:
    """The model of a settled round, 0 for the genesis, as the genesis of the next circle (R31). network: 32 bytes.

    Raises BaseLacking; Unavailable where nobody gives the circle's genesis; SetupError where the circle has no such
    model.
    """
    blob = await _fetch_genesis_blob(history, fetch)
    found = await recompute_state(history, network, number, fetch)
    if found.round:
        blob = await asyncio.to_thread(encode_model, found.state, history.manifest.sizes)
    return CircleModel(found.round, found.seats, blob)


async def recompute_state(history: History, network: bytes, number: int, fetch: FetchBlobs) -> ModelState:
    """The model of a settled round itself, 0 for the genesis (R31). Raises as `recompute_model` does."""
    genesis, round_ = await _fetch_genesis_blob(history, fetch), find_model_round(history, number)
    if round_ is None:
        return ModelState(0, None, (), decode_genesis(genesis, history.manifest))
    check_recomputable(history.manifest)
    seats = find_model_seats(history, round_)
    bases = [await _recompute_base(history, network, round_, seat, fetch) for seat in seats]
    return ModelState(round_.number, None, seats, await asyncio.to_thread(find_lower_median, bases))


async def recompute_seat_base(
    history: History, network: bytes, number: int, seat: int, fetch: FetchBlobs
) -> ModelState:
    """A seat's base of a settled round (R31.1).

    Raises as `recompute_model` does, and SetupError where the seat has none of its own then.
    """
    await _fetch_genesis_blob(history, fetch)
    round_ = find_base_round(history, number, seat)
    if round_ is None:
        raise SetupError(
            f"seat {seat} has no base of its own in round {number}: its holder attested nothing until then, so its"
            " base is the genesis, the model of round 0"
        )
    check_recomputable(history.manifest)
    return ModelState(round_.number, seat, (seat,), await _recompute_base(history, network, round_, seat, fetch))


def check_recomputable(manifest: Manifest) -> None:
    """Raises SetupError where nobody can recompute a circle's bases."""
    if not find_rule(manifest).is_replayable:
        raise SetupError(
            f"the rule {manifest.rule} judges by private data: nobody can recompute that circle's bases"
        )


async def _fetch_genesis_blob(history: History, fetch: FetchBlobs) -> bytes:
    manifest = history.manifest
    blob = (await fetch({manifest.genesis_digest: 0}, update_max_bytes(manifest)))[manifest.genesis_digest]
    try:
        if blob is None:
            raise SetupError("no blob can be made of what that circle names as its genesis")
        decode_genesis(blob, manifest)
    except PeerFault as fault:
        raise SetupError(f"that circle's genesis is invalid: {fault}") from fault
    return blob


async def _recompute_base(
    history: History, network: bytes, round_: Round, seat: int, fetch: FetchBlobs
) -> GridState:
    try:
        return await recompute_next_base(history, network, round_.number, seat, fetch)
    except Unavailable as lacking:
        raise BaseLacking(seat, round_.number, lacking) from lacking
    except BlobMissing as lacking:
        raise BaseLacking(seat, round_.number, Unavailable(lacking.digest, {"": str(lacking)})) from lacking
