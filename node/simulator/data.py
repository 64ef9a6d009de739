"""Every peer's examples, read once for all of them, and the examples that models are judged by."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ledger.errors import SetupError, UsageError
from node.learning.devices import choose_device
from node.own_code.own_objects import label_of
from node.partitions import BY_TASK, POOL_FACTOR, Pool, choose_partition, deal_pool
from node.simulator.scenario import Scenario, generator
from node.simulator.seat_tasks import SeatTasks
from node.tasks.built_in import DEALT, OWN_DATA
from node.tasks.dealt import deal
from node.tasks.fashion_mnist import (
    TRAIN_IMAGES,
    TRAIN_LABELS,
    FashionMnist,
    find_directory,
    read_idx,
)
from node.tasks.images import Examples
from node.tasks.interface import Task, load_task
from node.tasks.partition import partition

Pair = tuple[torch.Tensor, torch.Tensor]


def make_task(scenario: Scenario, samples: int | None = None) -> Task:
    """The scenario's task, with its options. Peers' own data come from one path, and are dealt.

    samples: to ask for in place of the scenario's.
    """
    options = {DEALT: 1, **scenario.options} if scenario.task in OWN_DATA else scenario.options
    task = load_task(
        scenario.task,
        skew=scenario.skew,
        seed=scenario.seed,
        samples=scenario.samples if samples is None else samples,
        options=options,
        typed=scenario.options.keys(),
        data=scenario.data,
    )
    return replace(task, device=choose_device(scenario.device))


class DataShares:
    """What each seat trains on, round by round, before a poisoner lays hands on it."""

    def __init__(self, tasks: SeatTasks, scenario: Scenario) -> None:
        """Read all seats' data. Raises SetupError where the task is at fault, UsageError where it cannot drift."""
        self._drift, self._is_dealt = scenario.drift, scenario.partition != BY_TASK
        self._all: list[Any] = _deal(tasks, scenario)
        self._ring: Pair | None = None
        if scenario.drift > 0:
            if not all(_is_pair(data) for data in self._all):
                raise UsageError(f"{tasks.of(0).spec}: its data() gives no tensors (x, y), so they cannot drift")
            # The next peer's examples come after one's own.
            self._ring = torch.cat([x for x, _ in self._all]), torch.cat([y for _, y in self._all])

    def deal_again(self, task: Task, seat: int) -> Task:
        """Another object of the same task, that deals the seat its share by itself unless a partition does."""
        return deal(task, self._all[seat]) if self._is_dealt else task

    def share_of(self, seat: int, number: int) -> Any:
        """The seat's data in a round, 1..: with drift a window that slides towards the next seats' examples."""
        if self._ring is None:
            return self._all[seat]
        x, y = self._ring
        own = len(self._all[seat][1])
        start = sum(len(data[1]) for data in self._all[:seat]) + round(self._drift * own * (number - 1))
        rows = (start + torch.arange(own)) % len(y)
        return x[rows], y[rows]


def _deal(tasks: SeatTasks, scenario: Scenario) -> list[Any]:
    """Every seat's examples: as the task deals them, or by the scenario's partition."""
    partition = choose_partition(scenario.partition, scenario.dealing)
    if partition is None:
        objects = tasks.list_all()
        if isinstance(objects[0].definition, FashionMnist):
            _read_once([one.definition for one in objects], scenario.peers)
        return [tasks.of(seat).data(seat, scenario.peers) for seat in range(scenario.peers)]
    pooled = make_task(scenario, POOL_FACTOR * scenario.peers * scenario.samples)
    data = pooled.data(0, 1)
    if not _is_pair(data):
        raise UsageError(f"{pooled.spec}: its data() gives no tensors (x, y), so no partition can deal them")
    return deal_pool(
        partition,
        label_of(scenario.partition),
        Pool(data[0], data[1], _find_owners(pooled, len(data[1]))),
        seats=scenario.peers,
        samples=scenario.samples,
        generate=partial(generator, scenario.seed),
    )


def _find_owners(task: Task, examples: int) -> npt.NDArray[Any] | None:
    """Whose each example of the pool is, where the task says so. Raises SetupError."""
    if not hasattr(task.definition, "owners"):
        return None
    with task.run_user_code("owners(0, 1)"):
        owners = np.asarray(task.definition.owners(0, 1))
    if owners.shape != (examples,):
        raise SetupError(
            f"{task.spec}: owners(0, 1) gave an array of shape {owners.shape}: give the owner of each of the"
            f" {examples} examples of data(0, 1)"
        )
    return owners


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
