"""Codec v1: a float vector becomes a self-contained frame of int8 codes with one power-of-two scale per block.

    frame payload = shifts, one byte a block ‖ codes, one int8 a parameter
    value on the grid = code << shift, code in −127..127, shift in 0..17

Encoding happens on the author's machine alone and may round as it likes; decoding is integer and exact.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState
from ledger.codec.blocks import Blocks
from ledger.codec.frames import (
    MAX_CODE,
    MAX_SHIFT,
    Quantised,
    check_inside_grid,
    compress,
    decompress,
)
from ledger.codec.zstd_tables import MalformedFrame

PLAIN: Final = "int8"
ZSTD: Final = "int8-zstd"
SNAPSHOTS: Final = (PLAIN, ZSTD)
_ZSTD_LEVEL: Final = 3


def quantise(vector: NDArray[np.float32], blocks: Blocks, codec: str = ZSTD) -> Quantised:
    """Encode a flat vector, (d,), float32. Raises OutsideGrid on values that no frame can hold."""
    if codec not in SNAPSHOTS:
        raise ValueError(f"codec {codec!r} is not one of {SNAPSHOTS}")
    check_inside_grid(vector)
    shifts = _shifts(vector, blocks)
    # A product with a power of two is as exact as ldexp, and several times as fast.
    codes = vector * np.repeat(np.ldexp(np.float32(1), GRID_BITS - shifts), blocks.lengths)
    codes = np.rint(codes, out=codes).astype(np.int8)
    payload = shifts.astype(np.uint8).tobytes() + codes.tobytes()
    state = _expand(codes, shifts.astype(np.uint8), blocks)
    return Quantised(compress(payload, _ZSTD_LEVEL) if codec == ZSTD else payload, state)


def decode_snapshot(payload: bytes, codec: str, blocks: Blocks) -> GridState:
    """The state a payload holds, (d,), int32. Raises MalformedFrame; allocates only what was agreed (R9.3)."""
    size = blocks.count + blocks.state_size
    if codec == ZSTD:
        payload = decompress(payload, size)
    if len(payload) != size:
        raise MalformedFrame(
            f"the frame holds {len(payload)} bytes,"
            f" {blocks.state_size} parameters in {blocks.count} blocks need {size}"
        )
    shifts = np.frombuffer(payload, np.uint8, blocks.count)
    codes = np.frombuffer(payload, np.int8, blocks.state_size, blocks.count)
    if shifts.size and int(shifts.max()) > MAX_SHIFT:
        raise MalformedFrame(f"a block's shift of {int(shifts.max())} is above {MAX_SHIFT}")
    if codes.size and int(codes.min()) < -MAX_CODE:
        raise MalformedFrame("a code of -128 is not in -127..127")
    return _expand(codes, shifts, blocks)


def frame_steps(vector: NDArray[np.float32], blocks: Blocks) -> NDArray[np.int32]:
    """The grid units between two codes of each value in a vector's frame, (d,), int32."""
    steps = np.int32(1) << _shifts(vector, blocks).astype(np.int32)
    return np.repeat(steps, blocks.lengths)


def _shifts(vector: NDArray[np.float32], blocks: Blocks) -> NDArray[np.intc]:
    """The smallest shift of each block that holds its largest value, (blocks,)."""
    if not blocks.count:
        return np.empty(0, np.intc)
    starts = blocks.ends - blocks.lengths
    largest = np.ldexp(np.maximum.reduceat(np.abs(vector), starts), GRID_BITS)
    # frexp gives m < 2**exponent; 127 codes reach m when 127 << shift >= m, else one more bit is needed.
    shifts: NDArray[np.intc] = np.maximum(np.frexp(largest)[1] - 7, 0)
    shifts += np.ldexp(np.float32(MAX_CODE), shifts) < largest
    return shifts


def _expand(codes: NDArray[np.int8], shifts: NDArray[np.uint8], blocks: Blocks) -> GridState:
    state = codes.astype(np.int32)
    state <<= np.repeat(shifts.astype(np.int32), blocks.lengths)
    return state
