"""How much of the noise that it must hold is in one step, as far as the step by itself can tell (R22.3).

Each test is one that a step passes which holds its noise, whatever else is in it: what training adds moves a value
before the noise spreads it. So a test can refute and cannot prove.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor, isqrt, log, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState
from ledger.circle.manifest import Tensor
from ledger.codec import BLOCK, LARGEST, Blocks
from ledger.judging.noise_floor import CHANCE, COARSEST, FREQUENCIES, NOISE_FLOOR

UNLIKELY: Final = 42
"""Where many things are looked at in each of many updates, chance alone accuses in any of them with a probability
below e⁻⁴², some 10⁻¹⁸."""
CHANCE_OF_PARTS: Final = 4 * UNLIKELY
"""As CHANCE, for a part by itself."""
_CHANCE_OF_SPREAD: Final = 4 * (UNLIKELY + log(4))
"""Chance makes the mean of m unit vectors longer than the mean that is to be expected, by √(this / m), with a
probability below e⁻ˣ, x as UNLIKELY. Source: Hoeffding 1963, theorem 2, for the real and the imaginary part."""
_ALIASES: Final = np.arange(-4, 5)
_FINEST: Final = 1e-9
_REACH: Final = 9
"""No noise of this program goes further out than so many deviations."""
_GRID_EDGE: Final = int(LARGEST * 2**GRID_BITS)
"""The largest value of a state, in grid units."""

Floats = NDArray[np.float64]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class StepNoise:
    """A step, measured in the noise that it must hold."""

    ratio: float
    """χ: the step's squared length in parts of what the noise alone gives on average."""
    values: int
    """Of how many values; from 1."""

    @property
    def is_too_small(self) -> bool:
        """Whether the noise cannot be in it (R22.3), chance and rounding included."""
        return self.is_below(CHANCE)

    def is_below(self, chance: int) -> bool:
        """Whether it is below the floor by more than that much chance, as CHANCE has it, can make of it."""
        return self.ratio < float(NOISE_FLOOR) and (1 - self.ratio) ** 2 * self.values > chance

    @property
    def least(self) -> float:
        """What the ratio has to be."""
        return max(0.0, min(float(NOISE_FLOOR), 1 - sqrt(CHANCE / self.values)))

    def list_figures(self) -> dict[str, object]:
        """As evidence of a finding."""
        share = f"{int(1000 * self.ratio) / 1000:.3f}"
        return {"share_of_noise": share, "least": f"{self.least:.3f}", "values": self.values}


def measure_left(length2: float, values: int) -> StepNoise | None:
    """The noise in what is left of a step, of so many values that are still free; None for none."""
    return StepNoise(length2 / values, values) if values > 0 else None


@dataclass(frozen=True)
class Spread:
    """How far noise has spread a step: a small figure for much."""

    left: float
    """|Σ exp(i t yₖ)| / m, with y the step in deviations of its noise; 0..1."""
    most: float
    """What it can be where the noise is in it, chance and rounding included."""

    @property
    def is_too_narrow(self) -> bool:
        """Whether the noise cannot be in it."""
        return self.left > self.most


@dataclass(frozen=True)
class StepSums:
    """What the tests ask of a step, summed over each block; those of several steps add up.

    For each of the steps there is noise that was drawn for it alone. So of their sum holds what holds of one, with
    as many values as all of them have: what is too little to accuse in one step shows in many.
    """

    counts: NDArray[np.int64]
    """Of how many values the noise is to be seen, (blocks,)."""
    lengths2: Floats
    """Of these, the squares in parts of s², (blocks,)."""
    turned: NDArray[np.complex128]
    """Σ exp(i t y), of these, for each frequency, (frequencies, blocks)."""
    bounds: Floats
    """How long the noise leaves these sums at the most but for chance, (frequencies, blocks)."""

    def __add__(self, other: "StepSums") -> "StepSums":
        return StepSums(
            self.counts + other.counts,
            self.lengths2 + other.lengths2,
            self.turned + other.turned,
            self.bounds + other.bounds,
        )

    @property
    def values(self) -> int:
        """So many are counted."""
        return int(self.counts.sum())

    def measure(self) -> StepNoise | None:
        """χ = ‖state − base‖² / (m s²) of the m values counted; None for none."""
        return StepNoise(float(self.lengths2.sum()) / self.values, self.values) if self.values else None

    def find_lacking_blocks(self) -> list[int]:
        """The blocks, by number, whose part of the step cannot hold its part of the noise.

        Noise is owed in each value, so what lies in one part of a state makes up for none in another.
        """
        counts = np.maximum(self.counts, 1)
        ratios = self.lengths2 / counts
        is_below = (ratios < float(NOISE_FLOOR)) & ((1 - ratios) ** 2 * counts > CHANCE_OF_PARTS)
        found: list[int] = np.flatnonzero(is_below & (self.counts > 0)).tolist()
        return found

    def measure_spread(self) -> Spread | None:
        """How far the noise has spread the whole, at the frequency that says most against it; None for no values.

        Of a value a + n, with n normal and a whatever it may be, the mean of exp(i t (a + n) / s) is as long as
        exp(−t² / 2). So a part without noise shows, however much more of it lies elsewhere, and so does noise of
        another kind, such as random signs.
        """
        if not (count := self.values):
            return None
        chance = sqrt(_CHANCE_OF_SPREAD / count)
        found = [
            Spread(abs(complex(turned)) / count, float(bound) / count + chance)
            for turned, bound in zip(self.turned.sum(1), self.bounds.sum(1), strict=True)
        ]
        return max(found, key=lambda one: one.left - one.most)

    def find_narrow_blocks(self) -> list[int]:
        """The blocks, by number, that their part of the noise cannot have spread so."""
        chance = np.sqrt(_CHANCE_OF_SPREAD * self.counts)
        found: list[int] = np.flatnonzero((np.abs(self.turned) > self.bounds + chance).any(0)).tolist()
        return found


class MeasuredStep:
    """An update's step from its base, in the noise that it must hold."""

    def __init__(
        self,
        state: GridState,
        base: GridState,
        steps: NDArray[np.int32],
        layout: Sequence[Tensor],
        blocks: Blocks,
        variance: Fraction,
    ) -> None:
        """steps: between two codes of each block of the state's frame, (blocks,), int32, grid units.

        variance: s², of the noise that each value must hold, in the model's units.
        """
        starts, lengths = blocks.ends - blocks.lengths, blocks.lengths
        counts = [-(-tensor.size // BLOCK) for tensor in layout]
        by_tensor = [variance / _find_unit(tensor.exponent) ** 2 for tensor in layout]
        widest = np.repeat([min(isqrt(floor(COARSEST**2 * one)), _GRID_EDGE) for one in by_tensor], counts)
        variances = np.repeat([float(one) for one in by_tensor], counts)
        deviations = np.sqrt(variances)
        # Beyond the grid's edge the noise is cut off.
        room = np.clip(_GRID_EDGE - _REACH * deviations, -1, None).astype(np.int32)
        self.is_counted: NDArray[np.bool_] = np.repeat(steps <= widest, lengths)
        """Of which values the noise is to be seen, (d,)."""
        self.is_counted &= np.abs(base) <= np.repeat(room, lengths)
        step = (state - base) * self.is_counted
        self.values: Values = step.astype(np.float32) * np.repeat((1 / deviations).astype(np.float32), lengths)
        """The step in deviations of its noise, (d,), float32; 0 where it is not counted."""
        seen = np.add.reduceat(self.is_counted, starts, dtype=np.int64)
        lengths2 = np.add.reduceat(np.square(step, dtype=np.int64), starts) / variances
        self.ends: Final = blocks.ends
        """Where each block ends, (blocks,)."""
        self.rounding: Final[Floats] = np.maximum(steps / deviations, _FINEST)
        """Between two codes of each block, in deviations, (blocks,)."""
        bounds = np.array([_bound_spread(frequency, self.rounding) for frequency in FREQUENCIES])
        self.sums: Final = StepSums(seen, lengths2, self._turn(starts, lengths - seen), bounds * seen)
        """What the tests ask of it."""

    def _turn(self, starts: NDArray[np.int64], uncounted: NDArray[np.int64]) -> NDArray[np.complex128]:
        angles = np.float32(FREQUENCIES[0]) * self.values
        across, along = np.sin(angles), np.cos(angles)
        twice = 2 * along * across, 2 * np.square(along) - 1
        # A value that is not counted has no angle, so that it counts 1. Sums of 4,096 are right to 1e-4 in float32.
        return np.array(
            [
                np.add.reduceat(x, starts) - uncounted + 1j * np.add.reduceat(y, starts)
                for y, x in ((across, along), twice)
            ]
        )


def _bound_spread(frequency: float, rounding: Floats) -> Floats:
    """What noise leaves of the mean of exp(i t y), at the most, (blocks,).

    rounding: between two codes, in deviations. It adds what lies a multiple of 2 π / rounding further on: rounded
    values lie on a grid, and a grid's frequencies come again.
    """
    angles = frequency + 2 * pi * _ALIASES[:, None] / rounding
    bound: Floats = np.exp(-(angles**2) / 2).sum(0)
    return bound


@lru_cache(maxsize=64)
def _find_unit(exponent: int) -> Fraction:
    return Fraction(2) ** (exponent - GRID_BITS)
