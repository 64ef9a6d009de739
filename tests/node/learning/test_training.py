"""The flat vector, and the training between two of them."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.container import Sequential

from ledger.errors import SetupError
from node.learning.layout import Layout
from node.learning.training import Trainer, TrainingDiverged, layout_of, make_initial_state
from node.tasks.interface import Task, load_task


class Blobs:
    """Two clouds of points, easy to tell apart."""

    def model(self) -> Sequential:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 2))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(seat)
        y = torch.arange(65) % 2
        return torch.randn(65, 4, generator=rng) + 2 * y[:, None], y

    def evaluate(self, model: Sequential) -> dict[str, torch.Tensor]:
        x, y = self.data(99, 100)
        return {"accuracy": (model(x).argmax(1) == y).float().mean()}


class OwnTraining:
    def model(self) -> torch.nn.Linear:
        return nn.Linear(4, 2)

    def data(self, seat: int, seats: int) -> dict[str, float]:
        return {"anything": 0.5}

    def train(self, model: torch.nn.Linear, data: dict[str, float], *, round: int, seed: int) -> None:
        with torch.no_grad():
            model.bias.add_(data["anything"] + round + torch.rand(2))


class MadeForEvaluation(Blobs):
    """Its model comes in evaluation mode. modes: the model's mode, and its layers', inside train()."""

    modes: ClassVar[list[tuple[bool, bool]]] = []

    def model(self) -> Sequential:
        return super().model().eval()

    def train(self, model: Sequential, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        self.modes.append((model.training, model[2].training))


class NaNs(Blobs):
    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = super().data(seat, seats)
        return x * float("nan"), y


class WrongLabels(Blobs):
    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = super().data(seat, seats)
        return x, y + 7


def trainer_of(kind: type, seat: int = 0, seed: int = 5) -> Trainer:
    task = Task(kind.__name__, kind())
    return Trainer(task, layout_of(task.model()), seat=seat, seats=4, seed=seed)


def test_a_model_is_in_training_mode_inside_train_however_it_was_made() -> None:
    MadeForEvaluation.modes.clear()
    trainer = trainer_of(MadeForEvaluation)
    base = trainer.make_initial()
    for number in (1, 2):
        trainer.train(base, number)
    trainer.evaluate(base)
    assert MadeForEvaluation.modes == [(True, True)] * 2


def test_dropout_and_batch_statistics_work_in_the_built_in_training_too() -> None:
    class Evaluating(Blobs):
        def model(self) -> Sequential:
            return super().model().eval()

    trainer = trainer_of(Evaluating)
    assert np.array_equal(
        trainer.train(trainer.make_initial(), 1), trainer_of(Blobs).train(trainer.make_initial(), 1)
    )


def test_a_trainer_refuses_another_models_layout() -> None:
    task = Task("blobs", Blobs())
    with pytest.raises(SetupError, match=r"this task shares 0\.bias \(8,\), which the circle does not"):
        Trainer(task, Layout(("weight",), ((3,),), (0,)), seat=0, seats=1, seed=0)


def test_everyone_with_one_seed_starts_alike() -> None:
    first, second = trainer_of(Blobs, seat=0), trainer_of(Blobs, seat=3)
    assert np.array_equal(first.make_initial(), second.make_initial())
    assert np.array_equal(first.make_initial(), make_initial_state(first.task, 5))
    assert not np.array_equal(first.make_initial(), make_initial_state(first.task, 6))


def test_making_a_model_leaves_torchs_random_state_alone() -> None:
    trainer = trainer_of(Blobs)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    make_initial_state(trainer.task, 5)
    trainer.train(trainer.make_initial(), 0)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("kind", [Blobs, OwnTraining])
def test_training_depends_on_seed_round_and_seat_alone(kind: type) -> None:
    trainer = trainer_of(kind)
    base = trainer.make_initial()
    first = trainer.train(base, 3)
    assert np.array_equal(trainer.train(base, 3), first)
    assert np.array_equal(trainer_of(kind).train(base, 3), first)
    assert not np.array_equal(trainer_of(kind).train(base, 4), first)
    assert not np.array_equal(trainer_of(kind, seat=1).train(base, 3), first)
    assert not np.array_equal(trainer_of(kind, seed=6).train(base, 3), first)


def test_training_leaves_its_base_as_it_was() -> None:
    trainer = trainer_of(Blobs)
    base = trainer.make_initial()
    trainer.train(base, 0)
    assert np.array_equal(base, trainer.make_initial())


def test_training_improves_the_model() -> None:
    trainer = trainer_of(Blobs)
    state = trainer.make_initial()
    for round in range(20):
        state = trainer.train(state, round)
    assert trainer.evaluate(state)["accuracy"] > 0.9


def test_a_tasks_own_training_gets_its_own_data() -> None:
    trainer = trainer_of(OwnTraining)
    moved = trainer.train(trainer.make_initial(), 10) - trainer.make_initial()
    assert np.all((moved[:2] >= 10.5) & (moved[:2] < 11.5))
    assert not moved[2:].any()


def test_training_that_leaves_the_finite_numbers_says_what_to_do() -> None:
    trainer = trainer_of(NaNs)
    with pytest.raises(TrainingDiverged, match=r"round 2 .* finite in 0\.bias: lower the task's learning_rate"):
        trainer.train(trainer.make_initial(), 2)


def test_labels_the_model_does_not_know_are_a_setup_error() -> None:
    trainer = trainer_of(WrongLabels)
    with pytest.raises(SetupError, match=r"WrongLabels: training on data.*out of bounds"):
        trainer.train(trainer.make_initial(), 0)


def test_a_task_without_figures_has_none() -> None:
    class Silent:
        model, data = Blobs.model, Blobs.data

    trainer = trainer_of(Silent)
    assert trainer.evaluate(trainer.make_initial()) == {}


@pytest.mark.usefixtures("installed_fashion_mnist")
def test_eight_peers_averaging_plainly_learn_fashion_mnist() -> None:
    task = load_task("fashion-mnist", skew=0.3, seed=1, samples=1000)
    layout = layout_of(task.model())
    peers = [Trainer(task, layout, seat=seat, seats=8, seed=1) for seat in range(8)]
    state = peers[0].make_initial()
    for round in range(10):
        state = np.mean([peer.train(state, round) for peer in peers], axis=0, dtype=np.float32)
    assert peers[0].evaluate(state)["accuracy"] >= 0.81
