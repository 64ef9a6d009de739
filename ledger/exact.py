"""Integer arithmetic on public states, the same to the bit on every machine.

A public state lives on a fixed grid: int32 counts of 2**-16, at most 2**24 in magnitude (so values in ±256).
Everything that decides a verdict or a next base is computed here or in `ledger.rules` from such integers alone.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from typing import Final

import numpy as np
from numpy.typing import NDArray

State = NDArray[np.int32]

GRID_BITS: Final = 16
ONE_Q15: Final = 1 << 15
_CHUNK: Final = 4096
_INT64: Final = 1 << 63


def to_float(state: State) -> NDArray[np.float32]:
    """The float32 values of a state, (d,). Exact: 24 bits of magnitude and a power of two."""
    return np.ldexp(state.astype(np.float32), -GRID_BITS)


def squared_distance(left: State, right: State) -> int:
    """‖left − right‖², in grid units squared. left, right: (d,), int32. Exact for any d."""
    return squared_norm(left - right)


def squared_norm(state: State) -> int:
    """‖state‖², in grid units squared. state: (d,), int32, magnitudes up to 2**25. Exact for any d."""
    if not state.size:
        return 0
    largest = max(int(state.max()), -int(state.min()))
    if largest * largest * state.size < _INT64:
        return _sum_of_squares(state)
    return sum(_sum_of_squares(state[start : start + _CHUNK]) for start in range(0, state.size, _CHUNK))


def _sum_of_squares(state: State) -> int:
    wide = state.astype(np.int64)
    return int(np.dot(wide, wide))


def weighted_mean(own: State, others: Sequence[State], own_weight_q15: int) -> State:
    """own_weight · own + (1 − own_weight) · mean(others), rounded half up to the grid.

    own, others: (d,), int32. own_weight_q15: 0..32768. Returns `own` itself where there are no others.
    """
    if not others:
        return own
    total = np.zeros(own.shape, np.int64)
    for other in others:
        total += other
    divisor = ONE_Q15 * len(others)
    total *= ONE_Q15 - own_weight_q15
    total += own.astype(np.int64) * (own_weight_q15 * len(others))
    total += divisor // 2
    return np.floor_divide(total, divisor).astype(np.int32)


def mean(states: Sequence[State]) -> State:
    """The mean, rounded half up to the grid. states: at least one of (d,), int32."""
    total = np.zeros(states[0].shape, np.int64)
    for state in states:
        total += state
    return np.floor_divide(total + len(states) // 2, len(states)).astype(np.int32)


def decaying_square_q30(scale_milli: int, rate_milli: int, step: int, steps: int) -> int:
    """floor(2**30 · (scale · exp(−rate · step / steps))²), scale and rate in thousandths.

    Decimal arithmetic rounds the exponential correctly by specification (IEEE 754 / General Decimal Arithmetic),
    which the C library's exp does not promise.
    """
    with localcontext(Context(prec=50)):
        exponent = Decimal(-2 * rate_milli * step) / Decimal(1000 * steps)
        value = Decimal(scale_milli) ** 2 / Decimal(10**6) * exponent.exp() * (1 << 30)
        return int(value)
