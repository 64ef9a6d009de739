"""Sorting many short columns at once: the middle of each coordinate over a few states.

A sorting network compares whole rows, so that numpy works on thousands of coordinates at a time; sorting each
column by itself costs a call per coordinate.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState

Row = NDArray[np.signedinteger[Any]]

# Coordinates worked on at a time: a dozen rows of them stay in a core's own cache.
BLOCK: Final = 16_384


def trimmed_mean(states: Sequence[GridState], trim: int) -> GridState:
    """Average each coordinate after dropping its `trim` largest and smallest values, rounded half up to the grid.

    states: at least one of (d,), int32. Returns (d,), int32. Raises ValueError unless 0 <= 2 * trim < states.
    """
    if not 0 <= 2 * trim < len(states):
        raise ValueError(f"trimming {trim} of {len(states)} states on either side leaves none")
    result = np.empty(states[0].shape, np.int32)
    for start in range(0, result.size, BLOCK):
        part = slice(start, start + BLOCK)
        result[part] = middle_mean([state[part].copy() for state in states], trim, 1)
    return result


def middle_mean(rows: list[Row], trim: int, shares: int) -> GridState:
    """The mean of each column's values but the `trim` largest and smallest, divided by `shares`, rounded half up.

    rows: more than 2 * trim of one length, of one dtype; their order and values are used up. Returns int32.
    """
    count = len(rows)
    spare = np.empty_like(rows[0])
    for low, high in _comparisons(count, trim):
        np.minimum(rows[low], rows[high], out=spare)
        np.maximum(rows[low], rows[high], out=rows[high])
        rows[low], spare = spare, rows[low]
    divisor = (count - 2 * trim) * shares
    total = np.full(spare.shape, divisor // 2, np.int64)
    for row in rows[trim : count - trim]:
        total += row
    return np.floor_divide(total, divisor).astype(np.int32)


@lru_cache(maxsize=64)
def _comparisons(count: int, trim: int) -> tuple[tuple[int, int], ...]:
    """Pairs (low, high) to compare in order, after which the middle rows hold the middle values, in any order.

    A pair is left out if no later pair touches either of its rows and both rows end up on the same side of a cut.
    """
    kept: list[tuple[int, int]] = []
    touched: set[int] = set()
    for low, high in reversed(_merge_exchange(count)):
        if touched.isdisjoint((low, high)) and _side(low, count, trim) == _side(high, count, trim):
            continue
        touched |= {low, high}
        kept.append((low, high))
    return tuple(reversed(kept))


def _side(row: int, count: int, trim: int) -> int:
    """-1 among the smallest, 0 in the middle, 1 among the largest."""
    return (row >= count - trim) - (row < trim)


def _merge_exchange(count: int) -> list[tuple[int, int]]:
    """A sorting network for any number of rows. Source: Knuth, TAOCP 3, 5.2.2, algorithm M (Batcher)."""
    pairs: list[tuple[int, int]] = []
    top = 1 << (count - 1).bit_length() >> 1
    step = top
    while step:
        merge, residue, distance = top, 0, step
        while True:
            pairs += [(i, i + distance) for i in range(count - distance) if i & step == residue]
            if merge == step:
                break
            distance, merge, residue = merge - step, merge >> 1, step
        step >>= 1
    return pairs
