"""A short stand-in for a long vector: a count sketch, whose inner products are those of the vectors on average.

Coordinates are taken in runs of the sketch's width. Each run has a random sign for every coordinate and one random
rotation; the sketch is the sum of the signed, rotated runs. A vector no longer than the width is only signed and
rotated, so its inner products are exact. Source: Charikar, Chen and Farach-Colton 2002; a rotation instead of a
bucket for each coordinate keeps the sums contiguous.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.compiled import loops_for
from ledger.arithmetic.exact import GridState, room_for_squares, sum_of_squares

_DOMAIN: Final = b"folkmoot sketch 1"
_ROTATION_BYTES: Final = 4
# Runs taken at a time: sums of so many differences, 2**25 at most each, are inside int32.
_RUNS: Final = 56

# Of each sketch and of some runs: the signs, (sketches, runs · width), and how far each run is turned.
_Turns = tuple[NDArray[Any], NDArray[np.int64]]
_Kind = type[np.int8 | np.int32]
# Takes one state's block of runs and the base's, adds to the sketches' parts, (sketches, 2 · width), and returns
# their squared distance.
_Walk = Callable[[GridState, GridState, _Turns, NDArray[np.int32]], int]


def measure(
    base: GridState, states: Sequence[GridState], seeds: Sequence[bytes], width: int
) -> tuple[list[int], NDArray[np.int64]]:
    """‖state − base‖² and, for every seed, the sketch of state − base, of each state; exact, in one walk.

    base, states: (d,), int32. width: a power of two from 8 on. Returns squared lengths, and sketches of shape
    (seeds, states, width).
    """
    lengths = [0] * len(states)
    totals = np.zeros((len(seeds), len(states), width), np.int64)
    # Twice as wide: a rotated run is added in one piece, and what went over the end is folded back.
    parts = np.zeros((len(states), len(seeds), 2 * width), np.int32)
    walk, kind = _compiled_walk(base.size, width) or (_walk(base.size, width), np.int32)
    for first in range(0, -(-base.size // width), _RUNS):
        block = slice(first * width, min((first + _RUNS) * width, base.size))
        near = base[block]
        turns = _draw_turns(seeds, first, -(-near.size // width), width, kind)
        for place, state in enumerate(states):
            lengths[place] += walk(near, state[block], turns, parts[place])
        totals += parts[:, :, :width].swapaxes(0, 1)
        totals += parts[:, :, width:].swapaxes(0, 1)
        parts[:] = 0
    return lengths, totals


def signs_and_rotations(seed: bytes, first: int, count: int, width: int) -> tuple[NDArray[np.int8], list[int]]:
    """The signs of some runs, (count · width,), ±1, int8, and by how many places each is rotated, 0..width − 1.

    Of the SHAKE-256 output of each run, every bit of the first part, lowest first, is a sign, and 1 means minus.
    """
    size = width // 8
    raw = [
        hashlib.shake_256(_DOMAIN + seed + run.to_bytes(8, "little")).digest(size + _ROTATION_BYTES)
        for run in range(first, first + count)
    ]
    bits = np.frombuffer(b"".join(each[:size] for each in raw), np.uint8)
    signs = np.unpackbits(bits, bitorder="little").view(np.int8)
    signs *= -2
    signs += 1
    return signs, [int.from_bytes(each[size:], "little") % width for each in raw]


def _draw_turns(seeds: Sequence[bytes], first: int, count: int, width: int, kind: _Kind) -> _Turns:
    """Of some runs; each seed's signs times those of the seed before, which a step already bears.

    kind: the signs' type: int8 for the compiled loops, int32 for numpy, which is slow to mix the two.
    """
    signs = np.empty((len(seeds), count * width), kind)
    rotations = np.empty((len(seeds), count), np.int64)
    before: NDArray[np.int8] | None = None
    for row, turns, seed in zip(signs, rotations, seeds, strict=True):
        drawn, turns[:] = signs_and_rotations(seed, first, count, width)
        np.multiply(drawn, 1 if before is None else before, out=row)
        before = drawn
    return signs, rotations


def _walk(size: int, width: int) -> _Walk:
    room = np.empty(min(_RUNS * width, size), np.int32)
    wide = room_for_squares(room.size)

    def walk(near: GridState, far: GridState, turns: _Turns, parts: NDArray[np.int32]) -> int:
        step = np.subtract(far, near, out=room[: near.size])
        length2 = sum_of_squares(step, wide)
        for part, signs, rotations in zip(parts, *turns, strict=True):
            step *= signs[: near.size]
            _add_rotated(part, step, rotations.tolist(), width)
        return length2

    return walk


def _compiled_walk(size: int, width: int) -> tuple[_Walk, _Kind] | None:
    if (loops := loops_for(size)) is None:
        return None
    step = np.empty(width, np.int32)

    def walk(near: GridState, far: GridState, turns: _Turns, parts: NDArray[np.int32]) -> int:
        high, low = loops.walk(near, far, *turns, parts, step)
        return (high << 32) + low

    return walk, np.int8


def _add_rotated(part: NDArray[np.int32], step: GridState, rotations: Sequence[int], width: int) -> None:
    for run, rotation in enumerate(rotations):
        values = step[run * width : (run + 1) * width]
        room = part[rotation : rotation + values.size]
        room += values
