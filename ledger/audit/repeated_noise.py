"""Whether a step's noise was drawn once and used in several places of the step (R22.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.audit.step_noise import CHANCE_OF_PARTS, StepNoise, Values
from ledger.circle.manifest import Tensor
from ledger.codec import BLOCK

_PIECES: Final = 48
_LENGTH: Final = 512
_LONG: Final = 8
_LONG_LENGTH: Final = 4096
_LEAST: Final = 2 * CHANCE_OF_PARTS
"""So few values show no more than that all of them are the same as others."""


@dataclass(frozen=True)
class Pieces:
    """Of a layout, where values begin that a careless program may give the same noise."""

    tensors: NDArray[np.int64]
    """Of each tensor that is not too small, (k, 2): its first place, and its end."""
    rows: NDArray[np.int64]
    """The same of the rows of its matrices, and of blocks (R9.2)."""


def find_pieces(layout: Sequence[Tensor]) -> Pieces:
    """Of tensors, rows and blocks that are long enough to be compared."""
    tensors: list[tuple[int, int]] = []
    rows: list[tuple[int, int]] = []
    at = 0
    for tensor in layout:
        end = at + tensor.size
        if tensor.size >= _LEAST:
            tensors.append((at, end))
        if len(tensor.shape) > 1 and (row := tensor.size // tensor.shape[0]) >= _LEAST:
            rows += [(start, start + row) for start in range(at, end, row)]
        rows += [(start, min(end, start + BLOCK)) for start in range(at, end - _LEAST, BLOCK)]
        at = end
    return Pieces(*(np.array(one, np.int64).reshape(-1, 2) for one in (tensors, rows)))


def find_repeated(
    values: Values, is_counted: NDArray[np.bool_], pieces: Pieces, rng: np.random.Generator
) -> StepNoise | None:
    """What is left of the part that is most like an earlier part of the same step, where that is too little.

    values: the step in deviations of its noise, (d,), 0 where not counted. rng: which parts are looked at is not to
    be foretold.
    """
    return _compare(values, is_counted, pieces, rng) or _shift(values, is_counted, pieces, rng)


def _compare(
    values: Values, is_counted: NDArray[np.bool_], pieces: Pieces, rng: np.random.Generator
) -> StepNoise | None:
    """Tensors and rows with each other, from the first value of each on."""
    half = _PIECES // 2
    chosen = np.concatenate([_choose(pieces.tensors, half, rng), _choose(pieces.rows, half, rng)])
    # A tensor's first row begins where it does.
    chosen = chosen[np.unique(chosen[:, 0], return_index=True)[1]]
    offsets = np.arange(_LENGTH)
    is_in = offsets < (chosen[:, 1] - chosen[:, 0])[:, None]
    places = np.where(is_in, chosen[:, :1] + offsets, 0)
    is_in &= is_counted[places]
    parts, mask = values[places] * is_in, is_in.astype(np.float32)
    products, lengths2, counts = _multiply(parts, parts), _multiply(parts**2, mask), _multiply(mask, mask)
    # Row i in the place of j: what is left of i without j.
    left = lengths2 - products**2 / np.maximum(lengths2.T, 1e-12)
    is_later = np.tri(len(chosen), k=-1, dtype=bool)
    return _find_least(left, counts - 1, is_later)


def _shift(
    values: Values, is_counted: NDArray[np.bool_], pieces: Pieces, rng: np.random.Generator
) -> StepNoise | None:
    """Stretches of a tensor with themselves, further on."""
    stretches = _choose(pieces.tensors, _LONG, rng)
    for start, end in stretches.tolist():
        first = start + int(rng.integers(max(1, end - start - _LONG_LENGTH + 1)))
        place = slice(first, min(end, first + _LONG_LENGTH))
        part = values[place].astype(np.float64)
        if not is_counted[place].all() or (size := len(part)) < _LEAST + 1:
            continue
        transformed = np.fft.rfft(part, 2 * size)
        products = np.fft.irfft(np.abs(transformed) ** 2, 2 * size)[1 : size - _LEAST // 2]
        squares = np.concatenate([[0.0], np.cumsum(part**2)])
        shifts = np.arange(1, len(products) + 1)
        ahead, behind = squares[-1] - squares[shifts], squares[size - shifts]
        left = ahead - products**2 / np.maximum(behind, 1e-12)
        if (found := _find_least(left, size - shifts - 1, np.ones(len(left), bool))) is not None:
            return found
    return None


def _find_least(
    left: NDArray[np.floating], counts: NDArray[np.floating | np.integer], where: NDArray[np.bool_]
) -> StepNoise | None:
    shares = np.where(where & (counts > 0), left / np.maximum(counts, 1), 1.0)
    # The most unlikely: (1 − χ)² m.
    unlikely = np.where(shares < 1, (1 - shares) ** 2 * counts, 0)
    if not unlikely.size:
        return None
    at = np.unravel_index(int(unlikely.argmax()), unlikely.shape)
    if unlikely[at] <= CHANCE_OF_PARTS:
        return None
    noise = StepNoise(max(0.0, float(shares[at])), int(counts[at]))
    return noise if noise.is_below(CHANCE_OF_PARTS) else None


def _multiply(a: Values, b: Values) -> Values:
    """a bᵀ. Not by a library that starts threads for it: it is small, and they cost more than it does."""
    product: Values = np.einsum("ip,jp->ij", a, b)
    return product


def _choose(pieces: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if len(pieces) <= most:
        return pieces
    return pieces[np.sort(rng.choice(len(pieces), most, replace=False))]
