"""Integer arithmetic on public states, the same to the bit on every machine.

A public state lives on a fixed grid: int32 counts of 2**-16, at most 2**24 in magnitude (so values in ±256), of the
unit of the tensor that a value belongs to. Units are the manifest's affair (R9); nothing here knows of them.
Everything that decides a verdict or a next base is computed here or in `ledger.rules` from such integers alone.

Floating point serves only where every result, in whatever order it is summed, is an integer of at most 53 bits:
then nothing is ever rounded. States are walked in blocks that stay in the processor's cache.
"""

from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, localcontext
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.compiled import Loops, loops_for

GridState = NDArray[np.int32]

GRID_BITS: Final = 16
LARGEST: Final = 1 << 24
ONE_Q15: Final = 1 << 15
# Coordinates a block: 256 KiB of int32. Smaller ones fit a nearer cache, but their calls cost more than that saves.
_BLOCK: Final = 1 << 16
# So many squares of up to 2**25 fit into int64.
_CHUNK: Final = 4096
_EXACT: Final = float(1 << 53)
# So many states fit into a sum of int32.
STATES_IN_INT32: Final = 127
# So many at most: 2**9 states of 24 bits times weights of 18 bits stay inside 53 bits.
_MOST_STATES: Final = 512
_FACTOR_BITS: Final = 18
# And weights of so many inside 63.
_WIDE_FACTOR_BITS: Final = 28


def to_float(state: GridState) -> NDArray[np.float32]:
    """The float32 values of a state, (d,), in its tensors' units. Exact: 24 bits and a power of two."""
    values = state.astype(np.float32)
    # A product with a power of two is as exact as ldexp, and eight times as fast.
    values *= np.float32(2.0**-GRID_BITS)
    return values


def squared_distance(left: GridState, right: GridState) -> int:
    """‖left − right‖², in grid units squared. left, right: (d,), int32. Exact for any d."""
    return squared_distances(left, [right])[0]


def squared_distances(origin: GridState, states: Sequence[GridState]) -> list[int]:
    """‖state − origin‖² for each state, in grid units squared. All (d,), int32. Exact for any d."""
    lengths = [0] * len(states)
    room, wide = np.empty(_BLOCK, np.int32), room_for_squares(_BLOCK)
    for block in _blocks(origin.size):
        near = origin[block]
        for place, state in enumerate(states):
            difference = np.subtract(state[block], near, out=room[: near.size])
            lengths[place] += sum_of_squares(difference, wide)
    return lengths


def squared_norm(state: GridState) -> int:
    """‖state‖², in grid units squared. state: (d,), int32, magnitudes up to 2**25. Exact for any d."""
    wide = room_for_squares(_BLOCK)
    return sum(sum_of_squares(state[block], wide) for block in _blocks(state.size))


def room_for_squares(size: int) -> NDArray[np.float64]:
    """What `sum_of_squares` writes over for up to so many values."""
    return np.empty((-(-size // _CHUNK), _CHUNK), np.float64)


def sum_of_squares(values: GridState, wide: NDArray[np.float64]) -> int:
    """Σ values², exact. values: (n,), int32, magnitudes up to 2**25. wide: see `room_for_squares`.

    Squares are integers of at most 50 bits, and no partial sum is above the sum: if that is below 2**53, nothing
    was rounded, in whatever order it was summed. Otherwise int64 sums of so few terms that they cannot overflow.
    """
    rows = wide[: -(-values.size // _CHUNK)]
    flat = rows.reshape(-1)
    flat[: values.size] = values
    flat[values.size :] = 0
    # Rows this short are never spread over threads by a BLAS, which would cost more than it gains.
    total = float(np.vecdot(rows, rows).sum())
    if total < _EXACT:
        return int(total)
    whole = values.astype(np.int64)
    return sum(int(np.dot(part, part)) for part in np.split(whole, range(_CHUNK, whole.size, _CHUNK)))


def weighted_mean(own: GridState, others: Sequence[GridState], own_weight_q15: int) -> GridState:
    """own_weight · own + (1 − own_weight) · mean(others), rounded half up to the grid.

    own, others: (d,), int32, 512 states at most. own_weight_q15: 0..32768. Returns `own` itself where there are no
    others.
    """
    if not others:
        return own
    divisor = ONE_Q15 * len(others)
    mixed = np.empty(own.shape, np.int32)
    for block in _blocks(own.size):
        total = _sum(others, block)
        total *= ONE_Q15 - own_weight_q15
        total += own[block].astype(np.float64) * (own_weight_q15 * len(others))
        mixed[block] = _round_half_up(total, divisor)
    return mixed


def mean(states: Sequence[GridState]) -> GridState:
    """The mean, rounded half up to the grid. states: 1 to 512 of (d,), int32."""
    mixed = np.empty(states[0].shape, np.int32)
    for block in _blocks(mixed.size):
        mixed[block] = _round_half_up(_sum(states, block), len(states))
    return mixed


def clipping_factor(limit2: int, length2: int, bits: int) -> int:
    """min(1, √(limit2 / length2)) in 2**−bits, rounded down: what is clipped is never longer than the limit."""
    return 1 << bits if length2 <= limit2 else isqrt((limit2 << 2 * bits) // length2)


def clipped_mean(
    base: GridState, own: GridState, others: Sequence[GridState], factors: Sequence[int], bits: int
) -> GridState:
    """base + ((own − base) + Σ factor · (other − base)) / (1 + others), rounded half up, clamped to the grid.

    base, own, others: (d,), int32, 512 states at most. factors: one for each other, 0..2**bits, in 2**−bits; up to
    28 bits, of which 18 are the faster ones. Raises ValueError for more states or bits.
    """
    _check_count([own, *others])
    if bits > _WIDE_FACTOR_BITS:
        raise ValueError(f"factors of {bits} bits are finer than the {_WIDE_FACTOR_BITS} that are summed exactly")
    one = 1 << bits
    if bits > _FACTOR_BITS:
        return _combine_wide(base, [own, *others], [one, *factors], one * (1 + len(others)))
    if (loops := loops_for(base.size)) is not None:
        shares, divisor = [one, *factors], one * (1 + len(others))
        return _combine(loops, [base, own, *others], [divisor - sum(shares), *shares], divisor)
    whole = [own] + [other for other, factor in zip(others, factors, strict=True) if factor == one]
    clipped = [(other, factor) for other, factor in zip(others, factors, strict=True) if factor < one]
    weights = np.array([one, *[factor for _, factor in clipped], 0], np.float64)
    weights[-1] = -(one * len(whole) + sum(factor for _, factor in clipped))
    mixed = np.empty(base.shape, np.int32)
    room = np.empty((len(weights), min(_BLOCK, base.size)), np.float64)
    for block in _blocks(base.size):
        rows = room[:, : base[block].size]
        rows[0] = _sum(whole, block)
        for row, state in zip(rows[1:], [*[other for other, _ in clipped], base], strict=True):
            row[:] = state[block]
        moved = _round_half_up(np.einsum("j,jn->n", weights, rows), one * (1 + len(others)))
        moved += rows[-1]
        mixed[block] = np.clip(moved, -LARGEST, LARGEST, out=moved)
    return mixed


def mix_weighted(states: Sequence[GridState], weights: Sequence[int]) -> GridState:
    """Σ weight · state / Σ weight, rounded half up to the grid.

    states: at least one, (d,), int32, 512 at most. weights: one for each, none negative, their sum from 1 to 2**37,
    so that no partial sum is beyond 2**61 + 2**62. Raises ValueError for others.
    """
    _check_count(states)
    total = sum(weights)
    if not 0 < total <= _MOST_STATES << _WIDE_FACTOR_BITS or min(weights) < 0:
        raise ValueError(f"weights of {total} in all cannot be summed exactly")
    return _combine_wide(states[0], states[1:], weights[1:], total)


def decaying_square_q30(scale_milli: int, rate_milli: int, step: int, steps: int) -> int:
    """floor(2**30 · (scale · exp(−rate · step / steps))²), scale and rate in thousandths.

    Decimal arithmetic rounds the exponential correctly by specification (IEEE 754 / General Decimal Arithmetic),
    which the C library's exp does not promise.
    """
    with localcontext(Context(prec=50)):
        exponent = Decimal(-2 * rate_milli * step) / Decimal(1000 * steps)
        value = Decimal(scale_milli) ** 2 / Decimal(10**6) * exponent.exp() * (1 << 30)
        return int(value)


def _blocks(size: int) -> Iterator[slice]:
    for start in range(0, size, _BLOCK):
        yield slice(start, min(start + _BLOCK, size))


def _sum(states: Sequence[GridState], block: slice) -> NDArray[np.float64]:
    """The sum of at least one state's block, as whole numbers."""
    _check_count(states)
    total = np.zeros(states[0][block].shape, np.float64)
    for start in range(0, len(states), STATES_IN_INT32):
        first, *rest = states[start : start + STATES_IN_INT32]
        part = first[block].copy()
        for state in rest:
            part += state[block]
        total += part
    return total


def _check_count(states: Sequence[GridState]) -> None:
    if len(states) > _MOST_STATES:
        raise ValueError(f"{len(states)} states are more than the {_MOST_STATES} that are summed exactly")


def _combine(loops: Loops, states: Sequence[GridState], weights: Sequence[int], divisor: int) -> GridState:
    """Σ weight · state / divisor, rounded half up. The weights, none negative, add up to the divisor, so no
    coordinate leaves the range of the states'.
    """
    mixed = np.empty(states[0].shape, np.int32)
    room = np.empty(min(_BLOCK, mixed.size), np.float64)
    for block in _blocks(mixed.size):
        total = room[: mixed[block].size]
        total[:] = 0
        for state, weight in zip(states, weights, strict=True):
            loops.add(total, state[block], weight)
        loops.round_off(total, divisor, mixed[block])
    return mixed


def _combine_wide(base: GridState, states: Sequence[GridState], factors: Sequence[int], divisor: int) -> GridState:
    """base + Σ factor · (state − base) / divisor, rounded half up, where the sum may have more than 53 bits.

    No factor is above divisor / len(states), so no coordinate leaves the range of the states'.
    """
    mixed = np.empty(base.shape, np.int32)
    for block in _blocks(base.size):
        centre = base[block].astype(np.int64)
        # 512 differences below 2**25 times 28 bits, and as much as the divisor times 24 bits: below 2**63.
        total = centre * divisor
        total += divisor // 2
        for state, factor in zip(states, factors, strict=True):
            total += (state[block] - centre) * factor
        mixed[block] = np.floor_divide(total, divisor)
    return mixed


def _round_half_up(numerator: NDArray[np.float64], divisor: int) -> NDArray[np.float64]:
    """numerator / divisor rounded half up to whole numbers; the numerator is written over.

    The numerator is an integer below 2**52, the quotient below 2**25, where doubles lie at most 2**-28 apart. One
    that is no integer lies at least 1 / divisor ≥ 2**-27 below the next, too far to be rounded up to it.
    """
    numerator += divisor / 2
    numerator /= divisor
    return np.floor(numerator, out=numerator)
