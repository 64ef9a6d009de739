"""Optimizers written out, against torch's."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from node.learning.optimizers import make_optimizer
from node.learning.training import draw_batches
from node.tasks.training_choices import TrainingChoices


def train(choices: TrainingChoices | None, **torchs: Any) -> list[torch.Tensor]:
    """Ten steps of one problem: written out with choices, by torch's optimizer without."""
    torch.manual_seed(4)
    model, x = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 1)), torch.randn(30, 5)
    parameters = list(model.parameters())
    if choices is None:
        optimizer = torchs.pop("kind")(parameters, **torchs)
    else:
        own = make_optimizer(parameters, choices, 0.02)
    for _ in range(10):
        gradients = torch.autograd.grad(model(x).square().mean(), parameters)
        if choices is not None:
            own.step(gradients)
            continue
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
    return [parameter.detach() for parameter in parameters]


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("name", "kind", "fields"),
    [
        ("sgd", torch.optim.SGD, {"momentum": 0.9}),
        ("adam", torch.optim.Adam, {}),
        ("adamw", torch.optim.AdamW, {}),
    ],
)
def test_each_is_torchs(name: str, kind: Any, fields: dict[str, float], decay: float) -> None:
    found = train(TrainingChoices(optimizer=name, weight_decay=decay))
    expected = train(None, kind=kind, lr=0.02, weight_decay=decay, **fields)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_what_the_loss_does_not_depend_on_stays() -> None:
    parameter = nn.Parameter(torch.ones(3))
    for name in ("sgd", "adam", "adamw"):
        make_optimizer([parameter], TrainingChoices(optimizer=name, weight_decay=0.5), 0.1).step([None])
    assert torch.equal(parameter, torch.ones(3))


@pytest.mark.parametrize(("epochs", "steps"), [(1, 4), (0.5, 2), (0.01, 1), (2.25, 9)])
def test_epochs_may_be_part_of_one_or_several(epochs: float, steps: int) -> None:
    batches = list(draw_batches(30, 5, TrainingChoices(epochs=epochs, batch_size=8)))
    assert len(batches) == steps
    whole = list(draw_batches(30, 5, TrainingChoices(batch_size=8)))
    for one, other in zip(batches, whole, strict=False):
        assert torch.equal(one, other)
    if epochs > 1:
        for start in (0, 4):
            assert np.array_equal(torch.cat(batches[start : start + 4]).sort().values, np.arange(30))


def test_a_schedule_goes_by_the_circles_rounds() -> None:
    cosine = TrainingChoices(schedule="cosine", learning_rate=0.2)
    rates = [cosine.find_rate(number, 10) for number in range(1, 11)]
    assert rates[0] == 0.2
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.01
    step = TrainingChoices(schedule="step", learning_rate=1.0)
    assert [step.find_rate(number, 8) for number in range(1, 9)] == [1.0] * 4 + [0.1] * 2 + [0.01] * 2
    assert TrainingChoices(learning_rate=0.3).find_rate(7, 8) == 0.3
    assert step.find_rate(99, 8) == 0.01
    assert step.find_rate(3, None) == 1.0
