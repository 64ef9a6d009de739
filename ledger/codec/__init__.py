"""How a public state travels: whole (`int8`, `int8-zstd`), or as its difference from an earlier one (`delta`)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.codec.blocks import BLOCK, Blocks, blocks_of
from ledger.codec.delta import DELTA, decode_delta, is_key
from ledger.codec.delta_encoder import RESIDUAL_SHARE, SENT_SHARE, choose_share, compute_residual, encode_delta
from ledger.codec.frames import (
    LARGEST,
    MAX_SHIFT,
    OutsideGrid,
    Quantised,
    max_payload_bytes,
)
from ledger.codec.snapshot import PLAIN, SNAPSHOTS, ZSTD, decode_snapshot, frame_steps, quantise
from ledger.codec.zstd_frames import MAX_WINDOW
from ledger.codec.zstd_tables import MalformedFrame

__all__ = [
    "BLOCK",
    "CODECS",
    "DELTA",
    "LARGEST",
    "MAX_SHIFT",
    "MAX_WINDOW",
    "PLAIN",
    "RESIDUAL_SHARE",
    "SENT_SHARE",
    "SNAPSHOTS",
    "ZSTD",
    "Blocks",
    "MalformedFrame",
    "OutsideGrid",
    "Quantised",
    "blocks_of",
    "choose_share",
    "compute_residual",
    "decode",
    "encode",
    "frame_steps",
    "is_key",
    "max_payload_bytes",
    "quantise",
]

CODECS: Final = (PLAIN, ZSTD, DELTA)


def encode(
    vector: NDArray[np.float32],
    codec: str,
    blocks: Blocks,
    previous: GridState | None = None,
    origin: GridState | None = None,
    before: GridState | None = None,
    share: float = SENT_SHARE,
) -> Quantised:
    """Encode a flat vector, (d,), float32, with any codec. Raises OutsideGrid on values that no frame can hold.

    blocks: how it is cut. The states, (d,), int32, and the share matter to codec `delta` alone; see encode_delta.
    """
    if codec == DELTA:
        return encode_delta(vector, blocks, previous, origin, before, share)
    return quantise(vector, blocks, codec)


def decode(
    payload: bytes, codec: str, blocks: Blocks, previous: GridState | None = None, origin: GridState | None = None
) -> GridState:
    """The state a payload holds, (d,), int32. Raises MalformedFrame; allocates only what was agreed.

    blocks: how the state is cut; its length d follows from it. previous: its author's last public state. origin:
    the circle's genesis state. Only codec `delta` looks at them: its delta frames at the one, its key frames at the
    other.
    """
    if codec == DELTA:
        return decode_delta(payload, blocks, previous, origin)
    if codec not in SNAPSHOTS:
        raise MalformedFrame(f"codec {codec[:20]!r} is not one of {CODECS}")
    return decode_snapshot(payload, codec, blocks)
