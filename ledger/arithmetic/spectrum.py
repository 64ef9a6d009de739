"""Inner products of integer vectors and the main direction in which they differ, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from operator import mul
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.compiled import loops_for

# The main direction is read off the 2**10th power of the Gram matrix.
_SQUARINGS: Final = 10
_ENTRY_BITS: Final = 26
_HALF_BITS: Final = 13
# Products of so many numbers OpenBLAS computes in the thread that asks for them.
_UNSPREAD: Final = 1 << 18
_EXACT: Final = float(1 << 53)

Matrix = list[list[int]]


@dataclass(frozen=True)
class Spread:
    """How some vectors lie about their mean, in integers: lengths in the vectors' unit, the rest in its square."""

    projections: tuple[int, ...]
    """Of each vector minus the mean on the main direction, a length."""
    guest: int
    """The projection of the vector that is not among them."""
    squares: tuple[int, ...]
    """Each vector's squared distance from the mean."""
    largest: int
    """The main direction's eigenvalue of the centred Gram matrix."""
    total: int
    """That matrix's trace."""


def gram(vectors: NDArray[np.int32]) -> Matrix:
    """All inner products. vectors: (n, m), int32, m up to 2**20. Exact.

    One dot product at a time: what a BLAS gains by threads on so little is less than what starting them costs.
    """
    products = np.empty((len(vectors), len(vectors)), np.int64)
    if (loops := loops_for(vectors.size)) is not None and _fit_int64(vectors):
        loops.inner(np.ascontiguousarray(vectors), products)
        return _to_matrix(products)
    wide = vectors.astype(np.float64)
    # No partial sum of products is above the product of the lengths; see also
    # ledger.arithmetic.exact.sum_of_squares.
    if float(np.vecdot(wide, wide).max(initial=0)) < _EXACT:
        for place, row in enumerate(wide):
            products[place, place:] = products[place:, place] = np.vecdot(row, wide[place:])
        return _to_matrix(products)
    # In two halves of 16 bits no sum is above 2**52.
    high, low = (vectors >> 16).astype(np.float64), (vectors & 0xFFFF).astype(np.float64)
    highs, lows, mixed = _products(high, high), _products(low, low), _products(high, low)
    return [
        [(highs[i][j] << 32) + ((mixed[i][j] + mixed[j][i]) << 16) + lows[i][j] for j in range(len(vectors))]
        for i in range(len(vectors))
    ]


def _fit_int64(vectors: NDArray[np.int32]) -> bool:
    """Whether no sum of products leaves int64, in whatever order it is summed."""
    largest = max(int(vectors.max(initial=0)), -int(vectors.min(initial=0)))
    return int(vectors.shape[1]) * largest**2 < 1 << 63


def _to_matrix(products: NDArray[np.int64]) -> Matrix:
    found: Matrix = products.tolist()
    return found


def _products(left: NDArray[np.float64], right: NDArray[np.float64]) -> Matrix:
    return [np.vecdot(row, right).astype(np.int64).tolist() for row in left]


def measure_spread(products: Matrix, unit: int, pulls: Sequence[int] | None = None) -> Spread:
    """The spread of all vectors but the last, which is the guest, from their Gram matrix.

    unit: by what to divide a length to have it in the vectors' unit. pulls: of each vector, the guest's last; from
    vector i then q_i · Σ q_k v_k / Σ q_k² is taken in place of the mean, which is what all pulls of 1 give.
    """
    vectors = len(products) - 1
    pulls = [1] * len(products) if pulls is None else pulls
    count = sum(pull * pull for pull in pulls[:vectors])
    centred = _centre(products, pulls, count)
    weights = _main_direction([row[:vectors] for row in centred[:vectors]])
    along = [sum(map(mul, weights, row[:vectors])) for row in centred]
    power = sum(w * value for w, value in zip(weights, along, strict=False))
    total = sum(centred[i][i] for i in range(vectors))
    squares = tuple(centred[i][i] // (count * unit) ** 2 for i in range(vectors))
    # The direction's own length is sqrt(power); `centred` is count² times too large, so lengths are count times.
    length = isqrt(power) * count * unit
    if not length:
        return Spread((0,) * vectors, 0, squares, 0, total // (count * unit) ** 2 if count else 0)
    scaled = [(2 * value + length) // (2 * length) for value in along]
    largest = power // (sum(w * w for w in weights) * (count * unit) ** 2)
    return Spread(tuple(scaled[:vectors]), scaled[vectors], squares, largest, total // (count * unit) ** 2)


def _centre(products: Matrix, pulls: Sequence[int], count: int) -> Matrix:
    """Gram matrix of all vectors less what `measure_spread` takes from each, times count². count: Σ pull²."""
    vectors = len(products) - 1
    ours, square = pulls[:vectors], count * count
    sums = [sum(map(mul, ours, row)) for row in products]
    whole = sum(map(mul, ours, sums))
    # count² · entry − count · (pull_j · sum_i + pull_i · sum_j) + pull_i · pull_j · whole, the same both ways.
    firsts = [count * one for one in sums]
    seconds = [first - pull * whole for first, pull in zip(firsts, pulls, strict=True)]
    upper = [
        [
            square * entry - other * first - pull * second
            for entry, other, second in zip(row[i:], pulls[i:], seconds[i:], strict=True)
        ]
        for i, (row, pull, first) in enumerate(zip(products, pulls, firsts, strict=True))
    ]
    return [[upper[j][i - j] for j in range(i)] + upper[i] for i in range(len(products))]


def _main_direction(matrix: Matrix) -> list[int]:
    """A multiple of the eigenvector of the largest eigenvalue of a positive semi-definite matrix.

    Power iteration by squaring: every column of the 1024th power points there, the one with the largest diagonal
    entry most of all, so that no start vector can be orthogonal to it.
    """
    size = len(matrix)
    # A product of two matrices of such entries stays inside int64.
    bits = min(_ENTRY_BITS, (62 - size.bit_length()) // 2)
    shift, half = _shift(max((abs(entry) for row in matrix for entry in (min(row), max(row))), default=0), bits)
    power = np.array([[(entry + half) >> shift for entry in row] for row in matrix], np.int64).reshape(size, size)
    for _ in range(_SQUARINGS):
        power = _square(power)
        shift, half = _shift(int(np.abs(power).max(initial=0)), bits)
        power = (power + half) >> shift
    return [int(value) for value in power[power.diagonal().argmax()]] if size else []


def _square(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """matrix @ matrix. matrix: (n, n), int64, n below 2**13, magnitudes up to 2**26.

    numpy multiplies integers slowly. A factor of 26 bits times half a factor has 40, a sum of n of them at most 53,
    so doubles are exact, in whatever order a BLAS sums them.
    """
    size, wide = len(matrix), matrix.astype(np.float64)
    high = matrix >> _HALF_BITS
    halves = high.astype(np.float64), (matrix - (high << _HALF_BITS)).astype(np.float64)
    # In so few rows at a time that a BLAS does not spread them over threads, which would cost more than it gains.
    rows = max(_UNSPREAD // max(size, 1) ** 2, 1)
    squares = np.empty((2, size, size), np.float64)
    for square, half in zip(squares, halves, strict=True):
        for first in range(0, size, rows):
            np.matmul(wide[first : first + rows], half, out=square[first : first + rows])
    upper, lower = squares.astype(np.int64)
    return (upper << _HALF_BITS) + lower


def _shift(largest: int, bits: int) -> tuple[int, int]:
    """By how much to shift right for at most so many bits, and what to add before for rounding half up."""
    shift = max(largest.bit_length() - bits, 0)
    return shift, 1 << shift >> 1
