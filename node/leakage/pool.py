"""The examples that stand-ins are made of: the peer's own, held-out ones to fill up, and canaries."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from ledger.errors import SetupError
from node.tasks.interface import Task

FEWEST: Final = 10
"""With fewer examples nothing is measured."""
_CANARY_PART, _CANARIES = 10, (8, 200)

Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Pool:
    """Examples of which each stand-in trains on a random half."""

    x: torch.Tensor
    """(n, …): the peer's own first, in the order of data(), then others."""
    y: torch.Tensor
    """(n, …)."""
    own: int
    """How many are the peer's own."""

    def __len__(self) -> int:
        return len(self.x)

    def choose(self, is_in: npt.NDArray[np.bool_]) -> Pair:
        """Some of the examples, in order. is_in: (n,)."""
        rows = torch.from_numpy(np.flatnonzero(is_in))
        return self.x[rows], self.y[rows]


def make_pool(task: Task, data: Any, rng: np.random.Generator) -> Pool:
    """The peer's data, and as many held-out examples of the same labels as test_set() gives.

    With these a stand-in, which trains on half of all, has as many examples as the peer. data: what the task's
    data() gives. Raises SetupError where single examples of it are not known, or are too few to measure anything.
    """
    x, y = _as_pair(task, data)
    if len(x) < FEWEST:
        raise SetupError(
            f"{task.spec}: this peer has {len(x)} examples, and below {FEWEST} nothing can be measured: that alone"
            " says that each of them shapes what is published; gather more, or train with privacy terms"
        )
    others = find_held_out(task, (x, y), rng)
    if others is None:
        return Pool(x, y, len(x))
    return Pool(torch.cat([x, others[0]]), torch.cat([y, others[1]]), len(x))


def _as_pair(task: Task, data: Any) -> Pair:
    if not isinstance(data, tuple | list) or len(data) != 2 or not all(hasattr(part, "shape") for part in data):
        raise SetupError(
            f"{task.spec}: data() gives no tensors (x, y), and what leaks is measured example by example: give x"
            " and y of one length"
        )
    x, y = (torch.as_tensor(part) for part in data)
    is_known = y.is_floating_point() and task.trainer is None
    if not x.ndim or not y.ndim or len(x) != len(y) or y.is_complex() or (y.is_floating_point() and not is_known):
        raise SetupError(
            f"{task.spec}: data() gives x of shape {tuple(x.shape)} and y as {y.dtype} of shape {tuple(y.shape)},"
            " and what leaks is measured by the loss of single examples: give a class number, or several, for each"
            " example, or name the loss in place of a train()"
        )
    return x, y if y.is_floating_point() else y.long()


def find_held_out(task: Task, data: Pair, rng: np.random.Generator) -> Pair | None:
    """Of test_set() as many examples as the peer has, with its labels where they are numbers; None for none."""
    give = getattr(task.definition, "test_set", None)
    if give is None:
        return None
    x, y = data
    with task.run_user_code("test_set()"):
        held_x, held_y = (torch.as_tensor(part) for part in give())
    if held_x.shape[1:] != x.shape[1:] or held_y.shape[1:] != y.shape[1:] or len(held_x) != len(held_y):
        return None
    order = torch.from_numpy(rng.permutation(len(held_x)))
    rows = order[: len(x)] if y.ndim > 1 or y.is_floating_point() else _match_labels(y, held_y, order)
    return (held_x[rows].to(x.dtype), held_y[rows].to(y.dtype)) if len(rows) else None


def _match_labels(own: torch.Tensor, held: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    labels, counts = np.unique(own.numpy(), return_counts=True)
    return torch.cat([order[held[order] == int(one)][:count] for one, count in zip(labels, counts, strict=True)])


def add_canaries(pool: Pool, rng: np.random.Generator) -> tuple[Pool, int]:
    """The pool with examples behind it that have another one's label, and how many: what is learned by heart alone.

    None are added where all labels are alike.
    """
    least, most = _CANARIES
    count = min(len(pool), max(least, min(most, len(pool) // _CANARY_PART)))
    rows = torch.from_numpy(rng.permutation(len(pool))[:count])
    flat = pool.y.reshape(len(pool), -1)
    wrong = []
    for row in rows:
        others = torch.nonzero((flat != flat[row]).any(1)).reshape(-1)
        if not len(others):
            return pool, 0
        wrong.append(others[int(rng.integers(len(others)))])
    labels = pool.y[torch.stack(wrong)]
    return Pool(torch.cat([pool.x, pool.x[rows]]), torch.cat([pool.y, labels]), pool.own), count
