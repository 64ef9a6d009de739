"""Partitions by quantity: seats differ in how many examples they have, and all see the same mix."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from node.partitions.interface import Indices, Partition, Pool, count_each, deal_sizes, draw_order


class Quantity(Partition):
    """Sizes drawn from a Dirichlet distribution: (s₁ … sₙ) ~ Dirichlet(alpha).

    alpha: the smaller, the more unequal; some .5 leaves several seats with a handful. Every seat has at least one
    example; together they have as many as equal sizes would give them.
    Source: Li et al. 2022 (NIID-Bench), arXiv:2102.02079, section 4.3 (quantity skew).
    """

    name = "quantity"

    def __init__(self, alpha: float = 0.5) -> None:
        if not 0 < alpha < float("inf"):
            raise ValueError(f"alpha is {alpha:g}, not above 0")
        self.alpha = alpha

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:
        total = seats * count_each(len(pool), seats, samples)
        return deal_sizes(len(pool), apportion(total, rng.dirichlet(np.full(seats, self.alpha))), rng)


class PowerLaw(Partition):
    """Sizes by a power law: the k-th largest seat has a share proportional to k to the power of −exponent.

    exponent: 0 for equal sizes; at 1 (Zipf's law) the largest of 20 seats has 28 % of all examples. Which seat is
    the k-th is drawn. Every seat has at least one example; together they have as many as equal sizes would give
    them. Source: Li et al. 2020 (FedProx), arXiv:1812.06127, section 5.1 (samples per device follow a power law).
    """

    name = "power-law"

    def __init__(self, exponent: float = 1.0) -> None:
        if not 0 <= exponent <= 20:
            raise ValueError(f"exponent is {exponent:g}, not in 0..20")
        self.exponent = exponent

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:
        total = seats * count_each(len(pool), seats, samples)
        rank = 1.0 + draw_order(seats, rng)
        return deal_sizes(len(pool), apportion(total, np.power(rank, -self.exponent, dtype=np.float64)), rng)


def apportion(total: int, weights: npt.NDArray[np.float64]) -> list[int]:
    """Whole sizes nearly proportional to the weights that add up to the total, each at least 1.

    weights: (seats,), from 0. total: at least as many as there are seats. Each first gets one, then its whole part
    of what is left, and the largest remainders the rest.
    """
    seats, share = len(weights), weights / weights.sum()
    exact = share * (total - seats)
    sizes = np.floor(exact).astype(np.int64)
    rest = total - seats - int(sizes.sum())
    sizes[np.argsort(sizes - exact, kind="stable")[:rest]] += 1
    return [1 + int(size) for size in sizes]
