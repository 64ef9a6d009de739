"""Every peer's examples, read once for all of them, and the examples that models are judged by."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ledger.errors import UsageError
from node.simulator.scenario import Scenario, generator
from node.simulator.seat_tasks import SeatTasks
from node.tasks.fashion_mnist import (
    TRAIN_IMAGES,
    TRAIN_LABELS,
    FashionMnist,
    find_directory,
    read_idx,
)
from node.tasks.images import Examples
from node.tasks.interface import Task
from node.tasks.partition import partition

Pair = tuple[torch.Tensor, torch.Tensor]


class DataShares:
    """What each seat trains on, round by round, before a poisoner lays hands on it."""

    def __init__(self, tasks: SeatTasks, scenario: Scenario) -> None:
        """Read all seats' data. Raises SetupError where the task is at fault, UsageError where it cannot drift."""
        objects = tasks.list_all()
        if isinstance(objects[0].definition, FashionMnist):
            _read_once([one.definition for one in objects], scenario.peers)
        self._drift = scenario.drift
        self._all: list[Any] = [tasks.of(seat).data(seat, scenario.peers) for seat in range(scenario.peers)]
        self._ring: Pair | None = None
        if scenario.drift > 0:
            if not all(_is_pair(data) for data in self._all):
                raise UsageError(f"{objects[0].spec}: its data() gives no tensors (x, y), so they cannot drift")
            # The next peer's examples come after one's own.
            self._ring = torch.cat([x for x, _ in self._all]), torch.cat([y for _, y in self._all])

    def share_of(self, seat: int, number: int) -> Any:
        """The seat's data in a round, 1..: with drift a window that slides towards the next seats' examples."""
        if self._ring is None:
            return self._all[seat]
        x, y = self._ring
        own = len(self._all[seat][1])
        start = sum(len(data[1]) for data in self._all[:seat]) + round(self._drift * own * (number - 1))
        rows = (start + torch.arange(own)) % len(y)
        return x[rows], y[rows]


def test_examples(task: Task, scenario: Scenario) -> Pair | None:
    """Held-out examples with a class number each, None where the task does not give any out by itself."""
    given = getattr(task.definition, "test_set", None)
    if given is None:
        return None
    x, y = given()
    if not _is_pair((x, y)) or y.ndim != 1 or y.dtype != torch.int64:
        return None
    if scenario.test_examples is None or scenario.test_examples >= len(y):
        return x, y
    order = np.argsort(generator(0, "test examples").random(len(y)), kind="stable")
    rows = torch.from_numpy(np.sort(order[: scenario.test_examples]))
    return x[rows], y[rows]


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple) and len(data) == 2 and all(isinstance(part, torch.Tensor) for part in data)


def _read_once(definitions: Sequence[FashionMnist], seats: int) -> None:
    """Let the definitions deal from memory: decompressing the files for a thousand seats would take minutes."""
    definition = definitions[0]
    labels = read_idx(find_directory() / TRAIN_LABELS, (), 2 * seats * definition.samples)
    shares = partition(labels, seats=seats, samples=definition.samples, skew=definition.skew, seed=definition.seed)
    images = read_idx(find_directory() / TRAIN_IMAGES, (28, 28), 1 + max(int(own[-1]) for own in shares))

    def share(seat: int, _: int) -> Examples:
        return images[shares[seat]], labels[shares[seat]].astype(np.int64)

    for one in definitions:
        one.share = share  # type: ignore[method-assign, assignment]  # of these objects alone
