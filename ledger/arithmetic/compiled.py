"""The longest loops of `exact` and `sketch` beside it, compiled by numba where it is installed (extra `fast`).

Each takes one pass over memory where numpy takes several. The integers that come out are the same. Compiling takes
a second or two in every process, so only long states are worth it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# Coordinates from which on a state is long: two dozen judgements there have won back the time of compiling.
LONG: Final = 1 << 19
# So many squares of up to 2**25 fit into int64.
_CHUNK: Final = 4096
_LOW: Final = (1 << 32) - 1

_Ints = NDArray[np.int32]
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loops:
    """Loops compiled by numba, on contiguous arrays."""

    walk: Callable[[_Ints, _Ints, _Ints, NDArray[np.int64], _Ints, _Ints], tuple[int, int]]
    """walk(base, state, signs, rotations, parts, step) adds every rotated and signed run of state − base to parts,
    as `ledger.arithmetic.sketch` has it. The squared length is that of the returned pair, high · 2**32 + low. base,
    state: (n,), int32. signs: (sketches, at least n), ±1, each times those before it. rotations: (sketches, runs),
    int64. parts: (sketches, 2 · width), int32. step: (width,), int32, is written over; a run has width values."""
    add: Callable[[_Floats, _Ints, float], None]
    """add(total, state, weight) does total += weight · state. total: (n,), float64. state: (n,), int32."""
    round_off: Callable[[_Floats, float, _Ints], None]
    """round_off(total, divisor, mixed) does mixed = floor((total + divisor / 2) / divisor). mixed: (n,), int32."""


def loops_for(size: int) -> Loops | None:
    """The compiled loops for states of so many coordinates; None for short ones, and where there is no numba."""
    return _loops() if size >= LONG else None


@cache
def _loops() -> Loops | None:
    try:
        import numba
        from numba import types
    except ImportError:
        return None
    # Foreign states may be read-only views of what was received; this type takes both.
    state = types.Array(types.int32, 1, "C", readonly=True)
    table, turns = types.Array(types.int32, 2, "C"), types.Array(types.int64, 2, "C")
    some, total = types.Array(types.int32, 1, "C"), types.Array(types.float64, 1, "C")

    def compiled(loop: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
        # Never cached on disk: numba's cache is a pickle. Other threads may run meanwhile.
        found: Callable[..., Any] = numba.njit([arguments], nogil=True, error_model="numpy")(loop)
        return found

    return Loops(
        compiled(_walk, state, state, table, turns, table, some),
        compiled(_add, total, state, types.float64),
        compiled(_round_off, total, types.float64, some),
    )


def _walk(
    base: _Ints, state: _Ints, signs: _Ints, rotations: NDArray[np.int64], parts: _Ints, step: _Ints
) -> tuple[int, int]:
    high, low, width = 0, 0, step.size
    for run in range(rotations.shape[1]):
        first = run * width
        count = min(width, base.size - first)
        theirs, ours = state[first : first + count], base[first : first + count]
        for start in range(0, count, _CHUNK):
            squares = np.int64(0)
            for i in range(start, min(start + _CHUNK, count)):
                moved = np.int32(theirs[i] - ours[i])
                step[i] = moved
                squares += np.int64(moved) * np.int64(moved)
            high += int(squares >> 32)
            low += int(squares & _LOW)
        for sketch in range(rotations.shape[0]):
            sign, turn = signs[sketch, first : first + count], rotations[sketch, run]
            part = parts[sketch, turn : turn + count]
            for i in range(count):
                signed = np.int32(step[i] * sign[i])
                step[i] = signed
                part[i] += signed
    return high, low


def _add(total: _Floats, state: _Ints, weight: float) -> None:
    for i in range(state.size):
        total[i] += weight * state[i]


def _round_off(total: _Floats, divisor: float, mixed: _Ints) -> None:
    half = divisor / 2
    for i in range(mixed.size):
        mixed[i] = np.int32(np.floor((total[i] + half) / divisor))
