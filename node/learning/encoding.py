"""From the state that a peer wants to publish to the frame in which it travels, and what that leaves out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ledger.arithmetic.exact import GridState
from ledger.codec import LARGEST, SENT_SHARE, compute_residual, encode, quantise
from ledger.judging.frame_chains import is_chained
from node.learning.grid_ranges import Misfit, find_misfits
from node.learning.layout import Layout, Vector


@dataclass(frozen=True)
class FrameOrigins:
    """What a frame may be relative to, (d,), int32 each."""

    before: GridState
    """The base that the author's round began with."""
    previous: GridState | None = None
    """The author's last public state; None for a key frame."""
    origin: GridState | None = None
    """The genesis."""


@dataclass(frozen=True)
class EncodedState:
    """A public state and its frame."""

    payload: bytes
    """The frame's bytes."""
    state: GridState
    """What the payload decodes to, (d,), int32."""
    wanted: Vector
    """What was encoded, (d,), float32, as far as a frame can hold it."""
    origins: FrameOrigins | None
    """What the frame is relative to; None under a codec whose frames stand alone."""

    def compute_residual(self) -> Vector:
        """What the frame left over, (d,), float32, for the next one."""
        before, previous = (None, None) if self.origins is None else (self.origins.before, self.origins.previous)
        return compute_residual(self.wanted, before, self.state, previous)


def add_left_over(wanted: Vector, residual: Vector, codec: str) -> Vector:
    """What to encode: under a chained codec training has begun with the residual, under others it is added now."""
    return wanted if is_chained(codec) else wanted + residual


def encode_state(
    total: Vector,
    codec: str,
    layout: Layout,
    note: Callable[[Sequence[Misfit]], None],
    origins: FrameOrigins | None = None,
    share: float = SENT_SHARE,
    *,
    is_private: bool = False,
) -> EncodedState:
    """Encode what `add_left_over` gave.

    note: told what the grid does not hold, before anything is encoded. origins: None under a codec whose frames
    stand alone. share: of the values, what a delta frame sends. is_private: in a circle with privacy terms, where
    R30.3 says how a base is rounded. Raises OutsideGrid where a value is none.
    """
    note(find_misfits(total, layout))
    # Far off, whether its own doing or the poison it mixed in: it goes on with what a frame can hold.
    wanted = np.clip(total, -LARGEST, LARGEST).astype(np.float32)
    if not is_chained(codec):
        frame = quantise(wanted, layout.blocks, codec, is_steady=not is_private)
    elif origins is None:
        frame = encode(wanted, codec, layout.blocks, share=share)
    else:
        frame = encode(wanted, codec, layout.blocks, origins.previous, origins.origin, origins.before, share)
    return EncodedState(frame.payload, frame.state, wanted, origins)
