"""From a trained model to what the network sees of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ledger.arithmetic.exact import GRID_BITS, GridState
from ledger.codec import RESIDUAL_SHARE, SENT_SHARE
from ledger.judging.frame_chains import is_chained, is_key_due
from node.learning.encoding import FrameOrigins, add_left_over, encode_state
from node.learning.grid_ranges import Misfit
from node.learning.layout import Layout, Vector
from node.simulator.learning import GridStates, Matrix


@dataclass(frozen=True)
class Reference:
    """What a frame may be relative to, and how many frames its author's last one is behind a key frame."""

    origins: FrameOrigins
    depth: int


@dataclass(frozen=True)
class PublishedFrame:
    """A public state and the frame it travels in."""

    state: GridState
    """(d,), int32."""
    payload: bytes
    """The frame's bytes."""
    residual: Vector | None
    """What the codec left over, (d,), float32; None without error feedback."""
    depth: int = 0
    """Delta frames since the last key frame, 0 for one that needs no other."""
    misfits: Sequence[Misfit] = ()
    """What the grid did not hold."""


def make_reference(
    codec: str, number: int, seat: int, last: PublishedFrame | None, origin: GridState, base: GridState
) -> Reference | None:
    """What a seat's frame of round `number` is relative to, None under a codec whose frames stand alone."""
    if not is_chained(codec):
        return None
    if last is None or is_key_due(number, seat, last.depth):
        return Reference(FrameOrigins(base, None, origin), 0)
    return Reference(FrameOrigins(base, last.state, origin), last.depth)


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
    *,
    is_private: bool = False,
) -> PublishedFrame | None:
    """Encode. layout: of the state. residual: the last one, None without error feedback. The rest: `encode_state`.

    Returns None where the wanted state is not finite: its author stops there.
    """
    total = wanted if residual is None else add_left_over(wanted, residual, codec)
    if not np.isfinite(total).all():
        return None
    misfits: list[Misfit] = []
    origins = None if reference is None else reference.origins
    found = encode_state(total, codec, layout, misfits.extend, origins, share, is_private=is_private)
    depth = 0 if reference is None or reference.origins.previous is None else reference.depth + 1
    left = None if residual is None else found.compute_residual()
    return PublishedFrame(found.state, found.payload, left, depth, misfits)
