"""Training and judging models for many peers: stacked where the model is a perceptron, one by one otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.arithmetic.exact import GridState, to_float
from ledger.errors import UsageError
from node.attacks.attack import Attack
from node.attacks.spoiling import spoil
from node.learning.correction import find_corrected
from node.learning.devices import CPU
from node.learning.grid_ranges import choose_exponents
from node.learning.layout import Layout, Vector
from node.learning.lean import NOTHING
from node.learning.private_part import PrivatePart, PrivateParts
from node.learning.template import GLOBAL_RANDOM_STATE, Template, derive_seed
from node.learning.training import Trainer, TrainingDiverged
from node.operating.merit import ACCURACY
from node.simulator.data import DataShares, Pair, make_task, test_examples
from node.simulator.predictable_randomness import PredictableTraining
from node.simulator.scenario import Scenario
from node.simulator.seat_tasks import SeatTasks
from node.simulator.stacked_perceptrons import can_stack, epoch_order, stack_perceptrons
from node.tasks.dealt import deal
from node.tasks.interface import Task
from node.tasks.pairs import answer_of, fit_dtype

# Peers trained at once; part of what makes a simulation repeatable to the bit.
GROUP: Final = 4
_EVALUATED_AT_ONCE: Final = 1000

Matrix = npt.NDArray[np.float32]
GridStates = npt.NDArray[np.int32]


@dataclass(frozen=True)
class TrainedModel:
    """What a peer's training gave: the state (d,), float32, and the private part that stays with the peer."""

    state: Vector
    private_part: PrivatePart


@dataclass(frozen=True)
class ExaminedModel:
    """A seat's model to be judged after a round."""

    seat: int
    """Its number."""
    round: int
    """The one after which."""
    state: Vector
    """(d,), float32."""
    private_part: PrivatePart
    """What is not shared."""


class PeersTraining:
    """All peers' data, and the training and evaluation of their models."""

    def __init__(self, scenario: Scenario, behaviours: Mapping[int, Attack]) -> None:
        """behaviours: of the seats that attack. Raises SetupError or UsageError where the task is at fault."""
        first = make_task(scenario)
        # What train() leaves in its class is the peers': a first training, for the units, has a class of its own.
        self.task = first if first.trainer is None else make_task(scenario)
        self._scenario, self._behaviours = scenario, behaviours
        plain = Template.of(self.task, scenario.seed)
        self._tasks = SeatTasks(self.task, scenario.peers)
        self._shares = DataShares(self._tasks, scenario)
        self.template = plain.in_units_of(self._fitting_layout(plain, first))
        self.layout = self.template.layout
        self._is_stacked = not self.task.trainer and self.task.choices.is_plain and not scenario.privacy
        self._stack = (
            None if self.task.trainer or self.task.device != CPU else stack_perceptrons(plain.model, self.layout)
        )
        self.corrected = NOTHING if scenario.privacy else find_corrected(self.task, self.template)
        self._poisoned: dict[int, Any] = {}
        self._test: Pair | None = test_examples(self.task, scenario)
        self._is_judged_by_class = self._test is not None and self._is_accuracy_alone()

    def _fitting_layout(self, plain: Template, first: Task) -> Layout:
        """The model's layout, in the units that a first training of one seat asks for. first: what trains it."""
        scenario = self._scenario
        if self.task.trainer is None:
            trainer = self._trainer(0, {}, self._shares.share_of(0, 1), self.task, plain)
        else:
            trainer = Trainer(
                self._shares.deal_again(first, 0),
                plain.layout,
                seat=0,
                seats=scenario.peers,
                seed=scenario.seed,
                template=plain,
                private=self._make_private(0),
                rounds=scenario.rounds,
            )
        genesis = plain.make_initial()
        try:
            return choose_exponents(plain.layout, genesis, trainer.train(genesis, 1))
        except TrainingDiverged:
            return choose_exponents(plain.layout, genesis)

    def train(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        corrections: Sequence[Vector | None] | None = None,
    ) -> list[TrainedModel]:
        """One round of honest training for at most GROUP seats.

        bases: (seats, d), int32. kept: their private parts. corrections: what each moves by beside its gradients,
        (d,), float32; None for nothing. A vector that is not finite belongs to a diverged peer.
        """
        data, corrections = [self._data(seat, number) for seat in seats], corrections or [None] * len(seats)
        return self._train_on(data, number, seats, bases, kept, corrections)

    def train_on_all(self, number: int, seats: Sequence[int], base: GridState, kept: PrivatePart) -> TrainedModel:
        """One round of training of one model, (d,), int32, on these seats' data put together.

        Raises UsageError where they are no tensors.
        """
        data = [self._data(seat, number) for seat in seats]
        if not all(isinstance(one, tuple) and all(isinstance(p, torch.Tensor) for p in one) for one in data):
            raise UsageError(
                f"{self.task.spec}: its data() gives no tensors (x, y), so no baseline puts them together: leave"
                " central out"
            )
        pooled = tuple(torch.cat(parts) for parts in zip(*data, strict=True))
        return self._train_on([pooled], number, seats[:1], base[None], [kept], [None])[0]

    def count_examples(self, seat: int, number: int) -> int:
        """How many examples a seat trains on in a round; 1 where that cannot be told."""
        data = self._data(seat, number)
        try:
            return len(data[0] if isinstance(data, tuple) else data)
        except (TypeError, IndexError):
            return 1

    def _train_on(
        self,
        data: Sequence[Any],
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        kept: Sequence[PrivatePart],
        corrections: Sequence[Vector | None],
    ) -> list[TrainedModel]:
        if self._is_stacked and self._stack is not None and can_stack(data):
            return [TrainedModel(one, {}) for one in self._train_stacked(number, seats, bases, data, corrections)]
        return [self._train_one(number, *one) for one in zip(seats, bases, kept, data, corrections, strict=True)]

    def evaluate(
        self, number: int, seats: Sequence[int], states: GridStates, kept: Sequence[PrivatePart], attack: Attack
    ) -> list[dict[str, float]]:
        """The task's figures for each seat's state, and what `attack` measures of it.

        states: (seats, d), int32. kept: their private parts.
        """
        found: list[dict[str, float]] = []
        for start in range(0, len(states), GROUP):
            some = slice(start, start + GROUP)
            group = [
                ExaminedModel(seat, number, *pair)
                for seat, *pair in zip(seats[some], to_float(states[some]), kept[some], strict=True)
            ]
            found += self._evaluate_group(group, attack)
        return found

    def compute_loss(self, seat: int, number: int, state: GridState, kept: PrivatePart) -> float:
        """The mean loss of a state on a seat's own data, with its private part."""
        data = self._data(seat, number)
        if self._is_stacked and self._stack is not None and can_stack([data]):
            x, y = data
            with torch.no_grad():
                examined = ExaminedModel(seat, number, to_float(state), kept)
                return float(nn.functional.cross_entropy(self._outputs([examined], x)[0], y))
        return self._trainer(seat, kept, data, self._tasks.of(seat), self.template).compute_loss(to_float(state))

    def _data(self, seat: int, number: int) -> Any:
        data = self._shares.share_of(seat, number)
        if self.task.trainer is None:
            data = fit_dtype(self.template.model, data[0]), data[1]
        behaviour = self._behaviours.get(seat)
        if behaviour is None or not behaviour.poisons_data:
            return data
        if seat not in self._poisoned or self._scenario.drift > 0:
            self._poisoned[seat] = spoil(behaviour, self.task, data, self._untrained)
        return self._poisoned[seat]

    def _untrained(self) -> nn.Module:
        return self.template.fill(self.template.make_initial(), {})

    def _train_stacked(
        self,
        number: int,
        seats: Sequence[int],
        bases: GridStates,
        data: Sequence[Pair],
        corrections: Sequence[Vector | None],
    ) -> Matrix:
        assert self._stack is not None
        states, choices = to_float(bases), self.task.choices
        orders = [epoch_order(len(data[0][1]), derive_seed(self._scenario.seed, number, s)) for s in seats]
        pushes: torch.Tensor | None = None
        if any(one is not None for one in corrections):
            nothing = np.zeros(states.shape[1], np.float32)
            pushes = torch.from_numpy(np.stack([nothing if one is None else one for one in corrections]))
        with torch.no_grad():
            self._stack.train(
                torch.from_numpy(states),
                data,
                orders,
                pushes,
                rate=choices.find_rate(number, self._scenario.rounds),
                momentum=choices.momentum,
                batch=choices.batch_size,
            )
        return states

    def _train_one(
        self, number: int, seat: int, base: GridState, kept: PrivatePart, data: Any, correction: Vector | None
    ) -> TrainedModel:
        trainer = self._trainer(seat, kept, data, self._tasks.of(seat), self.template)
        try:
            return TrainedModel(trainer.train(to_float(base), number, correction), trainer.private_parts.latest)
        except TrainingDiverged:
            return TrainedModel(np.full(base.shape, np.nan, np.float32), kept)

    def _trainer(self, seat: int, kept: PrivatePart, data: Any, task: Task, template: Template) -> Trainer:
        return Trainer(
            deal(task, data),
            template.layout,
            seat=seat,
            seats=self._scenario.peers,
            seed=self._scenario.seed,
            template=template,
            kept=PrivateParts(kept),
            private=self._make_private(seat),
            rounds=self._scenario.rounds,
        )

    def _make_private(self, seat: int) -> PredictableTraining | None:
        privacy, seed = self._scenario.privacy, self._scenario.seed
        attack = self._behaviours.get(seat) or Attack()
        first = self._scenario.late.get(seat, 1)
        return PredictableTraining(privacy, seed, seat, attack.mechanism, first) if privacy else None

    def _evaluate_group(self, group: Sequence[ExaminedModel], attack: Attack) -> list[dict[str, float]]:
        with torch.no_grad():
            if self._test is None:
                return [self._evaluate_by_task(one) for one in group]
            if self._is_judged_by_class:
                x, y = self._test
                right = (self._guesses(group, x) == y).sum(1)
                found = [{ACCURACY: int(count) / len(y)} for count in right]
            else:
                found = [self._evaluate_by_task(one) for one in group]
            if attack.has_figures:
                found = [f | self._measured(attack, one) for f, one in zip(found, group, strict=True)]
        return found

    def _is_accuracy_alone(self) -> bool:
        """Whether accuracy is all that the task tells of a model: then it is told of many models at once."""
        if not hasattr(self.task.definition, "evaluate"):
            return True
        if (told := self.task.told_figures) and list(told) != [ACCURACY]:
            return False
        # Nobody says it before a first look.
        with GLOBAL_RANDOM_STATE, torch.random.fork_rng(devices=[]), torch.no_grad():
            untrained = self._untrained().eval()
            return list(self._tasks.of(0).evaluate(untrained, 0)) == [ACCURACY]

    def _measured(self, attack: Attack, one: ExaminedModel) -> dict[str, float]:
        assert self._test is not None
        return attack.figures(*self._test, lambda x: self._guesses([one], x)[0])

    def _evaluate_by_task(self, one: ExaminedModel) -> dict[str, float]:
        return self._tasks.of(one.seat).evaluate(self._model(one), one.seat)

    def _guesses(self, group: Sequence[ExaminedModel], x: torch.Tensor) -> torch.Tensor:
        """The class that each model gives each example, (models, n), int64."""
        return self._outputs(group, x).argmax(2)

    def _outputs(self, group: Sequence[ExaminedModel], x: torch.Tensor) -> torch.Tensor:
        if self._stack is not None:
            return self._stack.compute_outputs(torch.from_numpy(np.stack([one.state for one in group])), x)
        parts = torch.split(fit_dtype(self.template.model, x), _EVALUATED_AT_ONCE)
        models = [self._model(one) for one in group]
        with self.task.run_user_code("the model on test_set()"):
            return torch.stack([torch.cat([answer_of(model, some) for some in parts]) for model in models])

    def _model(self, one: ExaminedModel) -> nn.Module:
        """The model for answering, as its peer would use it."""
        x = self._data(one.seat, one.round)[0] if self.task.trainer is None else None
        with self.task.run_user_code("the model on data()"):
            return self.template.fill_for_answering(one.state, one.private_part, x)
