"""Who holds which examples: a seeded split that every peer computes alike and nobody has to hand out."""

import numpy as np
import numpy.typing as npt

from ledger.errors import SetupError, UsageError

Indices = npt.NDArray[np.int64]


def partition(
    labels: npt.NDArray[np.integer], *, seats: int, samples: int, skew: float, seed: int
) -> list[Indices]:
    """Split examples among `seats` peers: disjoint, all of one size, label-skewed.

    labels: (examples,), integers from 0. With probability `skew` an example goes to one of the home peers of its
    label, otherwise to any peer, uniformly; skew 0 is i.i.d., skew 1 leaves each peer its home labels alone.
    Every peer gets exactly `samples` examples, or an equal share of all where there are fewer. Returns one
    ascending int64 array a seat. Raises UsageError for a skew outside 0..1 or a count below 1, SetupError where
    there are fewer examples than seats.
    Source: the degree of non-IID of Fang et al. 2020, arXiv:1911.11815, section 5.1, with a peer for a group.
    """
    if not 0.0 <= skew <= 1.0:
        raise UsageError(f"skew is {skew}: give a number from 0 (every peer sees the same mix) to 1")
    if seats < 1 or samples < 1:
        raise UsageError(f"{seats} seats with {samples} samples each: both must be at least 1")
    quota = min(samples, len(labels) // seats)
    if quota == 0:
        raise SetupError(
            f"{len(labels)} examples do not go round {seats} seats: use fewer seats or a larger data set"
        )
    # Uniform doubles are the part of numpy's generators whose stream is least likely to change between versions.
    rng = np.random.Generator(np.random.PCG64(seed))
    seat_of = _draw_seats(labels, seats, skew, rng)
    order = np.argsort(rng.random(len(labels)), kind="stable")
    return _deal(order, seat_of[order], seats, quota)


def _draw_seats(
    labels: npt.NDArray[np.integer], seats: int, skew: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw for each example the seat it would like to go to. Returns (examples,), int64."""
    classes = int(labels.max()) + 1
    shuffled = np.argsort(rng.random(seats), kind="stable")
    # Places l, l + classes, l + 2·classes … among the shuffled seats are the homes of label l; where seats are
    # fewer than classes, several labels share one home.
    homes = np.maximum((seats - 1 - np.arange(classes)) // classes + 1, 1)
    place = (labels + classes * (rng.random(len(labels)) * homes[labels]).astype(np.int64)) % seats
    anywhere = (rng.random(len(labels)) * seats).astype(np.int64)
    return np.where(rng.random(len(labels)) < skew, shuffled[place], anywhere)


def _deal(order: Indices, seat_of: Indices, seats: int, quota: int) -> list[Indices]:
    """Give each seat the first `quota` examples that want it, then fill the short ones from what is left."""
    wanted = [order[seat_of == seat] for seat in range(seats)]
    spare = np.concatenate([indices[quota:] for indices in wanted])
    dealt, used = [], 0
    for indices in wanted:
        missing = quota - len(indices[:quota])
        dealt.append(np.sort(np.concatenate([indices[:quota], spare[used : used + missing]])))
        used += missing
    return dealt
