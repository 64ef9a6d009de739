"""A figure over several seeds: its mean, and how sure one may be of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import Final

import numpy as np

from node.operating.figures import format_figure

CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean of n values."""

    mean: float
    """NaN of none."""
    half_width: float
    """Half of the confidence interval of the mean, by Student's t over the values; NaN of fewer than two."""
    count: int
    """So many values were numbers."""

    def __str__(self) -> str:
        if not isfinite(self.half_width):
            return format_figure(self.mean)
        return f"{format_figure(self.mean)} ± {format_figure(self.half_width)}"


def estimate(values: Iterable[float | None]) -> Estimate:
    """The mean of what are numbers, and half of its CONFIDENCE interval: t(n − 1) · s / √n."""
    found = np.array([value for value in values if value is not None and isfinite(value)], np.float64)
    if not len(found):
        return Estimate(nan, nan, 0)
    if len(found) == 1:
        return Estimate(float(found[0]), nan, 1)
    # scipy.stats would take a second to import.
    from scipy.special import stdtrit

    quantile = float(stdtrit(len(found) - 1, 0.5 + CONFIDENCE / 2))
    half = quantile * float(found.std(ddof=1)) / sqrt(len(found))
    return Estimate(float(found.mean()), half, len(found))
