"""Codec v1: a float vector becomes a self-contained frame of int8 codes with one power-of-two scale per block.

    frame payload = shifts, one byte a block ‖ codes, one int8 a parameter
    value on the grid = code << shift, code in −127..127, shift in 0..17

A block's step is the least that holds its largest value. So one value that grows past a power of two would
round all the others anew, by up to half of the doubled step. Where they lay on the finer steps and have not
moved, as the rows of words that a peer has not met, that is many times the length of what it learnt, and others
took it for a stranger. A steady frame keeps the finer step there and cuts off what goes beyond it.

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


def quantise(
    vector: NDArray[np.float32], blocks: Blocks, codec: str = ZSTD, *, is_steady: bool = False
) -> Quantised:
    """Encode a flat vector, (d,), float32. Raises OutsideGrid on values that no frame can hold.

    is_steady: see above; otherwise the shifts are those that R30.3 and the genesis ask for.
    """
    if codec not in SNAPSHOTS:
        raise ValueError(f"codec {codec!r} is not one of {SNAPSHOTS}")
    check_inside_grid(vector)
    largest = _largest(vector, blocks)
    shifts = _shifts(largest)
    is_cut = is_steady and _keep_finer(shifts, largest, vector, blocks)
    # A product with a power of two is as exact as ldexp, and several times as fast.
    codes = vector * np.repeat(np.ldexp(np.float32(1), GRID_BITS - shifts), blocks.lengths)
    np.rint(codes, out=codes)
    if is_cut:
        np.clip(codes, -MAX_CODE, MAX_CODE, out=codes)
    codes = codes.astype(np.int8)
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
    steps = np.int32(1) << _shifts(_largest(vector, blocks)).astype(np.int32)
    return np.repeat(steps, blocks.lengths)


def _largest(vector: NDArray[np.float32], blocks: Blocks) -> NDArray[np.float32]:
    """The largest magnitude in each block, in counts, (blocks,)."""
    if not blocks.count:
        return np.empty(0, np.float32)
    return np.ldexp(np.maximum.reduceat(np.abs(vector), blocks.ends - blocks.lengths), GRID_BITS)


def _shifts(largest: NDArray[np.float32]) -> NDArray[np.intc]:
    """The smallest shift of each block that holds its largest value, (blocks,)."""
    # frexp gives m < 2**exponent; 127 codes reach m when 127 << shift >= m, else one more bit is needed.
    shifts: NDArray[np.intc] = np.maximum(np.frexp(largest)[1] - 7, 0)
    shifts += np.ldexp(np.float32(MAX_CODE), shifts) < largest
    return shifts


def _keep_finer(
    shifts: NDArray[np.intc], largest: NDArray[np.float32], vector: NDArray[np.float32], blocks: Blocks
) -> bool:
    """Lower, in place, the shift of each block by one where that loses less, though its largest values are cut off.

    Only of a block of which at least half lies on the finer steps already: where most is in motion the whole of it
    is rounded anew anyway. Returns whether there was one.
    """
    beyond = np.ldexp(largest, 1 - shifts) - MAX_CODE
    # The coarser step loses 1 of each value at most, so there is nothing to gain where more is cut off.
    found = np.flatnonzero((shifts > 0) & (beyond * beyond < blocks.lengths)).tolist()
    kept = [block for block in found if _is_worth_keeping(_steps_of(vector, blocks, block, int(shifts[block]) - 1))]
    shifts[kept] -= 1
    return bool(kept)


def _steps_of(vector: NDArray[np.float32], blocks: Blocks, block: int, shift: int) -> NDArray[np.float32]:
    """A block's values in steps of a shift, (n,)."""
    end = int(blocks.ends[block])
    return np.ldexp(vector[end - int(blocks.lengths[block]) : end], GRID_BITS - shift)


def _is_worth_keeping(steps: NDArray[np.float32]) -> bool:
    """Whether a block's values, in the finer steps, are better off with them."""
    near = np.rint(steps)
    if 2 * np.count_nonzero(near == steps) < steps.size:
        return False
    finer = np.square(steps - np.clip(near, -MAX_CODE, MAX_CODE)).sum()
    return bool(finer < np.square(steps - 2 * np.rint(steps / 2)).sum())


def _expand(codes: NDArray[np.int8], shifts: NDArray[np.uint8], blocks: Blocks) -> GridState:
    state = codes.astype(np.int32)
    state <<= np.repeat(shifts.astype(np.int32), blocks.lengths)
    return state
