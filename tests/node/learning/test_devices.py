"""Models on another device. The one here is torch's lazy device, which every CPU build has."""

from typing import Any

import numpy as np
import pytest
import torch
import torch._lazy
import torch._lazy.ts_backend
from torch import nn

from ledger.errors import SetupError, UsageError
from node.learning.devices import CPU, choose_device, list_seeded, send
from node.learning.layout import Vector, flatten
from node.learning.private.randomness import SystemRandomness
from node.learning.template import Template
from node.learning.training import Trainer
from node.tasks.interface import Task

ELSEWHERE = torch.device("lazy")


@pytest.fixture(scope="module", autouse=True)
def _lazy_device() -> None:
    torch._lazy.ts_backend.init()


class Sorting:
    """Two kinds of points; a head that stays at home, and tied layers."""

    learning_rate = 0.1
    private: tuple[str, ...] = ("3.*",)

    def model(self) -> nn.Module:
        tied = nn.Linear(4, 4)
        return nn.Sequential(tied, nn.ReLU(), tied, nn.Linear(4, 2))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        x = torch.randn(64, 4, generator=generator)
        return x, (x.sum(1) > 0).long()

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        x, y = self.data(99, 100)
        return {"accuracy": float((model(x).argmax(1).numpy() == y.numpy()).mean())}


class TrainingItself(Sorting):
    """A train() that knows of no device."""

    def train(self, model: nn.Module, data: Any, *, round: int, seed: int) -> None:
        x, y = data
        for rows in torch.arange(len(y)).split(16):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            parameters = list(model.parameters())
            with torch.no_grad():
                for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                    parameter.sub_(gradient, alpha=0.1)


def make_trainer(definition: Any, device: torch.device) -> Trainer:
    task = Task("sorting", definition, device=device)
    template = Template.of(task, 0)
    return Trainer(task, template.layout, seat=0, seats=2, seed=0, template=template)


@pytest.mark.parametrize("kind", [Sorting, TrainingItself])
def test_training_on_another_device_gives_what_the_cpu_gives_and_brings_it_back(kind: type) -> None:
    here, there = make_trainer(kind(), CPU), make_trainer(kind(), ELSEWHERE)
    states = [trainer.train(trainer.make_initial(), 1) for trainer in (here, there)]
    assert not np.array_equal(states[0], here.make_initial())
    np.testing.assert_allclose(states[0], states[1], atol=1e-5)
    for name, tensor in there.private_parts.latest.items():
        assert tensor.device == CPU
        assert torch.allclose(tensor, here.private_parts.latest[name], atol=1e-5)


def test_an_evaluation_that_knows_of_no_device_runs_on_another_one() -> None:
    here, there = make_trainer(Sorting(), CPU), make_trainer(Sorting(), ELSEWHERE)
    state = here.train(here.make_initial(), 1)
    there.train(there.make_initial(), 1)
    assert there.evaluate(state) == here.evaluate(state)
    assert there.compute_loss(state) == pytest.approx(here.compute_loss(state), abs=1e-5)


def test_private_training_adds_its_noise_on_the_cpu_whatever_the_device() -> None:
    from fractions import Fraction

    from node.learning.private.mechanism import Mechanism, Privacy

    class Plain(Sorting):
        private = ()

        def model(self) -> nn.Module:
            return nn.Linear(4, 2)

    mechanism = Mechanism(2, 64, Fraction(1), 1.0, 1e-6, 0.1, 64)
    definition = Plain()
    x, y = definition.data(0, 2)
    models = [Template.of(Task("plain", definition, device=device), 0) for device in (CPU, ELSEWHERE)]
    trained: list[Vector] = []
    for template in models:
        model = template.fill(template.make_initial(), {})
        losses = lambda model, x, y: nn.functional.cross_entropy(model(x), y, reduction="none")  # noqa: E731
        Privacy(mechanism, SystemRandomness()).sgd(model, losses, (x, y))
        trained.append(flatten(model, template.layout))
    np.testing.assert_allclose(trained[0], trained[1], atol=1e-4)


def test_a_model_answers_where_it_was_asked() -> None:
    model = send(nn.Linear(3, 2), ELSEWHERE, "task")
    assert model(torch.ones(1, 3)).device == CPU
    assert model(torch.ones(1, 3).to(ELSEWHERE)).device.type == "lazy"


def test_an_object_with_logits_comes_back_as_well() -> None:
    class Answer:
        def __init__(self, logits: torch.Tensor) -> None:
            self.logits = logits

    class Speaking(nn.Linear):
        def forward(self, x: torch.Tensor) -> Any:
            return Answer(super().forward(x))

    assert send(Speaking(3, 2), ELSEWHERE, "task")(torch.ones(1, 3)).logits.device == CPU


def test_what_is_tied_stays_tied_on_another_device() -> None:
    model = Sorting().model()
    send(model, ELSEWHERE, "task")
    assert isinstance(model, nn.Sequential)
    assert model[0].weight is model[2].weight


def test_auto_takes_the_cpu_where_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == CPU


def test_auto_takes_a_gpu_where_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto").type == "cuda"
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(SetupError, match=r"cuda:2 is not here: this machine has 2, counted from cuda:0"):
        choose_device("cuda:2")


@pytest.mark.parametrize("kind", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_here_is_refused_in_a_sentence(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SetupError, match=r"is not here: this torch .* finds none; install a build"):
        choose_device(kind)


@pytest.mark.parametrize("word", ["gpu", "cpu:1", "cuda:x", "mps:0", "", "meta"])
def test_a_word_that_is_no_device_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="choose auto, cpu, cuda, cuda:NUMBER or mps"):
        choose_device(word)


def test_the_random_state_of_a_gpu_is_left_as_it_was() -> None:
    assert list_seeded(CPU) == {"devices": []}
    assert list_seeded(torch.device("cuda", 1)) == {"devices": [1], "device_type": "cuda"}
