"""The image tasks: what their networks and data have in common."""

from pathlib import Path

import pytest
import torch

from node.learning.training import Trainer, layout_of, make_initial_state, train_by_choices
from node.tasks import images
from node.tasks.interface import Task, load_task


def load(spec: str, samples: int = 100, skew: float = 0.5) -> Task:
    return load_task(spec, skew=skew, seed=1, samples=samples)


@pytest.fixture(params=["fashion-mnist", "fashion-mnist-cnn", "mnist", "mnist-cnn"])
def task(request: pytest.FixtureRequest) -> Task:
    fixture = "installed_fashion_mnist" if "fashion" in request.param else "installed_mnist"
    request.getfixturevalue(fixture)
    return load(request.param)


def test_every_seat_gets_standardised_images_that_the_model_takes(task: Task) -> None:
    x, y = task.data(3, 8)
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((100, 784), torch.float32, (100,), torch.int64)
    assert abs(float(x.mean())) < 0.15
    assert float(x.std()) == pytest.approx(1, abs=0.15)
    assert task.model()(x[:7]).shape == (7, 10)


def test_shares_are_alike_on_every_machine_and_disjoint(task: Task) -> None:
    shares = [task.data(seat, 4)[0] for seat in range(4)]
    again = load(task.spec).data(2, 4)[0]
    assert torch.equal(shares[2], again)
    assert len(torch.unique(torch.cat(shares), dim=0)) == 400


def test_the_test_set_is_what_evaluate_measures_on(task: Task) -> None:
    x, y = task.definition.test_set()
    assert len(x) == len(y) == (10_000 if "fashion" in task.spec else 1_500)
    assert set(y[:300].tolist()) == set(range(10))
    model = task.model()
    with torch.no_grad():
        guess = torch.cat([model(some).argmax(1) for some in x.split(1_000)])
        assert task.evaluate(model) == {"accuracy": int((guess == y).sum()) / len(y)}


def test_no_test_image_is_trained_on(installed_mnist: Path) -> None:
    task = load("mnist", samples=8_500)
    trained = {row.numpy().tobytes() for row in task.data(0, 1)[0]}
    assert len(trained) == 8_500
    assert not trained & {row.numpy().tobytes() for row in task.definition.test_set()[0]}


def test_the_networks_are_of_the_size_they_say() -> None:
    assert layout_of(images.make_perceptron()).size == 101_770
    assert layout_of(images.make_convolutional()).size == 36_122


@pytest.mark.parametrize("spec", ["mnist", "mnist-cnn"])
def test_a_few_epochs_on_a_thousand_digits_make_a_good_reader(installed_mnist: Path, spec: str) -> None:
    task = load(spec, samples=1000, skew=0.0)
    trainer = Trainer(task, layout_of(task.model()), seat=0, seats=8, seed=1)
    state = trainer.make_initial()
    before = trainer.evaluate(state)["accuracy"]
    for round in range(1, 4):
        state = trainer.train(state, round)
    assert before < 0.3
    assert trainer.evaluate(state)["accuracy"] > 0.8


@pytest.mark.usefixtures("installed_fashion_mnist")
def test_the_convolutional_network_learns_fashion_mnist() -> None:
    task = load("fashion-mnist-cnn", samples=500, skew=0.0)
    model = task.model()
    x, y = task.definition.test_set()
    data = task.data(0, 8)
    for seed in range(4):
        train_by_choices(model, data, task, seed)
    with torch.no_grad():
        assert float((model(x[:500]).argmax(1) == y[:500]).float().mean()) > 0.6


@pytest.mark.usefixtures("installed_fashion_mnist")
def test_everyone_with_one_seed_starts_from_one_convolutional_network() -> None:
    first, second = (make_initial_state(load("fashion-mnist-cnn"), seed=4) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("spec", ["digits", "breast-cancer"])
def test_the_small_tasks_give_their_test_set_too(spec: str) -> None:
    task = load(spec)
    x, y = task.definition.test_set()
    model = task.model()
    right = (model(x).argmax(1) == y).float().mean().item()
    assert task.evaluate(model)["accuracy"] == pytest.approx(right)
    assert x.shape[1:] == task.data(0, 4)[0].shape[1:]
