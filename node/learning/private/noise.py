"""Poisson samples and Gaussian noise made of random bits, so that floating point gives nothing away.

A sum of floats plus a float of noise is not what the theorems speak of: which floats can come out depends on the
sum, and the last bits tell neighbouring sums apart (Mironov 2012, doi:10.1145/2382196.2382264; Holohan and Braghin
2021, arXiv:2107.10138). Here sum and noise are both whole numbers of one fine step, so every sum can become every
value near it, and what comes out is exactly a function (rounding) of the true mechanism on the rounded sum. What is
left is the distance of the noise from a true Gaussian: it ends 8.57 deviations out, and its uniform numbers have 53
bits, so that the least radii are too far apart. Both are estimated, not proved, to move probabilities by less than
1e-14 a value. What sums of float32 do to the bound of each example is left to a margin.

What is not hidden: how long training takes, which shows about how many examples were sampled.
"""

from fractions import Fraction
from math import floor, frexp, pi, prod
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from node.learning.private.randomness import Randomness

_WORD: Final = 1 << 64
_MANTISSA_BITS: Final = 53
_MANTISSA: Final = (1 << _MANTISSA_BITS) - 1
# A step of the grid in deviations of the noise, about: rounding d values moves a sum by at most √d steps.
_STEP_BITS: Final = 30

# Of the bound on one example's gradient, what is kept back for float32's rounding and the grid's.
MARGIN: Final = 2.0**-10


def draw_sample(randomness: Randomness, examples: int, rate: Fraction) -> npt.NDArray[np.int64]:
    """The rows of a Poisson sample: each of the examples by itself, with probability `rate` less up to 2**-64.

    rate: 0..1. Returns (k,), int64, ascending; k may be 0.
    """
    threshold = floor(rate * _WORD)
    if threshold == _WORD:
        return np.arange(examples)
    return np.flatnonzero(randomness.draw_words(examples) < np.uint64(threshold))


def draw_normal(randomness: Randomness, count: int) -> torch.Tensor:
    """Independent standard normal values by Box and Muller (1958). Returns (count,), float64."""
    half = -(-count // 2)
    words = torch.from_numpy(randomness.draw_words(2 * half).view(np.int64)).view(2, half).bitwise_and(_MANTISSA)
    scale = 2.0**-_MANTISSA_BITS
    radius = words[0].add(1).double().mul_(scale).log_().mul_(-2.0).sqrt_()
    angle = words[1].double().mul_(2.0 * pi * scale)
    return torch.cat([radius * angle.cos(), radius * angle.sin()])[:count]


def add_noise(randomness: Randomness, values: torch.Tensor, deviation: float) -> torch.Tensor:
    """Round values to a grid and add Gaussian noise of that grid.

    values: any shape and float dtype. deviation: of the noise, above 0. Returns the same shape, float64.
    """
    step = 2.0 ** (frexp(deviation)[1] - 1 - _STEP_BITS)
    noise = draw_normal(randomness, prod(values.shape)).mul_(deviation / step).round_()
    return values.double().div_(step).round_().add_(noise.view(values.shape)).mul_(step)
