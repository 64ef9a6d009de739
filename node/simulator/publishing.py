"""From a trained model to what the network sees of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ledger.arithmetic.exact import GRID_BITS, State, to_float
from ledger.codec import CARRIED, LARGEST, SENT_SHARE, encode, left_out
from ledger.judging.frame_chains import is_chained, is_key_due
from node.learning.grid_ranges import Misfit, clipped
from node.learning.layout import Layout

Vector = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float32]
PublicStates = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Reference:
    """What a frame may be relative to, (d,), int32 each.

    previous: its author's last public state, `depth` frames behind a key frame; None where it must be a key frame.
    origin: the genesis. before: the author's base.
    """

    previous: State | None
    depth: int
    origin: State
    before: State


@dataclass(frozen=True)
class Published:
    """A public state (d,), int32, the frame it travels in, and what the codec left over, (d,), float32.

    depth: delta frames since the last key frame, 0 for one that needs no other. misfits: what the grid did not
    hold.
    """

    state: State
    payload: bytes
    residual: Vector | None
    depth: int = 0
    misfits: Sequence[Misfit] = ()


def reference_for(
    codec: str, number: int, seat: int, last: Published | None, origin: State, base: State
) -> Reference | None:
    """What a seat's frame of round `number` is relative to, None under a codec whose frames stand alone."""
    if not is_chained(codec):
        return None
    if last is None or is_key_due(number, seat, last.depth):
        return Reference(None, 0, origin, base)
    return Reference(last.state, last.depth, origin, base)


def leaning(bases: PublicStates, residuals: Matrix | None, codec: str) -> PublicStates:
    """What training starts from, (k, d), int32, on the grid; see node.learning.learner.leaning."""
    if residuals is None or not is_chained(codec):
        return bases
    leant: PublicStates = bases + np.rint(residuals * np.float32(CARRIED * (1 << GRID_BITS))).astype(np.int32)
    return leant


def publish(
    wanted: Vector,
    residual: Vector | None,
    codec: str,
    layout: Layout,
    reference: Reference | None = None,
    share: float = SENT_SHARE,
) -> Published | None:
    """Encode as node.learning.learner does.

    layout: of the state. residual: the last one, None without error feedback. share: of the values that a delta
    frame sends. Returns None where the wanted state is not finite: its author stops there.
    """
    total = wanted if residual is None or reference is not None else wanted + residual
    if not np.isfinite(total).all():
        return None
    misfits, blocks = clipped(total, layout), layout.blocks
    total = np.clip(total, -LARGEST, LARGEST).astype(np.float32)
    if reference is None:
        frame, depth = encode(total, codec, blocks), 0
    else:
        frame = encode(total, codec, blocks, reference.previous, reference.origin, reference.before, share)
        depth = reference.depth + 1 if reference.previous is not None else 0
    if residual is None:
        return Published(frame.state, frame.payload, None, depth, misfits)
    if reference is not None:
        left = left_out(total, reference.before, frame.state, reference.previous)
    else:
        left = total - to_float(frame.state)
    return Published(frame.state, frame.payload, left, depth, misfits)
