"""Partition by natural owner: what belongs to one person, ward or device stays together."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ledger.errors import UsageError
from node.partitions.interface import Indices, Partition, Pool, draw_order


class Owner(Partition):
    """Each owner's examples go to one seat together; seats get owners until all are dealt, the emptiest seat next.

    column: which column of x, (n, columns), names the owner; −1 (the default) for the task's own `owners(seat,
    seats)`: an array that says whose each example of data(seat, seats) is. A seat has as many examples as its
    owners have, at most `most` of each, drawn at random (0, the default, for all of them), whatever the scenario's
    samples are. Source: the natural partition of LEAF, Caldas et al. 2018, arXiv:1812.01097, section 3.
    """

    name = "owner"

    def __init__(self, column: float = -1, most: float = 0) -> None:
        if column < -1 or most < 0 or not (float(column).is_integer() and float(most).is_integer()):
            raise ValueError("column is a whole number from −1, most one from 0")
        self.column, self.most = int(column), int(most)

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:  # noqa: ARG002
        names, owner_of = np.unique(self._find_owners(pool), return_inverse=True)
        if len(names) < seats:
            raise UsageError(
                f"{len(names)} owners do not go round {seats} seats: use fewer peers, or another column"
            )
        order = draw_order(len(pool), rng)
        held = [order[owner_of[order] == owner] for owner in draw_order(len(names), rng)]
        if self.most:
            held = [mine[: self.most] for mine in held]
        dealt: list[list[Indices]] = [[] for _ in range(seats)]
        sizes = [0] * seats
        for mine in sorted(held, key=len, reverse=True):
            seat = sizes.index(min(sizes))
            dealt[seat].append(mine)
            sizes[seat] += len(mine)
        return [np.sort(np.concatenate(some)) for some in dealt]

    def _find_owners(self, pool: Pool) -> npt.NDArray[np.generic]:
        """(n,), anything that can be told apart. Raises UsageError."""
        if self.column < 0:
            if pool.named_owners is None:
                raise UsageError(
                    "the task does not say whose its examples are: give it a method owners(seat, seats), or choose"
                    " a column of x with --partition-parameter column=NUMBER"
                )
            return pool.named_owners
        if pool.x.ndim != 2 or self.column >= pool.x.shape[1]:
            raise UsageError(f"x of shape {tuple(pool.x.shape)} has no column {self.column} that names owners")
        return pool.x[:, self.column].numpy()
