"""What one published step says of single examples: how far it goes down their losses, how low these are then."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from node.leakage.pool import Pool
from node.learning.layout import Vector
from node.learning.private.closed_forms import PerExampleLoss
from node.learning.recalibration import find_normalisations, recalibrate
from node.learning.template import Template
from node.tasks.interface import Task
from node.tasks.losses import TaskLoss
from node.tasks.pairs import fit_dtype
from node.tasks.training_choices import TrainingChoices

_AT_ONCE: Final = 500

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StepSigns:
    """What a step shows of each example; the more a value is, the likelier was the example trained on."""

    alignment: Values
    """By how much the loss falls along the step, by its gradient at the base, (n,)."""
    confidence: Values
    """log(p / (1 − p)) of the likelihood p = exp(−loss) after the step, (n,)."""


class Scorer:
    """Looks at published steps for the examples of a pool, as anyone may who has the task."""

    def __init__(self, task: Task, template: Template, pool: Pool) -> None:
        self._task, self._template = task, template
        self._x, self._y = fit_dtype(template.model, pool.x), pool.y
        # With a train() of its own nobody knows what it minimises: the cross-entropy is the usual guess.
        choices = task.choices if task.trainer is None else TrainingChoices()
        self._losses: PerExampleLoss = TaskLoss(task.spec, choices, pool.y).compute_values
        self._filled: tuple[Vector, nn.Module] | None = None

    def measure(self, base: Vector, state: Vector) -> StepSigns:
        """The signs of a step. base, state: (d,), float32, in the layout's units; of one base many steps follow."""
        if self._filled is None or self._filled[0] is not base:
            self._filled = base, self.fill(base)
        before, after = self._filled[1], self.fill(state)
        start = dict(before.named_parameters())
        step = {name: (one - start[name]).detach() for name, one in after.named_parameters()}
        slopes, losses = [], []
        with self._task.run_user_code("the model on data()"), sdpa_kernel(SDPBackend.MATH):
            for x, y in zip(torch.split(self._x, _AT_ONCE), torch.split(self._y, _AT_ONCE), strict=True):
                slopes.append(_compute_slopes(self._losses, before, step, x, y))
                with torch.no_grad():
                    losses.append(self._losses(after, x, y))
        loss = torch.cat(losses).double().numpy()
        confidence = -loss - np.log(-np.expm1(-np.maximum(loss, 1e-12)))
        return StepSigns(-torch.cat(slopes).double().numpy(), confidence)

    def fill(self, vector: Vector) -> nn.Module:
        """For answering. Running statistics are no part of what is published: one's own examples give them."""
        model = self._template.fill_for_answering(vector, {}, None)
        with self._task.run_user_code("the model on data()"):
            recalibrate(model, self._x, find_normalisations(model).values())
        return model


def _compute_slopes(
    loss: PerExampleLoss, model: nn.Module, step: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    """The change of each example's loss along a step, (n,), for a short one.

    Each is the product of the step and that example's gradient; they come without the gradients, as derivatives of
    the product with a weighted sum of these by its weights. torch.func.jvp gives the same, and imports a compiler.
    """
    losses = loss(model, x, y)
    weights = torch.ones_like(losses, requires_grad=True)
    parameters = dict(model.named_parameters())
    named = [name for name, one in parameters.items() if one.requires_grad]
    gradients = torch.autograd.grad(
        losses, [parameters[name] for name in named], weights, create_graph=True, allow_unused=True
    )
    parts = [(one * step[name]).sum() for name, one in zip(named, gradients, strict=True) if one is not None]
    return torch.autograd.grad(torch.stack(parts).sum(), weights)[0]
