"""A part of a round's correction in each step."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from node.learning.correction import Correction, find_corrected
from node.learning.layout import Layout
from node.learning.lean import NOTHING, Corrected
from node.learning.template import Template
from node.learning.training import Trainer, layout_of
from node.tasks.interface import Task
from node.tasks.sharing import Sharing


class Counted(nn.Module):
    """A layer, a number that training leaves alone, and one that gradients do not move."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3, 2)
        self.fixed = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("total", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.last(x)
        return found


class Still:
    """Its loss has no slope, so that training moves by what it is told alone."""

    shared: tuple[str, ...] | None = ("*",)
    epochs = 2.5
    correction = 0.9

    def model(self) -> nn.Module:
        return Counted()

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(70, 3), torch.full((70, 2), 0.5)

    def loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (outputs * 0).sum(1)


class Own(Still):
    """With a train() that corrects by four steps."""

    loss = None  # type: ignore[assignment]

    def train(self, model: nn.Module, data: Any, *, round: int, seed: int, correct: Any) -> None:
        for _ in range(4):
            correct(0.25)


def in_units(layout: Layout) -> Layout:
    return replace(layout, exponents=tuple(range(len(layout.names))))


@pytest.mark.parametrize("kind", [Still, Own])
def test_a_round_moves_by_the_whole_correction_and_only_what_is_trained(kind: type[Still]) -> None:
    task = Task("still.py:Still", kind())
    layout = in_units(layout_of(task.model(), task.sharing))
    trainer = Trainer(task, layout, seat=0, seats=1, seed=1)
    base, wanted = trainer.make_initial(), np.linspace(1, 2, layout.size, dtype=np.float32)
    moved = trainer.train(base, 1, wanted) - base
    trained = trainer.corrected.values
    assert trained is not None
    assert trained.sum() == 8, "the layer's weight and bias"
    np.testing.assert_allclose(moved, np.where(trained, wanted, 0), atol=1e-5)
    np.testing.assert_array_equal(trainer.train(base, 1), base)


def test_a_train_that_does_not_ask_for_it_corrects_nothing() -> None:
    class Silent(Still):
        loss = None  # type: ignore[assignment]

        def train(self, model: nn.Module, data: Any, *, round: int, seed: int) -> None: ...

    task = Task("silent.py:Silent", Silent())
    assert find_corrected(task, Template.of(task, 1)) == NOTHING


def test_complex_and_tied_parameters_move_once() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(2, 2, bias=False)
            self.b = nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight
            self.c = nn.Parameter(torch.zeros(3, dtype=torch.complex64))

    model = Odd()
    layout = layout_of(model, Sharing())
    with torch.no_grad():
        model.a.weight.zero_()
    correct = Correction(model, layout, np.ones(layout.size, np.float32))
    correct(0.5)
    assert torch.equal(model.a.weight, torch.full((2, 2), 0.5))
    assert torch.equal(model.c, torch.full((3,), 0.5 + 0.5j))


def test_a_whole_model_of_parameters_is_corrected_without_a_mask() -> None:
    class Plain(Still):
        shared = None

        def model(self) -> nn.Module:
            return nn.Linear(3, 2)

    task = Task("plain.py:Plain", Plain())
    assert find_corrected(task, Template.of(task, 1)) == Corrected(0.9)
