"""What all frames have in common: their faults, the values they can hold, and zstd taken with caution."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState
from ledger.codec.blocks import Blocks
from ledger.errors import PeerFault

MAX_SHIFT: Final = 17
MAX_CODE: Final = 127
LARGEST_COUNT: Final = MAX_CODE << MAX_SHIFT
LARGEST: Final = LARGEST_COUNT / (1 << GRID_BITS)
# RFC 8878, section 3.1.1.1.2: what every decoder should support.
MAX_WINDOW: Final = 1 << 23


class MalformedFrame(PeerFault):
    """The frame does not decode to a state of the agreed length."""


class OutsideGrid(ValueError):
    """A value to be encoded is not finite or larger than the grid holds (±254)."""


@dataclass(frozen=True)
class Quantised:
    """A frame's payload and the state it decodes to."""

    payload: bytes
    state: GridState


def check_inside_grid(vector: NDArray[np.float32]) -> None:
    """Raises OutsideGrid on values that no frame can hold."""
    if not vector.size:
        return
    # NaN anywhere makes the sum of both ends NaN.
    lowest, highest = float(vector.min()), float(vector.max())
    if not np.isfinite(lowest + highest):
        raise OutsideGrid("the vector holds NaN or infinity")
    if (largest := max(highest, -lowest)) > LARGEST:
        raise OutsideGrid(f"a value of {largest:.3g} is outside the grid's ±{LARGEST:g}")


def max_payload_bytes(blocks: Blocks) -> int:
    """The most bytes a frame of a state so cut may take, compressed or not (zstd's worst case)."""
    size = blocks.state_size + blocks.count
    return size + (size >> 8) + 128


def compress(plain: bytes, level: int) -> bytes:
    """One zstd frame that declares its size."""
    return zstandard.ZstdCompressor(level=level).compress(plain)


def decompress(payload: bytes, size: int) -> bytes:
    """The `size` bytes in a zstd frame. Raises MalformedFrame; what the frame declares is checked first."""
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
