"""Distances between states, and how far one may go before somebody minds. Float64 inside, states (n, d) float32."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from node.attacks.view import Matrix, Vector

Numbers = npt.NDArray[np.float64]


def squared_distances(states: Matrix) -> Numbers:
    """‖x_i − x_j‖² of all pairs, (n, n). Centred first, so that what all have in common costs no digits."""
    centred = states - states.mean(axis=0, dtype=np.float64).astype(np.float32)
    lengths = np.array([dot(row, row) for row in centred])
    found = lengths[:, None] + lengths[None, :] - 2.0 * (centred @ centred.T).astype(np.float64)
    np.fill_diagonal(found, 0.0)
    distances2: Numbers = np.maximum(found, 0.0)
    return distances2


def dot(left: Vector, right: Vector) -> float:
    """The inner product, in float64."""
    return float(np.dot(left.astype(np.float64), right.astype(np.float64)))


def unit(vector: Vector) -> Vector:
    """The vector at length 1; zeros stay zeros."""
    length = float(np.linalg.norm(vector.astype(np.float64)))
    return vector if length == 0 else (vector / np.float32(length)).astype(np.float32)


def reach_along(start: Vector, direction: Vector, centres: Matrix, radii: Sequence[float]) -> Numbers:
    """For each ball, the largest r ≥ 0 with ‖start + r · direction − centre‖ ≤ radius; 0 where there is none.

    The larger root of r²‖u‖² + 2r·u·(start − c) + ‖start − c‖² − R² = 0.
    """
    steepness = dot(direction, direction)
    found = np.zeros(len(centres))
    for place, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        offset = start - centre
        slope, excess = dot(direction, offset), dot(offset, offset) - radius**2
        inside = slope**2 - steepness * excess
        if steepness > 0 and inside >= 0:
            found[place] = max(0.0, (-slope + inside**0.5) / steepness)
    return found
