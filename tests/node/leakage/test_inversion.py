"""Records read out of the first layer, value by value: where one alone moves a neuron, and nowhere else."""

import numpy as np
import torch
from torch import nn

from node.leakage.inversion import FirstLayer
from node.leakage.pool import Pool
from node.learning.layout import flatten
from node.learning.template import Template
from node.tasks.interface import Task

COLUMNS, RECORDS = 30, 12


class Dense:
    def model(self) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(COLUMNS, 8), nn.ReLU(), nn.Linear(8, 3))

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(RECORDS, 5, 6), torch.zeros(RECORDS, dtype=torch.int64)


class Convolution(Dense):
    def model(self) -> nn.Module:
        return nn.Sequential(nn.Unflatten(1, (1, 5)), nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(24, 3))


def make_layer(kind: type[Dense]) -> tuple[FirstLayer | None, Template, Pool]:
    task = Task(kind.__name__, kind())
    template = Template.of(task, 1)
    x, y = task.data(0, 1)
    pool = Pool(x, y, RECORDS)
    return FirstLayer.find(task, template, pool), template, pool


def step_on(template: Template, pool: Pool, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Base and state of a plain step on some records."""
    model = template.fill(template.make_initial(), {})
    loss = nn.functional.cross_entropy(model(pool.x[rows]), torch.tensor(rows) % 3)
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=0.1)
    return template.make_initial(), flatten(model, template.layout)


def test_a_step_on_one_record_gives_it_and_no_other() -> None:
    layer, template, pool = make_layer(Dense)
    assert layer is not None
    assert np.flatnonzero(layer.find_read(*step_on(template, pool, [7]))).tolist() == [7]


def test_a_step_on_all_gives_hardly_any() -> None:
    layer, template, pool = make_layer(Dense)
    assert layer is not None
    assert layer.find_read(*step_on(template, pool, list(range(RECORDS)))).sum() <= 2


def test_no_step_gives_nothing() -> None:
    layer, template, _ = make_layer(Dense)
    assert layer is not None
    base = template.make_initial()
    assert not layer.find_read(base, base).any()


def test_a_layer_behind_another_is_not_tried() -> None:
    assert make_layer(Convolution)[0] is None
