"""Codec v1: a float vector becomes a self-contained frame of int8 codes with one power-of-two scale per block.

    frame payload = shifts, one byte a block ‖ codes, one int8 a parameter
    value on the grid = code << shift, code in −127..127, shift in 0..17

Encoding happens on the author's machine alone and may round as it likes; decoding is integer and exact.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from ledger.errors import PeerFault
from ledger.exact import GRID_BITS, State

BLOCK: Final = 4096
MAX_SHIFT: Final = 17
_MAX_CODE: Final = 127
LARGEST: Final = (_MAX_CODE << MAX_SHIFT) / (1 << GRID_BITS)
_ZSTD_LEVEL: Final = 3
# RFC 8878, section 3.1.1.1.2: what every decoder should support.
MAX_WINDOW: Final = 1 << 23

PLAIN: Final = "int8"
ZSTD: Final = "int8-zstd"
CODECS: Final = (PLAIN, ZSTD)


class MalformedFrame(PeerFault):
    """The frame does not decode to a state of the agreed length."""


class OutsideGrid(ValueError):
    """A value to be encoded is not finite or larger than the grid holds (±254)."""


@dataclass(frozen=True)
class Quantised:
    """A frame's payload and the state it decodes to."""

    payload: bytes
    state: State


def quantise(vector: NDArray[np.float32], codec: str = ZSTD) -> Quantised:
    """Encode a flat vector, (d,), float32. Raises OutsideGrid on values that no frame can hold."""
    if not np.isfinite(vector).all():
        raise OutsideGrid("the vector holds NaN or infinity")
    if vector.size and float(np.abs(vector).max()) > LARGEST:
        raise OutsideGrid(f"a value of {float(np.abs(vector).max()):.3g} is outside the grid's ±{LARGEST:g}")
    blocks = -(-vector.size // BLOCK)
    padded = np.zeros(blocks * BLOCK, np.float32)
    padded[: vector.size] = vector
    grid = np.ldexp(padded.reshape(blocks, BLOCK), GRID_BITS)
    largest = np.abs(grid).max(axis=1, initial=0.0)
    # frexp gives m < 2**exponent; 127 codes reach m when 127 << shift >= m, else one more bit is needed.
    shifts = np.maximum(np.frexp(largest)[1] - 7, 0)
    shifts += np.ldexp(np.float32(_MAX_CODE), shifts) < largest
    codes = np.rint(np.ldexp(grid, -shifts[:, None])).astype(np.int8)
    payload = shifts.astype(np.uint8).tobytes() + codes.reshape(-1)[: vector.size].tobytes()
    state = _expand(codes.reshape(-1)[: vector.size], shifts.astype(np.uint8))
    if codec == ZSTD:
        payload = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(payload)
    return Quantised(payload, state)


def decode(payload: bytes, codec: str, parameters: int) -> State:
    """The state a payload holds, (parameters,), int32. Raises MalformedFrame; allocates only what was agreed."""
    blocks = -(-parameters // BLOCK)
    size = blocks + parameters
    if codec == ZSTD:
        payload = _decompress(payload, size)
    elif codec != PLAIN:
        raise MalformedFrame(f"codec {codec[:20]!r} is not one of {CODECS}")
    if len(payload) != size:
        raise MalformedFrame(f"the frame holds {len(payload)} bytes, {parameters} parameters need {size}")
    shifts = np.frombuffer(payload, np.uint8, blocks)
    codes = np.frombuffer(payload, np.int8, parameters, blocks)
    if shifts.size and int(shifts.max()) > MAX_SHIFT:
        raise MalformedFrame(f"a block's shift of {int(shifts.max())} is above {MAX_SHIFT}")
    if codes.size and int(codes.min()) < -_MAX_CODE:
        raise MalformedFrame("a code of -128 is not in -127..127")
    return _expand(codes, shifts)


def frame_steps(vector: NDArray[np.float32]) -> NDArray[np.int32]:
    """The grid units between two codes in each block of a vector's frame, (blocks,), int32."""
    shifts = np.frombuffer(quantise(vector, PLAIN).payload, np.uint8, -(-vector.size // BLOCK))
    return np.int32(1) << shifts.astype(np.int32)


def max_payload_bytes(parameters: int) -> int:
    """The most bytes a frame of so many parameters may take, compressed or not (zstd's worst case)."""
    size = parameters + -(-parameters // BLOCK)
    return size + (size >> 8) + 128


def _expand(codes: NDArray[np.int8], shifts: NDArray[np.uint8]) -> State:
    state = codes.astype(np.int32)
    whole = len(state) // BLOCK * BLOCK
    state[:whole].reshape(-1, BLOCK)[:] <<= shifts[: whole // BLOCK, None].astype(np.int32)
    if whole < len(state):
        state[whole:] <<= np.int32(shifts[-1])
    return state


def _decompress(payload: bytes, size: int) -> bytes:
    try:
        declared = zstandard.get_frame_parameters(payload)
        # zstd's own limit on the window does not hold where it decodes in one pass, and every decoder must agree.
        if declared.window_size > MAX_WINDOW:
            raise MalformedFrame(f"the frame's window of {declared.window_size} bytes is above {MAX_WINDOW}")
        if declared.content_size != size:
            raise MalformedFrame(f"the frame declares {declared.content_size} bytes, the layout needs {size}")
        return zstandard.ZstdDecompressor().decompress(payload, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise MalformedFrame(f"the frame is not zstd: {error}") from error
