"""Reading examples out of the first layer: a row of a dense layer moves along the examples that excite its neuron.

Where an example alone does, the row's change divided by its bias's is that example, value by value.
Source: Geiping et al. 2020, arXiv:2003.14053, Proposition 3.1; Boenisch et al. 2023, arXiv:2112.02918.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from node.leakage.pool import Pool
from node.learning.layout import Vector
from node.learning.template import Template
from node.tasks.interface import Task
from node.tasks.pairs import fit_dtype

LIKENESS: Final = 0.9
"""So strongly must a row and an example correlate, both from the mean of the pool."""
_TRIED: Final = 2


class FirstLayer:
    """The dense layer that the examples themselves go into."""

    def __init__(self, template: Template, weight: str, bias: str, pool: Pool) -> None:
        """weight, bias: their names in the layout."""
        parts = dict(zip(template.layout.names, template.layout.blocks.tensors, strict=True))
        self._weight, self._bias = parts[weight], parts[bias]
        exponents = dict(zip(template.layout.names, template.layout.exponents, strict=True))
        self._unit = 2.0 ** (exponents[weight] - exponents[bias])
        flat = pool.x.reshape(len(pool), -1).double().numpy()
        self._mean = flat.mean(0)
        self._examples = _normalise(flat - self._mean)

    @classmethod
    def find(cls, task: Task, template: Template, pool: Pool) -> "FirstLayer | None":
        """None where there is none that is shared whole."""
        x = fit_dtype(template.model, pool.x[:_TRIED])
        if not x.is_floating_point():
            return None
        model, found = template.fill(template.make_initial(), {}), list[str]()
        flat = x.reshape(len(x), -1)
        hooks = [
            layer.register_forward_pre_hook(
                lambda _, given, name=name: found.append(name) if _is_same(given[0], flat) else None
            )
            for name, layer in model.named_modules()
            if isinstance(layer, nn.Linear)
        ]
        model.eval()
        with task.run_user_code("the model on data()"), torch.no_grad():
            model(x)
        for hook in hooks:
            hook.remove()
        names = [(f"{name}.weight".removeprefix("."), f"{name}.bias".removeprefix(".")) for name in found]
        shared = [pair for pair in names if set(pair) <= set(template.layout.names)]
        return cls(template, *shared[0], pool) if shared else None

    def find_read(self, base: Vector, state: Vector) -> npt.NDArray[np.bool_]:
        """Which examples of the pool some row gives, (n,). base, state: (d,), in the layout's units."""
        step = (state - base).astype(np.float64)
        biases = step[self._bias]
        rows = step[self._weight].reshape(len(biases), -1)
        moved = np.flatnonzero(biases)
        is_read = np.zeros(len(self._examples), np.bool_)
        if not len(moved):
            return is_read
        given = _normalise(rows[moved] / biases[moved, None] * self._unit - self._mean)
        likeness = given @ self._examples.T
        best = likeness.argmax(1)
        is_read[best[likeness[np.arange(len(best)), best] >= LIKENESS]] = True
        return is_read


def _normalise(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12))


def _is_same(given: torch.Tensor, flat: torch.Tensor) -> bool:
    return given.shape == flat.shape and torch.equal(given, flat)
