"""The mechanism `dp-sgd`: noisy gradient descent on Poisson samples, each example's gradient cut to a length.

Source: Abadi et al. 2016, arXiv:1607.00133, Algorithm 1, with the fixed divisor of Ponomareva et al. 2023,
arXiv:2303.00654, 5.3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.private.clipping import ClippedSums
from node.learning.private.closed_forms import PerExampleLoss
from node.learning.private.noise import MARGIN, add_noise, draw_normal, draw_sample
from node.learning.private.randomness import Randomness
from node.tasks.named_inputs import NamedInputs


@dataclass(frozen=True)
class Mechanism:
    """What a peer does in a round, in numbers."""

    steps: int
    """Of gradient descent, each on a sample of its own."""
    batch: int
    """What a noisy sum of gradients is divided by, however many examples were sampled."""
    rate: Fraction
    """With which probability an example is sampled, 0..1."""
    clip: float
    """The greatest length of an example's gradient."""
    sigma: float
    """The noise's deviation, in units of `clip`."""
    learning_rate: float
    """By what an averaged gradient is multiplied."""
    examples: int
    """How many the peer has: the rate holds for these."""


class PrivateTraining(Protocol):
    """Hands out a peer's private training, round by round."""

    def begin(self, round_number: int, examples: int) -> "Privacy | None":
        """Charge a round, for good, and give its means; None where the budget does not allow another one."""
        ...


class Privacy:
    """One round's private training: the means that a task's train() is given.

    It hands out as many samples and noises as a round has steps, all of them charged, taken or not.
    """

    def __init__(self, mechanism: Mechanism, randomness: Randomness) -> None:
        """randomness: one that nobody else can know, made for this round."""
        self.mechanism, self._randomness = mechanism, randomness
        self._samples_left = self._noises_left = mechanism.steps

    def check_used(self, spec: str) -> None:
        """Raises SetupError where training took no noise, so that what it gave is the data's alone."""
        if self._noises_left == self.mechanism.steps:
            raise SetupError(
                f"{spec}: train() took `privacy` and no noise of it: train by privacy.sgd(model, loss, data), or"
                " add privacy.noise(shape) to a sum of clipped gradients"
            )

    @property
    def deviation(self) -> float:
        """Of the noise that all steps of the round together leave in each value: s of R30.5."""
        one = self.mechanism
        return sqrt(one.steps) * one.learning_rate * one.sigma * one.clip / one.batch

    def draw_more(self, count: int) -> npt.NDArray[np.float64]:
        """Independent standard normal values besides those of the steps, (count,), to make a step noisier with."""
        values: npt.NDArray[np.float64] = draw_normal(self._randomness, count).numpy()
        return values

    def draw_seed(self) -> int:
        """A seed for what is random in a model itself, such as dropout. Below 2**63."""
        return int(self._randomness.draw_words(1)[0] >> 1)

    def sgd(self, model: nn.Module, loss: PerExampleLoss, data: Sequence[Any]) -> None:
        """Train a model in place, all steps of the round.

        loss: called as loss(model, *parts) with the same rows of each part of data; returns a value for each row.
        data: tensors of as many rows as the peer has examples. Raises SetupError.
        """
        parts: list[Any] = [part if isinstance(part, NamedInputs) else torch.as_tensor(part) for part in data]
        if not parts or {len(part) for part in parts} != {self.mechanism.examples}:
            raise SetupError(
                f"privacy.sgd() was given parts of {[len(part) for part in parts]} rows, and the peer has"
                f" {self.mechanism.examples} examples: give it data() as it is"
            )
        mechanism = self.mechanism
        sums = ClippedSums(model, loss, self._bound)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        for _ in range(mechanism.steps):
            rows = self.sample(self.mechanism.examples)
            self._step(trained, sums.compute([part[rows].to(trained[0].device) for part in parts]))

    def sample(self, n: int) -> torch.Tensor:
        """The rows of one step's sample, (k,), int64; k may be 0. n: how many examples the peer has."""
        if n != self.mechanism.examples:
            raise SetupError(
                f"privacy.sample({n}): the peer has {self.mechanism.examples} examples, and is charged for these"
            )
        if not self._samples_left:
            raise SetupError(
                f"privacy.sample() was called more often than the circle's {self.mechanism.steps} steps"
            )
        self._samples_left -= 1
        return torch.from_numpy(draw_sample(self._randomness, n, self.mechanism.rate))

    def noise(self, shape: Sequence[int]) -> torch.Tensor:
        """One step's Gaussian noise, float32, for a sum of gradients that were cut to `mechanism.clip`."""
        return self._hide(torch.zeros(tuple(shape))).float()

    def _hide(self, values: torch.Tensor) -> torch.Tensor:
        if not self._noises_left:
            raise SetupError(
                f"privacy.noise() was called more often than the circle's {self.mechanism.steps} steps"
            )
        self._noises_left -= 1
        return add_noise(self._randomness, values, self.mechanism.sigma * self.mechanism.clip)

    @property
    def _bound(self) -> float:
        return self.mechanism.clip * (1 - MARGIN)

    @torch.no_grad()
    def _step(self, parameters: Sequence[nn.Parameter], gradients: Sequence[torch.Tensor]) -> None:
        noised = self._hide(torch.cat([gradient.reshape(-1).float().cpu() for gradient in gradients]))
        noised.mul_(self.mechanism.learning_rate / self.mechanism.batch)
        sizes = [parameter.numel() for parameter in parameters]
        for parameter, part in zip(parameters, torch.split(noised, sizes), strict=True):
            parameter.sub_(part.view_as(parameter).to(parameter))
