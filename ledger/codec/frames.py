"""What all frames have in common: their faults, the values they can hold, and zstd taken with caution."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState
from ledger.codec.blocks import Blocks
from ledger.codec.zstd_frames import MAX_BLOCK, check_blocks, read_start
from ledger.codec.zstd_tables import MalformedFrame

MAX_SHIFT: Final = 17
MAX_CODE: Final = 127
LARGEST_COUNT: Final = MAX_CODE << MAX_SHIFT
# Sequences cost whoever checks them time, and save next to nothing where so little repeats.
_FEW_SEQUENCES: Final = {"hash_log": 6}
# Bytes that are nearly all alike would else take more of them than a frame may have.
_FEWEST_SEQUENCES: Final = {"strategy": zstandard.STRATEGY_BTOPT, "min_match": 6, "search_log": 1}
LARGEST: Final = LARGEST_COUNT / (1 << GRID_BITS)


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
    """One zstd frame of R9.6, of whatever version of zstd."""
    for parameters in (
        zstandard.ZstdCompressionParameters.from_level(level, **_FEW_SEQUENCES),
        zstandard.ZstdCompressionParameters.from_level(13, **_FEWEST_SEQUENCES),
    ):
        frame = zstandard.ZstdCompressor(compression_params=parameters).compress(plain)
        try:
            check_blocks(frame, read_start(frame, len(plain)), plain)
        except MalformedFrame:
            continue
        return frame
    return store(plain)


def store(plain: bytes) -> bytes:
    """A zstd frame of R9.6 that holds the bytes as they are."""
    pieces = [plain[start : start + MAX_BLOCK] for start in range(0, len(plain), MAX_BLOCK)] or [b""]
    headers = [(len(piece) << 3 | (number == len(pieces))) for number, piece in enumerate(pieces, start=1)]
    blocks = [header.to_bytes(3, "little") + piece for header, piece in zip(headers, pieces, strict=True)]
    # The content's size in four bytes, and the largest window.
    return b"\x28\xb5\x2f\xfd\x80\x68" + len(plain).to_bytes(4, "little") + b"".join(blocks)


def decompress(payload: bytes, size: int) -> bytes:
    """The `size` bytes in a zstd frame of R9.6. Raises MalformedFrame; what it declares is checked first."""
    start = read_start(payload, size)
    try:
        plain = zstandard.ZstdDecompressor().decompress(payload, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise MalformedFrame(f"the frame is not zstd: {error}") from error
    check_blocks(payload, start, plain)
    return plain
