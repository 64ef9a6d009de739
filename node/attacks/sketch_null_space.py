"""A push that judges' sketches do not see: projected on their common null space."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.arithmetic.sketch import signs_and_rotations
from node.attacks.view import Vector

_STEPS: Final = 60
_ENOUGH: Final = 1e-3


class SketchMap:
    """The sketches of several judges as one linear map S, (judges · width, d), never written out."""

    def __init__(self, seeds: Sequence[bytes], width: int, size: int) -> None:
        self._width, self._size, self._runs = width, size, -(-size // width)
        drawn = [signs_and_rotations(seed, 0, self._runs, width) for seed in seeds]
        self._signs = np.stack([signs for signs, _ in drawn]).reshape(-1, self._runs, width).astype(np.float32)
        # Place i of a run goes to place (i + rotation) % width of the sketch.
        places = np.arange(width)
        self._to = np.stack([(places[None] + np.array(turns)[:, None]) % width for _, turns in drawn])

    def apply(self, vector: Vector) -> npt.NDArray[np.float32]:
        """S v, (judges, width)."""
        padded = np.zeros(self._runs * self._width, np.float32)
        padded[: self._size] = vector
        signed = padded.reshape(self._runs, self._width) * self._signs
        seen = np.zeros((len(self._signs), self._width), np.float32)
        for judge, total in enumerate(seen):
            for run in range(self._runs):
                total[self._to[judge, run]] += signed[judge, run]
        return seen

    def apply_transposed(self, seen: npt.NDArray[np.float32]) -> Vector:
        """Sᵀ y, (d,)."""
        total = np.zeros((self._runs, self._width), np.float32)
        for judge, values in enumerate(seen):
            total += self._signs[judge] * values[self._to[judge]]
        flat: Vector = total.reshape(-1)[: self._size]
        return flat


def project_to_null_space(vector: Vector, seeds: Sequence[bytes], width: int) -> Vector:
    """What is left of a vector once all is taken off that these judges' sketches see of it, (d,).

    v − Sᵀ x with x the least-squares solution of Sᵀ x = v, by conjugate gradients (CGLS). Next to nothing is left
    where judges · width ≥ d. Source: Hestenes and Stiefel 1952; Björck 1996, algorithm 7.4.1.
    """
    if not seeds:
        return vector
    sketches = SketchMap(seeds, width, vector.size)
    left = vector.copy()
    gradient = sketches.apply(left)
    first = size = float(np.vdot(gradient, gradient))
    way = gradient.copy()
    for _ in range(_STEPS):
        if size <= _ENOUGH**2 * first:
            break
        moved = sketches.apply_transposed(way)
        step = np.float32(size / float(np.vdot(moved, moved)))
        left -= step * moved
        gradient = sketches.apply(left)
        before, size = size, float(np.vdot(gradient, gradient))
        way = gradient + np.float32(size / before) * way
    return left
