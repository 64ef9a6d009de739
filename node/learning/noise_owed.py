"""A published step holds the noise of privacy that is owed in it, whatever training took of it (R30.5).

Of a round's steps the later ones answer to the noise of the earlier. A loss that pulls values back to one place,
by a weight decay or by its curvature, takes noise away again, and so may a train() of a task's own. That tells no
more of the data, but nobody can see so: an audit finds too little noise (R22.3). So a peer looks at its own step as
an audit would, more narrowly, and makes up for what lacks with fresh noise. What it adds follows from base, step
and that noise alone, so it takes nothing from the guarantee.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.judging.noise_floor import FREQUENCIES, GRID_FREQUENCIES, NOISE_FLOOR
from node.learning.layout import Layout, Vector

_SLACK: Final = 2.0
"""Of m values so much / √m may lack by chance: 32 steps in which it does stay below what an audit finds in as many
together, √(168 / (32 m))."""
_LEAST: Final = (1 + float(NOISE_FLOOR)) / 2
"""Half of what the floor leaves is kept back for what rounding does to a step."""
_TRIES: Final = 32
_SAMPLE: Final = 1 << 15
_GRID_LEFT: Final = 0.05
"""An audit finds nothing in four times as much."""
Floats = NDArray[np.float64]
DrawNormal = Callable[[int], Floats]


@dataclass(frozen=True)
class MadeUp:
    """A state whose step holds its noise."""

    state: Vector
    """(d,), float32."""
    share: float
    """How much was added, in parts of the variance that is owed, in the mean of all values."""


def make_up_noise(base: Vector, state: Vector, layout: Layout, deviation: float, draw: DrawNormal) -> MadeUp:
    """Add fresh noise to a state until the step to it from its base holds what is owed, in every block and in all.

    base, state: (d,), float32, in the layout's units. deviation: of the noise that each value owes, in the model's
    units. draw: so many independent standard normal values, (n,), float64.
    """
    lengths = layout.blocks.lengths
    units = [2.0**exponent for exponent in layout.exponents]
    deviations = deviation / np.repeat(units, [here.stop - here.start for here in layout.blocks.tensors])
    step = (state.astype(np.float64) - base) / deviations
    starts, added = layout.blocks.ends - lengths, np.zeros(lengths.size)
    for _ in range(_TRIES):
        lacking = _find_lacking(step, starts, lengths)
        if not lacking.any():
            break
        for start, length, share in zip(starts, lengths, lacking, strict=True):
            if share:
                step[start : start + length] += np.sqrt(share) * draw(int(length))
        added += lacking
    if not added.any():
        return MadeUp(state, 0.0)
    is_touched = np.repeat(added > 0, lengths)
    made = np.where(is_touched, base + step * deviations, state).astype(np.float32)
    return MadeUp(made, float((added * lengths).sum() / step.size))


def _find_lacking(step: Floats, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Floats:
    """How much of the noise's variance each block lacks, 0..1, (blocks,)."""
    lengths2 = np.add.reduceat(np.square(step), starts)
    sums = [np.add.reduceat(np.exp(1j * frequency * step), starts) for frequency in FREQUENCIES]
    lacking = np.array(
        [
            _measure_lack(float(length2), [complex(one[at]) for one in sums], int(count))
            for at, (length2, count) in enumerate(zip(lengths2, lengths, strict=True))
        ]
    )
    if not lacking.any():
        # What no block shows by itself.
        lacking[:] = _measure_lack(float(lengths2.sum()), [complex(one.sum()) for one in sums], step.size)
    if not lacking.any():
        lacking[:] = _measure_grid(step)
    return lacking


def _measure_grid(step: Floats) -> float:
    """How much noise takes a step off a grid, such as that of the numbers that a model of few bits can hold."""
    some = step if step.size <= _SAMPLE else np.random.default_rng(0).choice(step, _SAMPLE, replace=False)
    slack, lack = _GRID_LEFT + _SLACK / sqrt(some.size), 0.0
    for frequency in GRID_FREQUENCIES:
        left = abs(complex(np.exp(1j * frequency * some).mean()))
        if left > slack:
            lack = max(lack, 2 * log(2 * left / slack) / frequency**2)
    return min(1.0, lack)


def _measure_lack(length2: float, turned: list[complex], count: int) -> float:
    slack = _SLACK / sqrt(count)
    share = length2 / count
    lack = 1 - share if share < min(_LEAST, 1 - slack) else 0.0
    for frequency, total in zip(FREQUENCIES, turned, strict=True):
        # Noise leaves so much of it at the most, and more noise of variance v exp(−v t² / 2) of that.
        left, held = abs(total) / count, exp(-(frequency**2) / 2)
        if left > held + slack:
            lack = max(lack, 2 * log(left / (held + slack / 2)) / frequency**2)
    return min(1.0, lack)
