"""How short a step can be that holds the noise of a circle's privacy terms (R12.5, R22.3)."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor, isqrt
from typing import Final

import numpy as np

from ledger.arithmetic.exact import GRID_BITS, GridState, to_float
from ledger.circle.manifest import Tensor
from ledger.codec import blocks_of, frame_steps

NOISE_FLOOR: Final = Fraction(9, 10)
"""Below this share of the noise agreed on, a step of many values cannot hold that noise."""
CHANCE: Final = 84
"""How far below 1 chance alone takes a step of few values. Of m values, noise is at most the share 1 − √(84 / m) of
its mean with a probability below e⁻²¹, some 10⁻⁹. Source: Laurent and Massart 2000, lemma 1, x = 84 / 4.
"""
FREQUENCIES: Final = (1.5, 3.0)
"""In 1 / deviations. Normal noise leaves .32 and .011 of the length of a mean of unit vectors that are turned by
such angles; none leaves all, and random signs .99 at the second, which is twice the first."""
GRID_FREQUENCIES: Final = tuple(float(one) for one in range(4, 45))
"""As FREQUENCIES. Values on a grid of the width 2 π / t lie together at t and within one of it, so these see widths
from .14 on; normal noise leaves nothing there."""
COARSEST: Final = 3
"""Values whose frame has wider steps, in deviations of the noise, do not count: rounding may swallow the noise."""


def find_noise_floor(state: GridState, layout: Sequence[Tensor], variance: Fraction) -> int:
    """The least squared length, in grid units squared, of a step to `state` that holds its noise, from any base.

    state: (d,), int32. layout: its tensors. variance: s², of the noise in each value, in the model's units.
    """
    steps = frame_steps(to_float(state), blocks_of(tuple(tensor.size for tensor in layout)))
    total, count, at = Fraction(0), 0, 0
    for tensor in layout:
        variance_on_grid = variance / Fraction(2) ** (2 * (tensor.exponent - GRID_BITS))
        widest = isqrt(floor(COARSEST**2 * variance_on_grid))
        counted = int(np.count_nonzero(steps[at : at + tensor.size] <= widest))
        total += counted * variance_on_grid
        count += counted
        at += tensor.size
    return floor(total * find_least_share(count)) if count else 0


def find_least_share(values: int) -> Fraction:
    """What share of its mean the noise in so many values has but for chance, in whole thousandths."""
    chance = Fraction(isqrt(CHANCE * 10**6 // values) + 1, 1000)
    return max(Fraction(0), min(NOISE_FLOOR, 1 - chance))
