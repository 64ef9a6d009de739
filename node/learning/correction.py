"""A training's correction of its peer's lean (node.learning.lean): a part of it in each step."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from node.learning.layout import Layout, Vector, as_real
from node.learning.lean import NOTHING, Corrected
from node.learning.template import Template
from node.tasks.interface import Task

Correct = Callable[[float], None]
"""Moves a model by so much of the whole round's correction; the parts of a round add up to 1."""


def find_corrected(task: Task, template: Template) -> Corrected:
    """What of its lean a peer's training corrects: of what the model's parameters hold. Raises SetupError.

    Nothing where the task's own train() does not ask for it.
    """
    if not task.correction:
        return NOTHING
    trained, layout = _find_trained(template.model), template.layout
    values: npt.NDArray[np.bool_] = np.zeros(layout.size, np.bool_)
    for name, here in zip(layout.names, layout.blocks.tensors, strict=True):
        values[here] = name in trained
    return Corrected(task.correction, None if values.all() else values)


class Correction:
    """One round's, of one model."""

    def __init__(self, model: nn.Module, layout: Layout, vector: Vector | None) -> None:
        """vector: the whole round's, (d,), float32, in the layout's units; None for none."""
        self._pushes: list[tuple[nn.Parameter, torch.Tensor]] = []
        if vector is None:
            return
        trained, values = _find_trained(model), torch.from_numpy(vector)
        for tensor, here in zip(layout.tensors, layout.blocks.tensors, strict=True):
            if (parameter := trained.get(tensor.name)) is not None:
                push = values[here].view(tensor.shape) * 2.0**tensor.exponent
                self._pushes.append((parameter, push.to(parameter.device)))

    @torch.no_grad()
    def __call__(self, part: float) -> None:
        for parameter, push in self._pushes:
            real = as_real(parameter)
            real.add_(push.to(real.dtype), alpha=part)


def _find_trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """By name; a tensor of two names under both."""
    named = model.named_parameters(remove_duplicate=False)
    return {name: parameter for name, parameter in named if parameter.requires_grad}


NO_CORRECTION: Final[Correct] = lambda _: None  # noqa: E731
