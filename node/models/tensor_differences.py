"""How far two sets of values of one tensor are apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class TensorDifference:
    """Of one tensor. Figures are in the model's own units, over the values that are finite in both."""

    name: str
    """The tensor's."""
    values: int
    """How many it has."""
    differing: int
    """So many are not the same; one that is no number is the same as another such."""
    norm: float
    """Of the difference."""
    relative: float | None
    """The same over the norm of the first; None where that is 0."""
    largest: float
    """The largest difference of a value."""
    not_finite: int
    """Values that are NaN or infinite in either."""


def measure_difference(name: str, one: NDArray[Any], other: NDArray[Any]) -> TensorDifference:
    """one, other: of one shape, real or complex."""
    first, second = _widen(one), _widen(other)
    finite = np.isfinite(first) & np.isfinite(second)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    apart = np.where(finite, second, 0) - np.where(finite, first, 0)
    norm, length = float(np.linalg.norm(apart)), float(np.linalg.norm(np.where(finite, first, 0)))
    return TensorDifference(
        name=name,
        values=first.size,
        differing=int((~same).sum()),
        norm=norm,
        relative=norm / length if length else None,
        largest=float(np.abs(apart).max(initial=0.0)),
        not_finite=int((~finite).sum()),
    )


def _widen(values: NDArray[Any]) -> NDArray[Any]:
    """(n,), in double precision."""
    flat = values.reshape(-1)
    return flat.astype(np.complex128 if np.iscomplexobj(flat) else np.float64)
