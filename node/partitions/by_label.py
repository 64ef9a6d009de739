"""Partitions by label: seats differ in which classes they see how often."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from node.partitions.interface import Indices, Partition, Pool, count_each, draw_order
from node.tasks.partition import partition

_SEEDS = 1 << 32


class Fang(Partition):
    """Each label has home seats; an example goes to one of them with probability `skew`, else to any seat.

    skew: 0: all seats see the same mix; 1: each its own labels alone. All seats have as many examples. It is how
    the built-in tasks deal by themselves, here for any task. Source: the degree of non-IID of Fang et al. 2020,
    arXiv:1911.11815, section 5.1, with a peer for a group.
    """

    name = "fang"

    def __init__(self, skew: float = 0.5) -> None:
        if not 0 <= skew <= 1:
            raise ValueError(f"skew is {skew:g}, not in 0..1")
        self.skew = skew

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:
        seed = int(rng.integers(_SEEDS))
        return partition(pool.labels, seats=seats, samples=samples, skew=self.skew, seed=seed)


class Dirichlet(Partition):
    """Each seat draws its own mix of labels, q ~ Dirichlet(alpha · p), and then its examples by that mix.

    p: the labels' shares of the pool. alpha: the smaller, the fewer labels a seat sees: at 0.1 mostly one, at 100
    nearly all alike. Where a paper draws from Dir(β) with one β for each label, that is alpha = β · labels. All
    seats have as many examples, and none is dealt twice: where a label runs out, the others of a seat's mix stand
    in. Source: Hsu, Qi and Brown 2019, arXiv:1909.06335, section 3.
    """

    name = "dirichlet"

    def __init__(self, alpha: float = 0.5) -> None:
        if not 0 < alpha < float("inf"):
            raise ValueError(f"alpha is {alpha:g}, not above 0")
        self.alpha = alpha

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:
        quota = count_each(len(pool), seats, samples)
        order = draw_order(len(pool), rng)
        classes, of_class = np.unique(pool.labels[order], return_inverse=True)
        stacks = [order[of_class == place] for place in range(len(classes))]
        left = np.array([len(stack) for stack in stacks])
        mixes = rng.dirichlet(self.alpha * left / left.sum(), size=seats)
        dealt = []
        for mix in mixes:
            taken = _take_by_mix(mix, left, quota, rng)
            mine = [stack[more - some : more] for stack, more, some in zip(stacks, left, taken, strict=True)]
            left -= taken
            dealt.append(np.sort(np.concatenate(mine)))
        return dealt


class Shards(Partition):
    """All examples sorted by label and cut into equal shards, of which each seat gets a few.

    shards: how many a seat gets; so many labels it sees, or some more where a shard's ends are of two labels.
    Source: McMahan et al. 2017, arXiv:1602.05629, section 3 (two shards a client: the "pathological" split).
    """

    name = "shards"

    def __init__(self, shards: float = 2) -> None:
        if shards < 1 or not float(shards).is_integer():
            raise ValueError(f"shards is {shards:g}, not a whole number from 1")
        self.shards = int(shards)

    def deal(self, pool: Pool, seats: int, samples: int, rng: np.random.Generator) -> Sequence[Indices]:
        quota = count_each(len(pool), seats, samples)
        if quota < self.shards:
            raise ValueError(f"{quota} examples a seat make no {self.shards} shards")
        drawn = draw_order(len(pool), rng)[: quota * seats]
        by_label = drawn[np.argsort(pool.labels[drawn], kind="stable")]
        cuts = np.array_split(by_label, seats * self.shards)
        turn = draw_order(len(cuts), rng)
        mine = [turn[seat * self.shards : (seat + 1) * self.shards] for seat in range(seats)]
        return [np.sort(np.concatenate([cuts[shard] for shard in some])) for some in mine]


def _take_by_mix(
    mix: npt.NDArray[np.float64], left: npt.NDArray[np.int64], quota: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """How many of each label a seat takes, by its mix, of what is left. All (labels,); they add up to the quota."""
    taken = np.zeros_like(left)
    while (lacking := quota - int(taken.sum())) > 0:
        weights = np.where(left > taken, mix, 0.0)
        if not weights.sum() > 0:
            # Its own labels are all gone: whatever is left stands in.
            weights = (left - taken).astype(np.float64)
        taken += np.minimum(rng.multinomial(lacking, weights / weights.sum()), left - taken)
    return taken
