"""The flat vector, and the training between two of them."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.tasks.interface import Task, load_task
from node.training import (
    Layout,
    Trainer,
    TrainingDiverged,
    check_layout,
    flatten,
    initial_state,
    layout_of,
    load_into,
)


class Blobs:
    """Two clouds of points, easy to tell apart."""

    def model(self):
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 2))

    def data(self, seat, seats):
        rng = torch.Generator().manual_seed(seat)
        y = torch.arange(65) % 2
        return torch.randn(65, 4, generator=rng) + 2 * y[:, None], y

    def evaluate(self, model):
        x, y = self.data(99, 100)
        return {"accuracy": (model(x).argmax(1) == y).float().mean()}


class OwnTraining(Blobs):
    def model(self):
        return nn.Linear(4, 2)

    def data(self, seat, seats):
        return {"anything": 0.5}

    def train(self, model, data, *, round, seed):
        with torch.no_grad():
            model.bias += data["anything"] + round + torch.rand(2)


class MadeForEvaluation(Blobs):
    """Its model comes in evaluation mode. modes: the model's mode, and its layers', inside train()."""

    modes: ClassVar = []

    def model(self):
        return super().model().eval()

    def train(self, model, data, *, round, seed):
        self.modes.append((model.training, model[2].training))


class NaNs(Blobs):
    def data(self, seat, seats):
        x, y = super().data(seat, seats)
        return x * float("nan"), y


class WrongLabels(Blobs):
    def data(self, seat, seats):
        x, y = super().data(seat, seats)
        return x, y + 7


def trainer_of(kind: type, seat: int = 0, seed: int = 5) -> Trainer:
    task = Task(kind.__name__, kind())
    return Trainer(task, layout_of(task.model()), seat=seat, seats=4, seed=seed)


def test_a_model_is_in_training_mode_inside_train_however_it_was_made():
    MadeForEvaluation.modes.clear()
    trainer = trainer_of(MadeForEvaluation)
    base = trainer.initial()
    for number in (1, 2):
        trainer.train(base, number)
    trainer.evaluate(base)
    assert MadeForEvaluation.modes == [(True, True)] * 2


def test_dropout_and_batch_statistics_work_in_the_built_in_training_too():
    class Evaluating(Blobs):
        def model(self):
            return super().model().eval()

    trainer = trainer_of(Evaluating)
    assert np.array_equal(trainer.train(trainer.initial(), 1), trainer_of(Blobs).train(trainer.initial(), 1))


def test_the_layout_names_floats_in_order_and_leaves_integers_out():
    layout = layout_of(Blobs().model())
    assert layout.names == (
        *("0.bias", "0.weight", "1.bias", "1.running_mean", "1.running_var", "1.weight"),
        *("4.bias", "4.weight"),
    )
    assert layout.shapes[1] == (8, 4)
    assert layout.size == 8 + 32 + 8 + 8 + 8 + 8 + 2 + 16


def test_flatten_and_load_into_are_inverses():
    model, other = Blobs().model(), Blobs().model()
    model(torch.randn(16, 4))  # moves the running statistics and the step count
    layout = layout_of(model)
    vector = flatten(model, layout)
    load_into(other, layout, vector)
    assert (vector.dtype, vector.shape) == (np.float32, (layout.size,))
    assert np.array_equal(flatten(other, layout), vector)
    assert torch.equal(other[1].running_mean, model[1].running_mean)
    assert (int(model[1].num_batches_tracked), int(other[1].num_batches_tracked)) == (1, 0)


def test_half_precision_parameters_survive_the_round_trip():
    model = nn.Linear(3, 2).to(torch.bfloat16)
    layout = layout_of(model)
    vector = flatten(model, layout)
    load_into(model, layout, vector)
    assert np.array_equal(flatten(model, layout), vector)
    assert model.weight.dtype == torch.bfloat16


def test_a_read_only_vector_loads_without_a_warning_and_stays_its_own():
    model = nn.Linear(3, 2)
    vector = np.ones(8, np.float32)
    vector.flags.writeable = False
    load_into(model, layout_of(model), vector)
    with torch.no_grad():
        model.weight.zero_()
    assert vector.sum() == 8


def test_a_vector_of_another_length_is_refused():
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"7.*8"):
        load_into(model, layout_of(model), np.ones(7, np.float32))


@pytest.mark.parametrize(
    ("names", "shapes", "why"),
    [
        (("bias", "weight"), ((2,), (2, 4)), r"tensor 1 is weight \(2, 3\) here and weight \(2, 4\) there"),
        (("bias",), ((2,),), r"tensor 1 is weight \(2, 3\) here and nothing there"),
        (("beta", "weight"), ((2,), (2, 3)), r"tensor 0 is bias .* beta"),
    ],
)
def test_a_model_of_another_shape_than_the_circles_is_a_setup_error(names, shapes, why):
    with pytest.raises(SetupError, match=f"shapes differ from the circle's task: {why}"):
        check_layout(layout_of(nn.Linear(3, 2)), names, shapes)


def test_a_layout_agrees_with_itself_as_lists():
    layout = layout_of(nn.Linear(3, 2))
    check_layout(layout, list(layout.names), [list(shape) for shape in layout.shapes])


def test_a_trainer_refuses_another_models_layout():
    task = Task("blobs", Blobs())
    with pytest.raises(SetupError, match="shapes differ"):
        Trainer(task, Layout(("weight",), ((3,),), (0,)), seat=0, seats=1, seed=0)


def test_everyone_with_one_seed_starts_alike():
    first, second = trainer_of(Blobs, seat=0), trainer_of(Blobs, seat=3)
    assert np.array_equal(first.initial(), second.initial())
    assert np.array_equal(first.initial(), initial_state(first.task, 5))
    assert not np.array_equal(first.initial(), initial_state(first.task, 6))


def test_making_a_model_leaves_torchs_random_state_alone():
    trainer = trainer_of(Blobs)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    initial_state(trainer.task, 5)
    trainer.train(trainer.initial(), 0)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("kind", [Blobs, OwnTraining])
def test_training_depends_on_seed_round_and_seat_alone(kind):
    trainer = trainer_of(kind)
    base = trainer.initial()
    first = trainer.train(base, 3)
    trainer.train(base, 4)
    assert np.array_equal(trainer.train(base, 3), first)
    assert np.array_equal(trainer_of(kind).train(base, 3), first)
    assert not np.array_equal(trainer.train(base, 4), first)
    assert not np.array_equal(trainer_of(kind, seat=1).train(base, 3), first)
    assert not np.array_equal(trainer_of(kind, seed=6).train(base, 3), first)


def test_training_leaves_its_base_as_it_was():
    trainer = trainer_of(Blobs)
    base = trainer.initial()
    trainer.train(base, 0)
    assert np.array_equal(base, trainer.initial())


def test_training_improves_the_model():
    trainer = trainer_of(Blobs)
    state = trainer.initial()
    for round in range(20):
        state = trainer.train(state, round)
    assert trainer.evaluate(state)["accuracy"] > 0.9


def test_a_tasks_own_training_gets_its_own_data():
    trainer = trainer_of(OwnTraining)
    moved = trainer.train(trainer.initial(), 10) - trainer.initial()
    assert np.all((moved[:2] >= 10.5) & (moved[:2] < 11.5))
    assert not moved[2:].any()


def test_training_that_leaves_the_finite_numbers_says_what_to_do():
    trainer = trainer_of(NaNs)
    with pytest.raises(TrainingDiverged, match=r"round 2 .*lower the task's learning_rate"):
        trainer.train(trainer.initial(), 2)


def test_labels_the_model_does_not_know_are_a_setup_error():
    trainer = trainer_of(WrongLabels)
    with pytest.raises(SetupError, match=r"WrongLabels: training on data.*out of bounds"):
        trainer.train(trainer.initial(), 0)


def test_a_task_without_figures_has_none():
    class Silent:
        model, data = Blobs.model, Blobs.data

    trainer = trainer_of(Silent)
    assert trainer.evaluate(trainer.initial()) == {}


@pytest.mark.usefixtures("installed_fashion_mnist")
def test_eight_peers_averaging_plainly_learn_fashion_mnist():
    task = load_task("fashion-mnist", skew=0.3, seed=1, samples=1000)
    layout = layout_of(task.model())
    peers = [Trainer(task, layout, seat=seat, seats=8, seed=1) for seat in range(8)]
    state = peers[0].initial()
    for round in range(10):
        state = np.mean([peer.train(state, round) for peer in peers], axis=0, dtype=np.float32)
    assert peers[0].evaluate(state)["accuracy"] >= 0.81
