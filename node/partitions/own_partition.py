"""What a partition dealt, checked; and a user's own, whose faults become a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ledger.errors import SetupError
from node.own_code.own_objects import OwnObject
from node.partitions.interface import Indices, Partition, Pool


class BadDeal(SetupError):
    """What was dealt is no split of the pool."""


class OwnPartition(Partition):
    """Deals as the user's object deals, once that is a split."""

    def __init__(self, own: OwnObject) -> None:
        self._own = own

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:
        if not hasattr(self._own.value, "deal"):
            return super().deal(pool, seats, samples, rng)
        dealt = self._own.call("deal", pool, seats, samples, rng)
        try:
            with self._own.run("what deal() gave"):
                return check_deal(dealt, len(pool), seats)
        except BadDeal as error:
            raise self._own.complain("deal", str(error)) from error

    def see(self, x: torch.Tensor, seat: int, seats: int, rng: np.random.Generator) -> torch.Tensor:
        if not hasattr(self._own.value, "see"):
            return x
        seen = self._own.call("see", x, seat, seats, rng)
        try:
            return check_seen(seen, x)
        except BadDeal as error:
            raise self._own.complain("see", str(error)) from error


def check_deal(dealt: Any, examples: int, seats: int) -> list[Indices]:
    """The split as ascending int64 arrays. Raises BadDeal."""
    shares = [np.asarray(share) for share in dealt]
    if len(shares) != seats:
        raise BadDeal(f"gave {len(shares)} shares for {seats} seats: give one each")
    for seat, share in enumerate(shares):
        if share.ndim != 1 or len(share) == 0:
            raise BadDeal(f"gave seat {seat} a share of shape {share.shape}: give at least one example's place")
        if share.dtype.kind not in "iu":
            raise BadDeal(f"gave seat {seat} places of dtype {share.dtype}: give whole numbers")
        if int(share.min()) < 0 or int(share.max()) >= examples:
            raise BadDeal(f"gave seat {seat} places outside 0 to {examples - 1}, where the examples are")
    together = np.concatenate([share.astype(np.int64) for share in shares])
    if len(np.unique(together)) != len(together):
        raise BadDeal("gave an example twice: give it to one seat, once")
    return [np.sort(share.astype(np.int64)) for share in shares]


def check_seen(seen: Any, x: torch.Tensor) -> torch.Tensor:
    """The examples as a seat sees them. Raises BadDeal unless they are like those that were dealt."""
    if not isinstance(seen, torch.Tensor):
        raise BadDeal(f"gave a {type(seen).__name__}: give a tensor")
    if seen.shape != x.shape or seen.dtype != x.dtype:
        raise BadDeal(
            f"gave {seen.dtype} of shape {tuple(seen.shape)} for {x.dtype} of shape {tuple(x.shape)}: keep both"
        )
    if not bool(torch.isfinite(seen).all()):
        raise BadDeal("gave values that are not finite")
    return seen
