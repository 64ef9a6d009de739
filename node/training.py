"""A model as one flat vector, and the local training between two of them.

The flat vector holds the float parameters and buffers of `state_dict`, float32, in ascending order of their names;
integer buffers (such as BatchNorm's step count) are not shared. Each tensor's values are in its own unit,
2**exponent, so that the grid of public states holds them all. Training is deterministic in seed, round and seat on
one machine; nothing the network agrees on depends on its last bit.
"""

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.codec import Blocks, blocks_of
from ledger.errors import SetupError
from ledger.manifest import Tensor
from node.tasks.interface import Task, blame
from node.testing.attacks import Behaviour

Vector = npt.NDArray[np.float32]

# Measured over ten rounds of 8 peers with 1,000 Fashion-MNIST images each: plain averaging reaches .82, and
# honest peers stay inside the shrinking radius of distance screening; a rate of .02 reaches .83 but spreads them
# beyond it.
LEARNING_RATE, MOMENTUM, BATCH_SIZE = 0.01, 0.9, 32

# torch has one global random state a process: two trainers in one process must not interleave in it.
_GLOBAL_RANDOM_STATE = threading.Lock()


class TrainingDiverged(SetupError):
    """Local training left the finite numbers."""

    def __init__(self, spec: str, round: int) -> None:
        super().__init__(
            f"{spec}: training in round {round} gave values that are not finite: lower the task's learning_rate,"
            " and check its data for NaN or unscaled features"
        )
        self.spec, self.round = spec, round


@dataclass(frozen=True)
class Layout:
    """Which tensors lie in the flat vector, in order. names: ascending. shapes, exponents: one a name."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    exponents: tuple[int, ...]

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> Self:
        """The layout that a manifest pins."""
        return cls(
            tuple(tensor.name for tensor in tensors),
            tuple(tensor.shape for tensor in tensors),
            tuple(tensor.exponent for tensor in tensors),
        )

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The layout as a manifest pins it."""
        return tuple(map(Tensor, self.names, self.shapes, self.exponents))

    @property
    def size(self) -> int:
        """Values in the flat vector."""
        return sum(prod(shape) for shape in self.shapes)

    @property
    def blocks(self) -> Blocks:
        """How codecs cut the flat vector."""
        return blocks_of(tuple(prod(shape) for shape in self.shapes))


def use_one_thread() -> None:
    """Keep torch to one thread: peers on one machine share its cores, and sums keep one order."""
    torch.set_num_threads(1)


def layout_of(model: nn.Module) -> Layout:
    """The layout of a model's float state, its values as they are."""
    state = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    names = tuple(sorted(state))
    return Layout(names, tuple(tuple(state[name].shape) for name in names), (0,) * len(names))


def check_layout(layout: Layout, names: Sequence[str], shapes: Sequence[Sequence[int]]) -> None:
    """Compare a task's layout with the one the circle's manifest pins.

    Raises SetupError naming the first difference.
    """
    ours = [f"{name} {tuple(shape)}" for name, shape in zip(layout.names, layout.shapes, strict=True)]
    theirs = [f"{name} {tuple(shape)}" for name, shape in zip(names, shapes, strict=True)]
    for place in range(max(len(ours), len(theirs))):
        here, there = (side[place] if place < len(side) else "nothing" for side in (ours, theirs))
        if here != there:
            raise SetupError(
                f"this is a model whose shapes differ from the circle's task: tensor {place} is {here} here and"
                f" {there} there; start the peer with the circle's own task"
            )


def flatten(model: nn.Module, layout: Layout) -> Vector:
    """Copy a model's float state into a new vector, each tensor in its unit. Returns (layout.size,), float32."""
    vector = np.empty(layout.size, np.float32)
    state = model.state_dict()
    for tensor, here in zip(layout.tensors, layout.blocks.tensors, strict=True):
        vector[here] = state[tensor.name].detach().to("cpu", torch.float32).reshape(-1).numpy()
        if tensor.exponent:
            vector[here] *= np.float32(2.0**-tensor.exponent)
    return vector


def load_into(model: nn.Module, layout: Layout, vector: Vector) -> None:
    """Copy a vector, each tensor in its unit, into a model's float state; integer buffers stay as they are.

    vector: (layout.size,), float32. Raises ValueError for another shape.
    """
    if vector.shape != (layout.size,):
        raise ValueError(f"the vector has shape {vector.shape}, the layout wants {(layout.size,)}")
    values = torch.from_numpy(vector if vector.flags.writeable else vector.copy())
    state = model.state_dict()
    with torch.no_grad():
        for tensor, here in zip(layout.tensors, layout.blocks.tensors, strict=True):
            part = values[here].view(tensor.shape)
            state[tensor.name].copy_(part * 2.0**tensor.exponent if tensor.exponent else part)


def initial_state(task: Task, seed: int, layout: Layout | None = None) -> Vector:
    """The untrained model that everyone with this seed starts from. Returns (d,), float32.

    layout: whose units it is in; None for the values as they are.
    """
    model = _seeded_model(task, seed)
    return flatten(model, layout or layout_of(model))


def _seeded_model(task: Task, seed: int) -> nn.Module:
    with _GLOBAL_RANDOM_STATE, torch.random.fork_rng(devices=[]):
        torch.manual_seed(_derive(seed))
        return task.model()


def _derive(*numbers: int) -> int:
    """One 63-bit seed out of several numbers from 0 up."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Trainer:
    """One peer's private data and the training on it."""

    def __init__(
        self,
        task: Task,
        layout: Layout,
        *,
        seat: int,
        seats: int,
        seed: int,
        behaviour: Behaviour | None = None,
    ) -> None:
        """Load the seat's data. Raises SetupError where the task is at fault or its model has another layout."""
        self.task, self.layout, self.seat, self.seed = task, layout, seat, seed
        self._model = _seeded_model(task, seed)
        own = layout_of(self._model)
        check_layout(own, layout.names, layout.shapes)
        data = task.data(seat, seats)
        self._behaviour = behaviour
        if behaviour is not None and behaviour.poisons_data:
            data = behaviour.data(data, task.classes(copy.deepcopy(self._model), data))
        self._data = data

    def initial(self) -> Vector:
        """The state of round 0, alike for every seat."""
        return flatten(self._model, self.layout)

    def train(self, base: Vector, round: int) -> Vector:
        """Train one round from `base` on the seat's data.

        base: (d,), float32, left as it is. Returns (d,), float32. Raises TrainingDiverged where that is not finite.
        """
        model = self._loaded(base)
        model.train()
        seed = _derive(self.seed, round, self.seat)
        with _GLOBAL_RANDOM_STATE, torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if self.task.trainer is None:
                train_one_epoch(model, self._data, self.task, seed)
            else:
                self.task.train(model, self._data, round=round, seed=seed)
        trained = flatten(model, self.layout)
        if not np.isfinite(trained).all():
            raise TrainingDiverged(self.task.spec, round)
        return trained

    def evaluate(self, vector: Vector) -> dict[str, float]:
        """The task's figures for a state, and those of an attack that is watched; empty where there are none."""
        model = self._loaded(vector)
        model.eval()
        with torch.no_grad():
            return {**self.task.evaluate(model), **self._figures_of_attack(model)}

    def _figures_of_attack(self, model: nn.Module) -> dict[str, float]:
        test_set = getattr(self.task.definition, "test_set", None)
        if self._behaviour is None or not self._behaviour.has_figures or test_set is None:
            return {}
        with blame(f"{self.task.spec}: the model on test_set()"):
            x, y = test_set()
            return self._behaviour.figures(x, y, lambda stamped: model(stamped).argmax(1))

    def loss(self, vector: Vector) -> float:
        """Mean cross-entropy of a state on the seat's own data. Raises SetupError where the data are not (x, y)."""
        if self.task.trainer is not None:
            raise SetupError(f"{self.task.spec} has its own train(), so its loss is unknown: choose another rule")
        model, (x, y) = self._loaded(vector), self._data
        model.eval()
        with blame(f"{self.task.spec}: the model on data()"), torch.no_grad():
            return float(nn.functional.cross_entropy(model(x), y))

    def _loaded(self, vector: Vector) -> nn.Module:
        # A fresh copy: what else a model carries (integer buffers, flags) does not leak from round to round.
        model = copy.deepcopy(self._model)
        load_into(model, self.layout, vector)
        return model


def train_one_epoch(model: nn.Module, data: tuple[torch.Tensor, torch.Tensor], task: Task, seed: int) -> None:
    """One epoch of SGD with momentum on the cross-entropy, in place; the examples shuffled by `seed`.

    data: x (examples, …) and y (examples,), int64. Raises SetupError where model and data do not fit together.
    """
    x, y = data
    if y.is_floating_point():
        raise SetupError(f"{task.spec}: data() gave y as {y.dtype}: give class numbers, or write a train()")
    rate, momentum = task.option("learning_rate", LEARNING_RATE), task.option("momentum", MOMENTUM)
    batch = int(task.option("batch_size", BATCH_SIZE))
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    # Not torch.optim: its first step imports torch's compiler, 1.8 CPU seconds and 70 MB in every peer's process.
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    with blame(f"{task.spec}: training on data()"):
        # Batches of nearly one size: no last batch of a single example, which batch normalisation refuses.
        for rows in order.tensor_split(-(-len(order) // batch)):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            _step(parameters, velocities, gradients, rate, momentum)


@torch.no_grad()
def _step(
    parameters: list[nn.Parameter],
    velocities: list[torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
    rate: float,
    momentum: float,
) -> None:
    for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
        if gradient is not None:
            parameter.sub_(velocity.mul_(momentum).add_(gradient), alpha=rate)
