"""From a trained model to what the network sees of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ledger.arithmetic.exact import GRID_BITS, GridState, to_float
from ledger.codec import LARGEST, RESIDUAL_SHARE, SENT_SHARE, compute_residual, encode
from ledger.judging.frame_chains import is_chained, is_key_due
from node.learning.grid_ranges import Misfit, find_misfits
from node.learning.layout import Layout

Vector = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float32]
GridStates = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Reference:
    """What a frame may be relative to, (d,), int32 each.

    previous: its author's last public state, `depth` frames behind a key frame; None where it must be a key frame.
    origin: the genesis. before: the author's base.
    """

    previous: GridState | None
    depth: int
    origin: GridState
    before: GridState


@dataclass(frozen=True)
class PublishedFrame:
    """A public state (d,), int32, the frame it travels in, and what the codec left over, (d,), float32.

    depth: delta frames since the last key frame, 0 for one that needs no other. misfits: what the grid did not
    hold.
    """

    state: GridState
    payload: bytes
    residual: Vector | None
    depth: int = 0
    misfits: Sequence[Misfit] = ()


def make_reference(
    codec: str, number: int, seat: int, last: PublishedFrame | None, origin: GridState, base: GridState
) -> Reference | None:
    """What a seat's frame of round `number` is relative to, None under a codec whose frames stand alone."""
    if not is_chained(codec):
        return None
    if last is None or is_key_due(number, seat, last.depth):
        return Reference(None, 0, origin, base)
    return Reference(last.state, last.depth, origin, base)


def add_residuals(bases: GridStates, residuals: Matrix | None, codec: str) -> GridStates:
    """What training starts from, (k, d), int32, on the grid; see node.learning.learner.add_residual."""
    if residuals is None or not is_chained(codec):
        return bases
    leant: GridStates = bases + np.rint(residuals * np.float32(RESIDUAL_SHARE * (1 << GRID_BITS))).astype(np.int32)
    return leant


def publish(
    wanted: Vector,
    residual: Vector | None,
    codec: str,
    layout: Layout,
    reference: Reference | None = None,
    share: float = SENT_SHARE,
) -> PublishedFrame | None:
    """Encode as node.learning.learner does.

    layout: of the state. residual: the last one, None without error feedback. share: of the values that a delta
    frame sends. Returns None where the wanted state is not finite: its author stops there.
    """
    total = wanted if residual is None or reference is not None else wanted + residual
    if not np.isfinite(total).all():
        return None
    misfits, blocks = find_misfits(total, layout), layout.blocks
    total = np.clip(total, -LARGEST, LARGEST).astype(np.float32)
    if reference is None:
        frame, depth = encode(total, codec, blocks), 0
    else:
        frame = encode(total, codec, blocks, reference.previous, reference.origin, reference.before, share)
        depth = reference.depth + 1 if reference.previous is not None else 0
    if residual is None:
        return PublishedFrame(frame.state, frame.payload, None, depth, misfits)
    if reference is not None:
        left = compute_residual(total, reference.before, frame.state, reference.previous)
    else:
        left = total - to_float(frame.state)
    return PublishedFrame(frame.state, frame.payload, left, depth, misfits)
