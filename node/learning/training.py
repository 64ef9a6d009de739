"""A peer's local training: from one state to the next.

Training is deterministic in seed, round, seat and private part on one machine, and nothing that the network agrees
on depends on its last bit. With differential privacy it never comes out twice the same (node.learning.private).
"""

import logging
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.across import Across, count_processes, own_rank
from node.learning.correction import NO_CORRECTION, Correct, Correction, find_corrected
from node.learning.crew import Crew
from node.learning.devices import list_seeded
from node.learning.ending import TrainingTime, end_in_time
from node.learning.layout import Layout, Vector, check_layout, find_not_finite, flatten, layout_of
from node.learning.lean import NOTHING
from node.learning.noise_owed import make_up_noise
from node.learning.optimizers import make_optimizer
from node.learning.private.mechanism import Privacy, PrivateTraining
from node.learning.private.refusals import check_buffers_stayed, check_private_task
from node.learning.private_part import PrivatePart, PrivateParts
from node.learning.template import GLOBAL_RANDOM_STATE, Template, derive_seed
from node.tasks.interface import Task
from node.tasks.losses import TaskLoss
from node.tasks.pairs import Pair, fit_dtype
from node.tasks.training_choices import TrainingChoices

__all__ = [
    "Trainer",
    "TrainingDiverged",
    "draw_batches",
    "layout_of",
    "make_initial_state",
    "train_by_choices",
    "use_one_thread",
]


_WORTH_TELLING: Final = 0.05
"""Chance alone has some noise made up in small tensors."""
_log = logging.getLogger(__name__)


class TrainingDiverged(SetupError):
    """Local training left the finite numbers."""

    def __init__(self, spec: str, round: int, tensor: str) -> None:
        super().__init__(
            f"{spec}: training in round {round} gave values that are not finite in {tensor}: lower the task's"
            " learning_rate, and check its data for NaN or unscaled features"
        )
        self.spec, self.round, self.tensor = spec, round, tensor


def use_one_thread() -> None:
    """Keep torch to one thread: peers on one machine share its cores, and sums keep one order."""
    torch.set_num_threads(1)


def make_initial_state(task: Task, seed: int, layout: Layout | None = None) -> Vector:
    """The untrained model that everyone with this seed starts from. Returns (d,), float32.

    layout: whose units it is in; None for the values as they are.
    """
    template = Template.of(task, seed)
    return (template if layout is None else template.in_units_of(layout)).make_initial()


class Trainer:
    """One peer's private data, its private part of the model, and the training of both parts."""

    def __init__(
        self,
        task: Task,
        layout: Layout,
        *,
        seat: int,
        seats: int,
        seed: int,
        template: Template | None = None,
        kept: PrivateParts | None = None,
        private: PrivateTraining | None = None,
        rounds: int | None = None,
        crew: Crew | None = None,
        limit: TrainingTime | None = None,
    ) -> None:
        """Load the seat's data. template: of this task and seed, where it was made before.

        rounds: the circle's last, which a schedule of the learning rate goes by; None where it is not known.
        crew: the processes that train in this one's place, where there are some; they always train to the end.
        limit: says when a round's training has to end before it is through; None: never. With privacy each round
        has the steps that it is charged for.
        private: hands out the means of differential privacy, where the circle has it. Raises SetupError where the
        task is at fault or its model has another layout.
        """
        self.task, self.layout, self.seat, self.seed = task, layout, seat, seed
        template = template or Template.of(task, seed)
        check_layout(template.layout, layout)
        self._template = template.in_units_of(layout)
        self.private_parts = kept or PrivateParts()
        self._template.check_kept(self.private_parts.latest)
        self._private, self._rounds, self._crew = private, rounds, crew
        self._limit = limit if private is None else None
        if private is not None:
            check_private_task(task, self._template.model, self._template.parts)
        # With differential privacy a step is noise, and the next ones must not hold it too.
        self.corrected = NOTHING if private is not None else find_corrected(task, self._template)
        data = task.data(seat, seats)
        self._loss: TaskLoss | None = None
        if task.trainer is None:
            data = fit_dtype(self._template.model, data[0]), data[1]
            self._loss = TaskLoss(task.spec, task.choices, data[1])
        self._data = data

    def make_initial(self) -> Vector:
        """The state of round 0, alike for every seat, in the layout's units."""
        return self._template.make_initial()

    def train(self, base: Vector, round: int, correction: Vector | None = None) -> Vector:
        """Train one round from `base` and the private part on the seat's data; keep what becomes of the latter.

        base: (d,), float32, left as it is. correction: what the steps are to move by beside their gradients, all of
        them together, (d,), float32 (node.learning.lean); None for nothing, as with differential privacy. Returns
        (d,), float32. All are in the layout's units. Raises TrainingDiverged where that is not finite, SetupError
        where the task is at fault. Where a budget of privacy is spent, the base comes back untrained.
        """
        privacy = None
        if self._private is not None:
            privacy = self._private.begin(round, count_examples(self.task, self._data))
            if privacy is None:
                return base.copy()
        before = self.private_parts.find_before(round)
        if self._crew is not None and privacy is None:
            trained, private = self._crew.train(base, before, round, correction)
        else:
            trained, private = self.train_from(base, before, round, privacy, correction)
        if names := find_not_finite(self.layout, trained) + self._template.find_spoilt(before, private):
            raise TrainingDiverged(self.task.spec, round, names[0])
        self.private_parts.keep(round, private)
        if privacy is not None:
            made = make_up_noise(base, trained, self.layout, privacy.deviation, privacy.draw_more)
            if made.share > _WORTH_TELLING:
                _log.info("privacy noise that training took is made up round=%d share=%.3f", round, made.share)
            return made.state
        return trained

    def train_from(
        self,
        base: Vector,
        before: PrivatePart,
        round: int,
        privacy: Privacy | None = None,
        correction: Vector | None = None,
    ) -> tuple[Vector, PrivatePart]:
        """Train here from a state and a private part, and keep nothing: what it gives may hold no numbers.

        base, correction: (d,), float32, as is what it gives. Raises SetupError where the task is at fault.
        """
        model = self._template.fill(base, before)
        model.train()
        correct = Correction(model, self.layout, correction)
        seed = derive_seed(self.seed, round, self.seat)
        with GLOBAL_RANDOM_STATE, torch.random.fork_rng(**list_seeded(self.task.device)):
            # Processes that train together draw what is random in a model each by themselves.
            torch.manual_seed(seed + own_rank() if privacy is None else privacy.draw_seed())
            with end_in_time(model, round, self._limit):
                self._train_in_place(model, round, seed, privacy, correct)
        self._template.check_trained(model)
        if privacy is not None:
            check_buffers_stayed(self.task.spec, self._template.model, model)
            privacy.check_used(self.task.spec)
        return flatten(model, self.layout), self._template.private_of(model)

    def _train_in_place(
        self, model: nn.Module, round: int, seed: int, privacy: Privacy | None, correct: Correct
    ) -> None:
        if self.task.trainer is not None:
            self.task.train(
                model, self._data, round=round, seed=seed, seat=self.seat, privacy=privacy, correct=correct
            )
        elif privacy is not None:
            with self.task.run_user_code("training on data()"):
                privacy.sgd(model, self._loss_of_data.compute_values, self._data)
        else:
            rate = self.task.choices.find_rate(round, self._rounds)
            loss = self._loss_of_data
            train_by_choices(model, self._data, self.task, seed, loss=loss, rate=rate, correct=correct)

    def close(self) -> None:
        """End the processes that train in this one's place, where there are some."""
        if self._crew is not None:
            self._crew.close()

    def evaluate(self, vector: Vector) -> dict[str, float]:
        """The task's figures for a state; empty where there are none."""
        model = self._judged(vector)
        with torch.no_grad():
            return self.task.evaluate(model, self.seat)

    def compute_loss(self, vector: Vector) -> float:
        """Mean loss of a state on the seat's own data, as it is trained. Raises SetupError where nobody can say.

        It decides verdicts, which are public, and has no noise: so there is none under differential privacy.
        """
        if self._private is not None:
            raise SetupError(
                f"{self.task.spec}: a rule that judges by private data tells of them: choose another rule"
            )
        if self._loss is None:
            raise SetupError(f"{self.task.spec} has its own train(), so its loss is unknown: choose another rule")
        model, (x, y) = self._judged(vector), self._data
        with self.task.run_user_code("the model on data()"), torch.no_grad():
            return float(self._loss.compute_mean(model, x, y))

    @property
    def _loss_of_data(self) -> TaskLoss:
        assert self._loss is not None
        return self._loss

    def _judged(self, vector: Vector) -> nn.Module:
        """A state as this peer uses it: with its own private part, and statistics of its own examples."""
        x = self._data[0] if self.task.trainer is None else None
        with self.task.run_user_code("the model on data()"):
            return self._template.fill_for_answering(vector, self.private_parts.latest, x)


def train_by_choices(
    model: nn.Module,
    data: Pair,
    task: Task,
    seed: int,
    *,
    loss: TaskLoss | None = None,
    rate: float | None = None,
    correct: Correct = NO_CORRECTION,
) -> None:
    """Train as the task's choices say, in place; the examples shuffled by `seed`.

    data: x (examples, …) and y (examples, …). loss: of these data, where it was made before. rate: the round's
    learning rate; None for that of the first. correct: called after each step with its part. Raises SetupError
    where model and data do not fit together.
    """
    x, y = data
    choices, loss = task.choices, loss or TaskLoss(task.spec, task.choices, y)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = make_optimizer(parameters, choices, choices.learning_rate if rate is None else rate)
    part = 1 / count_steps(len(y), choices)
    device, across = task.device, Across(model, parameters) if count_processes() > 1 else None
    with task.run_user_code("training on data()"):
        for rows in draw_batches(len(y), seed, choices):
            some = x[rows].to(device), y[rows].to(device)
            if across is not None:
                optimizer.step(across.compute_gradients(loss, *some))
            else:
                mean = loss.compute_mean(model, *some)
                optimizer.step(torch.autograd.grad(mean, parameters, allow_unused=True))
            correct(part)


def draw_batches(count: int, seed: int, choices: TrainingChoices) -> Iterator[torch.Tensor]:
    """The rows of each step: every example once an epoch, in an order drawn by `seed`.

    Batches are of nearly one size: no last batch of a single example, which batch normalisation refuses.
    """
    generator = torch.Generator().manual_seed(seed)
    steps_an_epoch, steps = -(-count // choices.batch_size), count_steps(count, choices)
    while steps > 0:
        batches = torch.randperm(count, generator=generator).tensor_split(steps_an_epoch)
        yield from batches[:steps]
        steps -= len(batches)


def count_steps(count: int, choices: TrainingChoices) -> int:
    """The steps of a round on so many examples."""
    return max(1, round(choices.epochs * -(-count // choices.batch_size)))


def count_examples(task: Task, data: Any) -> int:
    """How many examples a seat's data hold. Raises SetupError where that cannot be told."""
    is_of_tensors = isinstance(data, tuple | list) and data and all(hasattr(part, "shape") for part in data)
    try:
        return len(data[0] if is_of_tensors else data)
    except TypeError as error:
        raise SetupError(
            f"{task.spec}: data() gave a {type(data).__name__} without a length, and privacy is counted by"
            " examples: return tensors of one length"
        ) from error
