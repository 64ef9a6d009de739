"""A short stand-in for a long vector: a count sketch, whose inner products are those of the vectors on average.

Coordinates are taken in runs of the sketch's width. Each run has a random sign for every coordinate and one random
rotation; the sketch is the sum of the signed, rotated runs. A vector no longer than the width is only signed and
rotated, so its inner products are exact. Source: Charikar, Chen and Farach-Colton 2002; a rotation instead of a
bucket for each coordinate keeps the sums contiguous.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.exact import State, room_for_squares, sum_of_squares

_DOMAIN: Final = b"folkmoot sketch 1"
_ROTATION_BYTES: Final = 4
# Runs taken at a time: sums of so many differences, 2**25 at most each, are inside int32.
_RUNS: Final = 56


def measure(
    base: State, states: Sequence[State], seeds: Sequence[bytes], width: int
) -> tuple[list[int], NDArray[np.int64]]:
    """‖state − base‖² and, for every seed, the sketch of state − base, of each state; exact, in one walk.

    base, states: (d,), int32. width: a power of two from 8 on. Returns squared lengths, and sketches of shape
    (seeds, states, width).
    """
    lengths = [0] * len(states)
    totals = np.zeros((len(seeds), len(states), width), np.int64)
    # Twice as wide: a rotated run is added in one piece, and what went over the end is folded back.
    parts = np.zeros((len(seeds), len(states), 2 * width), np.int32)
    size = _RUNS * width
    room, wide = np.empty(min(size, base.size), np.int32), room_for_squares(size)
    for number, start in enumerate(range(0, base.size, size)):
        near = base[start : start + size]
        turns = _turns(seeds, number * _RUNS, -(-near.size // width), width)
        for place, state in enumerate(states):
            step = np.subtract(state[start : start + size], near, out=room[: near.size])
            lengths[place] += sum_of_squares(step, wide)
            for part, (signs, rotations) in zip(parts, turns, strict=True):
                step *= signs[: near.size]
                _add_rotated(part[place], step, rotations, width)
        totals += parts[:, :, :width]
        totals += parts[:, :, width:]
        parts[:] = 0
    return lengths, totals


def signs_and_rotations(seed: bytes, first: int, count: int, width: int) -> tuple[NDArray[np.int32], list[int]]:
    """The signs of some runs, (count · width,), ±1, and by how many places each is rotated, 0..width − 1.

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
    return signs.astype(np.int32), [int.from_bytes(each[size:], "little") % width for each in raw]


def _turns(seeds: Sequence[bytes], first: int, count: int, width: int) -> list[tuple[NDArray[np.int32], list[int]]]:
    """Each seed's signs and rotations; the signs times those of the seed before, which a step already bears."""
    drawn = [signs_and_rotations(seed, first, count, width) for seed in seeds]
    return [
        (signs * before[0] if before else signs, rotations)
        for before, (signs, rotations) in zip([None, *drawn], drawn, strict=False)
    ]


def _add_rotated(part: NDArray[np.int32], step: State, rotations: Sequence[int], width: int) -> None:
    for run, rotation in enumerate(rotations):
        values = step[run * width : (run + 1) * width]
        room = part[rotation : rotation + values.size]
        room += values
