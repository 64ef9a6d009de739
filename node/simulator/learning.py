"""Training and judging models for many peers: stacked where the model is a perceptron, one by one otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.exact import State, to_float
from node.ranges import with_exponents
from node.simulator.data import Pair, Shares, test_examples
from node.simulator.scenario import Scenario
from node.simulator.stacked import can_stack, epoch_order, perceptron_of
from node.tasks.interface import Task, load_task
from node.testing.attacks import Behaviour
from node.training import (
    BATCH_SIZE,
    LEARNING_RATE,
    MOMENTUM,
    Layout,
    Trainer,
    TrainingDiverged,
    Vector,
    initial_state,
    layout_of,
    load_into,
)

# Peers trained at once; part of what makes a simulation repeatable to the bit.
GROUP: Final = 4
_EVALUATED_AT_ONCE: Final = 1000

Matrix = npt.NDArray[np.float32]
PublicStates = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Dealt(Task):
    """A task whose data are already dealt to the one seat that trains."""

    share: Any = None

    def data(self, seat: int, seats: int) -> Any:  # noqa: ARG002
        return self.share


class School:
    """All peers' data, and the training and evaluation of their models."""

    def __init__(self, scenario: Scenario, behaviours: Mapping[int, Behaviour]) -> None:
        """behaviours: of the seats that attack. Raises SetupError or UsageError where the task is at fault."""
        self.task = task_of(scenario)
        self._scenario, self._behaviours = scenario, behaviours
        self._model = self.task.model()
        self._shares = Shares(self.task, scenario)
        self.layout: Layout = self._fitting_layout()
        self._stack = None if self.task.trainer else perceptron_of(self._model, self.layout)
        self._poisoned: dict[int, Any] = {}
        self._test: Pair | None = test_examples(self.task, scenario)

    def _fitting_layout(self) -> Layout:
        """The model's layout, in the units that a first training of one seat asks for."""
        plain = layout_of(self._model)
        genesis = initial_state(self.task, self._scenario.seed)
        # A train() of the task's own may keep something for the next round: this one must leave no trace.
        task = self.task if self.task.trainer is None else task_of(self._scenario)
        trainer = self._trainer(0, self._shares.of(0, 1), task, plain)
        try:
            return with_exponents(plain, genesis, trainer.train(genesis, 1))
        except TrainingDiverged:
            return with_exponents(plain, genesis)

    def train(self, number: int, seats: Sequence[int], bases: PublicStates) -> Matrix:
        """One round of honest training for at most GROUP seats.

        bases: (seats, d), int32. Returns (seats, d), float32; a row that is not finite belongs to a diverged peer.
        """
        data = [self._data(seat, number) for seat in seats]
        if self._stack is not None and can_stack(data):
            return self._train_stacked(number, seats, bases, data)
        return np.stack([self._train_one(number, *one) for one in zip(seats, bases, data, strict=True)])

    def evaluate(self, states: PublicStates, attack: Behaviour) -> list[dict[str, float]]:
        """The task's figures for each state, and what `attack` measures of it. states: (k, d), int32."""
        found: list[dict[str, float]] = []
        for start in range(0, len(states), GROUP):
            found += self._evaluate_group(to_float(states[start : start + GROUP]), attack)
        return found

    def loss(self, seat: int, number: int, state: State) -> float:
        """The mean cross-entropy of a state on a seat's own data."""
        data = self._data(seat, number)
        if self._stack is not None and can_stack([data]):
            x, y = data
            with torch.no_grad():
                return float(nn.functional.cross_entropy(self._outputs(to_float(state)[None], x)[0], y))
        return self._trainer(seat, data, self.task, self.layout).loss(to_float(state))

    def _data(self, seat: int, number: int) -> Any:
        data = self._shares.of(seat, number)
        behaviour = self._behaviours.get(seat)
        if behaviour is None or not behaviour.poisons_data:
            return data
        if seat not in self._poisoned or self._scenario.drift > 0:
            self._poisoned[seat] = behaviour.data(data, self.task.classes(self._model, data))
        return self._poisoned[seat]

    def _train_stacked(
        self, number: int, seats: Sequence[int], bases: PublicStates, data: Sequence[Pair]
    ) -> Matrix:
        assert self._stack is not None
        states = to_float(bases)
        orders = [epoch_order(len(data[0][1]), _training_seed(self._scenario.seed, number, s)) for s in seats]
        with torch.no_grad():
            self._stack.train(
                torch.from_numpy(states),
                data,
                orders,
                rate=self.task.option("learning_rate", LEARNING_RATE),
                momentum=self.task.option("momentum", MOMENTUM),
                batch=int(self.task.option("batch_size", BATCH_SIZE)),
            )
        return states

    def _train_one(self, number: int, seat: int, base: State, data: Any) -> Vector:
        try:
            return self._trainer(seat, data, self.task, self.layout).train(to_float(base), number)
        except TrainingDiverged:
            return np.full(base.shape, np.nan, np.float32)

    def _trainer(self, seat: int, data: Any, task: Task, layout: Layout) -> Trainer:
        dealt = _Dealt(task.spec, task.definition, data)
        return Trainer(dealt, layout, seat=seat, seats=self._scenario.peers, seed=self._scenario.seed)

    def _evaluate_group(self, states: Matrix, attack: Behaviour) -> list[dict[str, float]]:
        if self._test is None:
            return [self._evaluate_by_task(state) for state in states]
        x, y = self._test
        with torch.no_grad():
            right = (self._guesses(states, x) == y).sum(1)
            found = [{"accuracy": int(count) / len(y)} for count in right]
            if attack.has_figures:
                found = [f | self._measured(attack, state) for f, state in zip(found, states, strict=True)]
        return found

    def _measured(self, attack: Behaviour, state: Vector) -> dict[str, float]:
        assert self._test is not None
        return attack.figures(*self._test, lambda x: self._guesses(state[None], x)[0])

    def _evaluate_by_task(self, state: Vector) -> dict[str, float]:
        load_into(self._model, self.layout, state)
        self._model.eval()
        with torch.no_grad():
            return self.task.evaluate(self._model)

    def _guesses(self, states: Matrix, x: torch.Tensor) -> torch.Tensor:
        """The class that each model gives each example, (models, n), int64."""
        return self._outputs(states, x).argmax(2)

    def _outputs(self, states: Matrix, x: torch.Tensor) -> torch.Tensor:
        if self._stack is not None:
            return self._stack.outputs(torch.from_numpy(states), x)
        self._model.eval()
        outputs = []
        for state in states:
            load_into(self._model, self.layout, state)
            outputs.append(torch.cat([self._model(some) for some in torch.split(x, _EVALUATED_AT_ONCE)]))
        return torch.stack(outputs)


def task_of(scenario: Scenario) -> Task:
    """The scenario's task, its learning options in place."""
    task = load_task(scenario.task, skew=scenario.skew, seed=scenario.seed, samples=scenario.samples)
    for name, value in scenario.learning.items():
        setattr(task.definition, name, value)
    return task


def _training_seed(*numbers: int) -> int:
    """As node.training derives it."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
