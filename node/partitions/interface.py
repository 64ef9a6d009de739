"""What a partition is: who holds which of a pool of examples, and how each holder sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from ledger.errors import SetupError, UsageError

Indices = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """The examples that are to be dealt."""

    x: torch.Tensor
    """(n, …), whatever the model takes."""
    y: torch.Tensor
    """(n, …), what it is to say of them."""
    named_owners: npt.NDArray[np.generic] | None = None
    """(n,), whose each example is, where the task says so."""

    def __len__(self) -> int:
        return len(self.y)

    @property
    def labels(self) -> Labels:
        """(n,), the examples' class numbers, from 0. Raises UsageError where y holds none."""
        if self.y.ndim != 1 or self.y.is_floating_point() or self.y.is_complex() or int(self.y.min()) < 0:
            raise UsageError(
                "this partition deals by labels, and the task's y holds no class number for each example: choose"
                " one that deals by quantity, by owner or by what is seen"
            )
        return self.y.numpy().astype(np.int64)


class Partition:
    """A split of a pool among seats.

    Parameters are numbers with defaults in the constructor; it raises ValueError for a value that makes no sense.
    """

    name: ClassVar[str] = ""
    """As it is asked for."""

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:
        """The places in the pool of each seat's examples: disjoint, at least one a seat.

        samples: how many a seat is to have, in the mean; fewer where the pool has fewer. rng: the one source of
        chance. Raises UsageError or ValueError where it cannot deal this pool.
        """
        return deal_evenly(len(pool), seats, samples, rng)

    def see(self, x: torch.Tensor, seat: int, seats: int, rng: np.random.Generator) -> torch.Tensor:  # noqa: ARG002
        """The examples as this seat sees them: of the same shape and dtype, finite. rng: the seat's own."""
        return x


def count_each(examples: int, seats: int, samples: int) -> int:
    """How many examples a seat has in the mean. Raises SetupError where they do not go round."""
    if (quota := min(samples, examples // seats)) == 0:
        raise SetupError(f"{examples} examples do not go round {seats} seats: use fewer seats or a larger data set")
    return quota


def deal_evenly(examples: int, seats: int, samples: int, rng: np.random.Generator) -> list[Indices]:
    """As many to each seat, drawn at random."""
    quota = count_each(examples, seats, samples)
    return deal_sizes(examples, [quota] * seats, rng)


def deal_sizes(examples: int, sizes: Sequence[int], rng: np.random.Generator) -> list[Indices]:
    """So many to each seat, drawn at random; ascending. The sizes add up to at most all examples."""
    order = draw_order(examples, rng)
    ends = np.cumsum(sizes)
    return [np.sort(order[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def draw_order(count: int, rng: np.random.Generator) -> Indices:
    """0 to count − 1 in random order."""
    return np.argsort(rng.random(count), kind="stable")
