"""Networks that foretell a value as one that is known and a change to it: the last one, or that of a season before.

All take the examples' inputs, (n, window · columns + calendar), float32, and return (n,), float32. `known` is the
step of the window, from 0, that holds the value they begin with.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import nn

LINEAR, MLP, GRU = "linear", "mlp", "gru"


def _make_silent(inputs: int) -> nn.Linear:
    """A layer of one output that begins as 0: untrained, all say the value that is known."""
    layer = nn.Linear(inputs, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Change(nn.Module):
    """The value known and what layers make of all inputs."""

    def __init__(self, window: int, columns: int, calendar: int, width: int, known: int) -> None:
        super().__init__()
        self._known = known * columns
        self.layers = self.make_layers(window * columns + calendar, width)

    def make_layers(self, inputs: int, width: int) -> nn.Module:
        """Two layers with ReLU, and one that sums up."""
        first, second = nn.Linear(inputs, width), nn.Linear(width, width)
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), _make_silent(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = x[:, self._known] + self.layers(x)[:, 0]
        return found


class LinearChange(Change):
    """One linear layer: a regression on what was."""

    def make_layers(self, inputs: int, width: int) -> nn.Module:  # noqa: ARG002
        return _make_silent(inputs)


class RememberedChange(nn.Module):
    """A GRU reads the window, step by step; a layer sums up what it remembers and the calendar.

    Source: Cho et al. 2014, arXiv:1406.1078.
    """

    def __init__(self, window: int, columns: int, calendar: int, width: int, known: int) -> None:
        super().__init__()
        self._window, self._columns, self._known = window, columns, known
        self.memory = nn.GRU(columns, width, batch_first=True)
        self.output = _make_silent(width + calendar)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        history, calendar = x.tensor_split((self._window * self._columns,), 1)
        steps = history.reshape(len(x), self._window, self._columns)
        remembered = self.memory(steps)[0][:, -1]
        found: torch.Tensor = steps[:, self._known, 0] + self.output(torch.cat([remembered, calendar], 1))[:, 0]
        return found


NETWORKS: Final[Mapping[str, type[nn.Module]]] = {LINEAR: LinearChange, MLP: Change, GRU: RememberedChange}
