"""One step of an optimizer, written out.

Not torch.optim: its first step imports torch's compiler, 1.8 CPU seconds and 70 MB in every peer's process.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import torch
from torch import nn

from node.tasks.training_choices import ADAMW, SGD, TrainingChoices

_DECAY_2: Final = 0.999
_EPSILON: Final = 1e-8


class Optimizer(Protocol):
    """Changes parameters by their gradients, in place; its memory is of one round."""

    def step(self, gradients: Sequence[torch.Tensor | None]) -> None:
        """gradients: one a parameter; None where the loss does not depend on it, which leaves it as it is."""
        ...


class Sgd:
    """Gradient descent with momentum."""

    def __init__(self, parameters: Sequence[nn.Parameter], choices: TrainingChoices, rate: float) -> None:
        self._parameters, self._rate = parameters, rate
        self._momentum, self._decay = choices.momentum, choices.weight_decay
        self._velocities = [torch.zeros_like(parameter) for parameter in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor | None]) -> None:
        for parameter, velocity, gradient in zip(self._parameters, self._velocities, gradients, strict=True):
            if gradient is not None:
                if self._decay:
                    gradient = gradient.add(parameter, alpha=self._decay)  # noqa: PLW2901
                parameter.sub_(velocity.mul_(self._momentum).add_(gradient), alpha=self._rate)


class Adam:
    """Adam, and AdamW, whose decay of the weights stays out of the moments.

    Source: Kingma and Ba 2015, arXiv:1412.6980, Algorithm 1; Loshchilov and Hutter 2019, arXiv:1711.05101.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], choices: TrainingChoices, rate: float) -> None:
        self._parameters, self._rate, self._steps = parameters, rate, 0
        self._decay_1, self._decay, self._is_apart = (
            choices.momentum,
            choices.weight_decay,
            choices.optimizer == ADAMW,
        )
        self._means = [torch.zeros_like(parameter) for parameter in parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor | None]) -> None:
        self._steps += 1
        correction_1, correction_2 = 1 - self._decay_1**self._steps, (1 - _DECAY_2**self._steps) ** 0.5
        moments = zip(self._parameters, self._means, self._squares, gradients, strict=True)
        for parameter, mean, square, gradient in moments:
            if gradient is None:
                continue
            if self._decay and self._is_apart:
                parameter.mul_(1 - self._rate * self._decay)
            elif self._decay:
                gradient = gradient.add(parameter, alpha=self._decay)  # noqa: PLW2901
            mean.lerp_(gradient, 1 - self._decay_1)
            square.mul_(_DECAY_2).addcmul_(gradient, gradient.conj(), value=1 - _DECAY_2)
            divisor = square.sqrt().div_(correction_2).add_(_EPSILON)
            parameter.addcdiv_(mean, divisor, value=-self._rate / correction_1)


def make_optimizer(parameters: Sequence[nn.Parameter], choices: TrainingChoices, rate: float) -> Optimizer:
    """The chosen one, without any memory. rate: of the round."""
    kind = Sgd if choices.optimizer == SGD else Adam
    return kind(parameters, choices, rate)
