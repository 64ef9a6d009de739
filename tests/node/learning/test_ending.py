"""Training that ends before it is through."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from node.learning.training import Trainer, layout_of
from node.tasks.interface import Task

PASSES = 7


class Counted:
    """By its choices: seven steps of ten examples."""

    batch_size = 10

    def model(self) -> nn.Linear:
        return nn.Linear(4, 2)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.arange(70) % 2
        return torch.randn(70, 4, generator=torch.Generator().manual_seed(seat)) + y[:, None], y


class OwnTraining(Counted):
    """The same by a train() of its own, which goes on after any fault."""

    def train(self, model: nn.Linear, data: tuple[torch.Tensor, torch.Tensor], *, round: int, seed: int) -> None:
        x, y = data
        for rows in torch.arange(70).split(10):
            try:
                loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            except Exception:
                continue
            for parameter, gradient in zip(
                model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
            ):
                parameter.data -= 0.1 * gradient


class Limit:
    """The time is up after so many passes. noted: what training told of itself."""

    def __init__(self, passes: int) -> None:
        self.passes = passes
        self.noted: list[tuple[int, bool]] = []

    def is_over(self, number: int, passes: int, took_s: float) -> bool:
        assert (number, took_s >= 0) == (3, True)
        return passes >= self.passes

    def note_training(self, passes: int, *, is_whole: bool) -> None:
        self.noted.append((passes, is_whole))


def make_trainer(definition: object, limit: Limit | None) -> Trainer:
    task = Task("task", definition)
    return Trainer(task, layout_of(task.model()), seat=0, seats=1, seed=0, limit=limit)


@pytest.mark.parametrize("make", [Counted, OwnTraining])
def test_what_the_steps_so_far_have_made_is_what_comes_out(make: type[Counted]) -> None:
    whole = make_trainer(make(), None)
    base = whole.make_initial()
    reached = [base]
    for passes in range(1, PASSES + 1):
        limit = Limit(passes)
        reached.append(make_trainer(make(), limit).train(base, 3))
        assert limit.noted == [(passes, passes == PASSES)]
    assert np.array_equal(reached[-1], whole.train(base, 3))
    assert all(not np.array_equal(before, after) for before, after in itertools.pairwise(reached))


def test_at_least_one_step_is_made_and_the_next_round_trains_in_full_again() -> None:
    limit = Limit(0)
    trainer = make_trainer(Counted(), limit)
    base = trainer.make_initial()
    assert not np.array_equal(trainer.train(base, 3), base)
    limit.passes = 100
    trainer.train(base, 3)
    assert limit.noted == [(1, False), (PASSES, True)]
