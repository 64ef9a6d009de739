"""The sum of the gradients of some examples, each cut to a length: in closed form, or one example after the other.

Measured on the tasks that ship: the closed form takes 1 to 1.5 times a plain pass; one after the other takes 2
times for a transformer, 3 for a convolutional network and 30 for a perceptron.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import torch
from torch import nn

from node.learning.private.closed_forms import (
    Gradients,
    NoClosedForm,
    PerExampleLoss,
    compute_scales,
    sum_clipped,
)

_log = logging.getLogger(__name__)
# What the closed form keeps of each layer at once is that of so many examples.
_AT_ONCE: Final = 128
_TRIED: Final = 3
_CLOSE: Final = 1e-3


class ClippedSums:
    """Sums for one model and loss.

    The closed form is taken where it gives what the examples give one by one: that is tried on the first few. So a
    model whose forward() mixes examples, or uses a layer in some other way, is still clipped example by example.
    """

    def __init__(self, model: nn.Module, loss: PerExampleLoss, clip: float) -> None:
        """loss: of the model and the parts of some examples; a value for each. clip: the length."""
        self._model, self._loss, self._clip = model, loss, clip
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._is_closed: bool | None = None

    def compute(self, examples: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The sum for some examples. examples: parts of one length, 0 included. Returns one a trained parameter."""
        total = [torch.zeros_like(parameter) for parameter in self._trained]
        count = len(examples[0])
        if count == 0:
            return total
        if self._is_closed is None:
            self._is_closed = self._is_closed_form_right([part[:_TRIED] for part in examples])
        at_once = _AT_ONCE if self._is_closed else 1
        for start in range(0, count, at_once):
            some = [part[start : start + at_once] for part in examples]
            found = self._sum_closed(some) if self._is_closed else self._sum_one(some)
            for whole, one in zip(total, found, strict=True):
                whole.add_(one)
        return total

    def _sum_closed(self, examples: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        found: Gradients = sum_clipped(self._model, self._loss, examples, self._clip)
        return [found.get(one, torch.zeros_like(one)) for one in self._trained]

    def _sum_one(self, example: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        loss = self._loss(self._model, *example).sum()
        gradients = torch.autograd.grad(loss, self._trained, allow_unused=True, materialize_grads=True)
        norm = torch.stack([one.norm() for one in gradients]).norm()
        if not bool(torch.isfinite(norm)):
            return [torch.zeros_like(one) for one in gradients]
        scale = compute_scales(norm, self._clip)
        return [one * scale for one in gradients]

    def _is_closed_form_right(self, examples: Sequence[torch.Tensor]) -> bool:
        with _without_dropout(self._model):
            try:
                closed = self._sum_closed(examples)
            except NoClosedForm:
                _log.info("gradients taken one by one reason=%s", "no closed form")
                return False
            one_by_one = [
                torch.stack(parts).sum(0)
                for parts in zip(
                    *(self._sum_one([part[i : i + 1] for part in examples]) for i in range(len(examples[0]))),
                    strict=True,
                )
            ]
        is_right = all(
            bool((one - other).norm() <= _CLOSE * self._clip) for one, other in zip(closed, one_by_one, strict=True)
        )
        if not is_right:
            _log.info("gradients taken one by one reason=%s", "the closed form gives others")
        return is_right


@contextmanager
def _without_dropout(model: nn.Module) -> Iterator[None]:
    """Two passes over the same examples are to give the same."""
    layers = [one for one in model.modules() if isinstance(one, nn.modules.dropout._DropoutNd) and one.training]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()
