"""The longest loops of `exact` and `sketch` beside it, compiled by numba where it is installed (extra `fast`).

Each takes one pass over memory where numpy takes several. The integers that come out are the same. Compiling takes
a second or two in every process, so only long states are worth it, or many.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# Coordinates from which on a state is long: two dozen judgements there have won back the time of compiling.
LONG: Final = 1 << 19
# So many coordinates judged win back the time of compiling, however they are spread over judgements.
_WORTH: Final = 1 << 27
# So many squares of up to 2**25 fit into int64.
_CHUNK: Final = 4096
_LOW: Final = (1 << 32) - 1


_Bytes = NDArray[np.int8]
_Ints = NDArray[np.int32]
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Loops:
    """Loops compiled by numba, on contiguous arrays."""

    walk: Callable[[_Ints, _Ints, _Bytes, NDArray[np.int64], _Ints, _Ints], tuple[int, int]]
    """walk(base, state, signs, rotations, parts, step) adds every rotated and signed run of state − base to parts,
    as `ledger.arithmetic.sketch` has it. The squared length is that of the returned pair, high · 2**32 + low. base,
    state: (n,), int32. signs: (sketches, at least n), ±1, int8, each times those before it. rotations: (sketches,
    runs), int64. parts: (sketches, 2 · width), int32. step: (width,), int32, is written over; a run has width
    values."""
    add: Callable[[_Floats, _Ints, float], None]
    """add(total, state, weight) does total += weight · state. total: (n,), float64. state: (n,), int32."""
    round_off: Callable[[_Floats, float, _Ints], None]
    """round_off(total, divisor, mixed) does mixed = floor((total + divisor / 2) / divisor). mixed: (n,), int32."""
    inner: Callable[[_Ints, NDArray[np.int64]], None]
    """inner(vectors, products) writes all inner products of some vectors, (n, m), int32, into products, (n, n),
    int64. None of their sums may leave int64."""


@dataclass
class _Outlook:
    """What this process has before it."""

    coordinates: int = 0
    """Of all states that it is going to judge."""


_outlook = _Outlook()


def expect(coordinates: int) -> None:
    """This process will judge states of so many coordinates in all: compiling may be worth it for short ones too.

    It changes how long a judgement takes and nothing else.
    """
    _outlook.coordinates = max(_outlook.coordinates, coordinates)


def loops_for(size: int) -> Loops | None:
    """The compiled loops for states of so many coordinates; None for short ones, and where there is no numba."""
    return _loops() if size >= LONG or (size and _outlook.coordinates >= _WORTH) else None


@cache
def _loops() -> Loops | None:
    try:
        import numba
        from numba import types
    except ImportError:
        return None
    # Foreign states may be read-only views of what was received; this type takes both.
    state = types.Array(types.int32, 1, "C", readonly=True)
    vectors = types.Array(types.int32, 2, "C", readonly=True)
    signs, table, turns = (types.Array(kind, 2, "C") for kind in (types.int8, types.int32, types.int64))
    some, total = types.Array(types.int32, 1, "C"), types.Array(types.float64, 1, "C")

    def compiled(loop: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
        # Never cached on disk: numba's cache is a pickle. Other threads may run meanwhile.
        found: Callable[..., Any] = numba.njit([arguments], nogil=True, error_model="numpy")(loop)
        return found

    return Loops(
        compiled(_walk, state, state, signs, turns, table, some),
        compiled(_add, total, state, types.float64),
        compiled(_round_off, total, types.float64, some),
        compiled(_inner, vectors, turns),
    )


def _walk(
    base: _Ints, state: _Ints, signs: _Bytes, rotations: NDArray[np.int64], parts: _Ints, step: _Ints
) -> tuple[int, int]:
    high, low, width = 0, 0, step.size
    for run in range(rotations.shape[1]):
        first = run * width
        count = min(width, base.size - first)
        for start in range(0, count, _CHUNK):
            # Slices that are walked from 0 on: only then the compiler takes several values at a time.
            stop = min(start + _CHUNK, count)
            theirs, ours, here = (
                state[first + start : first + stop],
                base[first + start : first + stop],
                step[start:stop],
            )
            squares = np.int64(0)
            for i in range(stop - start):
                moved = np.int32(theirs[i] - ours[i])
                here[i] = moved
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


def _inner(vectors: _Ints, products: NDArray[np.int64]) -> None:
    for i in range(vectors.shape[0]):
        left = vectors[i]
        for j in range(i, vectors.shape[0]):
            right, total = vectors[j], np.int64(0)
            for k in range(left.size):
                total += np.int64(left[k]) * np.int64(right[k])
            products[i, j] = total
            products[j, i] = total
