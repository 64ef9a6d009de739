"""One peer's training in several processes, by torch's DistributedDataParallel: each takes part of every batch.

The gradients that come of it are those of the whole batch, up to the order of sums, whatever the loss weighs.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed
from torch import nn

from node.tasks.losses import TaskLoss


def count_processes() -> int:
    """How many processes train together: those of torch's process group, 1 where there is none."""
    is_grouped = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if is_grouped else 1


def own_rank() -> int:
    """This process's number among them, from 0."""
    return torch.distributed.get_rank() if count_processes() > 1 else 0


class Across:
    """A model whose gradients all processes compute together."""

    def __init__(self, model: nn.Module, parameters: Sequence[nn.Parameter]) -> None:
        """parameters: of the model, those that are trained. All processes make one, of equal models."""
        self._parameters = parameters
        # A forward() may leave parameters out, as the default training allows.
        self._model = nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)

    def compute_gradients(self, loss: TaskLoss, x: Any, y: torch.Tensor) -> list[torch.Tensor | None]:
        """The gradient of the mean loss over a batch, one a parameter. x, y: the whole batch, in every process."""
        parts, count = list(torch.arange(len(y)).tensor_split(count_processes())), count_processes()
        weights = [loss.weigh(y[part]) for part in parts]
        if min(weights) > 0:
            own = parts[own_rank()].to(y.device)
            x, y, share = x[own], y[own], count * weights[own_rank()] / sum(weights)
        else:
            # A part with nothing in it has no mean: all take the whole batch.
            share = 1.0
        (share * loss.compute_mean(self._model, x, y)).backward()
        gradients = [parameter.grad for parameter in self._parameters]
        for parameter in self._parameters:
            parameter.grad = None
        return gradients
