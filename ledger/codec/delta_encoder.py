"""How an author makes a frame of codec v2: the moves that matter, in steps as coarse as they allow.

All tensors have one step: the magnitude that all but a share of the round's moves stay below. Only a tensor of
which that would send less than half of its share has a finer one of its own, so that none falls silent because
another moves further. A delta frame holds what reaches its tensor's step, rounded towards zero; a key frame holds
everything, to the nearest of steps twice as long, so that neither is further than that magnitude from what its
author wanted. The share is its author's own choice.

What a frame leaves out its author keeps for itself: the next training starts from its base plus `RESIDUAL_SHARE` of
it. What is kept must be the author's own doing alone. The way to the neighbours that was not gone is wanted anew
after the next mixing; were it kept too, it would count twice and thrice, and the run would be lost
(docs/decisions/0021).
Source: Koloskova et al. 2019 (CHOCO-SGD), arXiv:1902.00340, Algorithm 2: public states that follow private ones by
compressed differences; top-k with error feedback, Stich et al. 2018, arXiv:1809.07599.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GRID_BITS, GridState, to_float
from ledger.codec.blocks import BLOCK, Blocks
from ledger.codec.delta import (
    DELTA,
    MAX_STEP_BYTE,
    OPEN,
    SKIP,
    STEPS,
    WIDE,
    Places,
    Sections,
    most_codes,
    most_own_wides,
    most_wides,
    nibbles_of,
    pack,
)
from ledger.codec.frames import LARGEST_COUNT, MAX_CODE, Quantised, check_inside_grid
from ledger.codec.header import DELTA_FRAME, DENSE, KEY_FRAME, SPARSE
from ledger.errors import UsageError

Vector = NDArray[np.float32]

# Of the values, in a delta frame, where its author names no other.
SENT_SHARE: Final = 0.03
RESIDUAL_SHARE: Final = 0.75
# Of the share, what every tensor sends of its own values whatever the others do; see docs/decisions/0026.
_OWN_PART: Final = 0.5
# A tensor's own step need be no finer than such a part of the furthest move in it.
_FINEST_PART: Final = 16
_SAMPLE: Final = 1 << 14
# Of every tensor, where it has so many values.
_TENSOR_SAMPLE: Final = 1 << 10
# A prime near 2**32 times the golden ratio's fraction: its multiples, in any modulus, lie evenly.
_SCATTER: Final = 2_654_435_761
# Values at a time, so that what is reckoned in between stays in the cache.
_CHUNK: Final = 1 << 15
# A key frame by an author that does not say how far it came: finer by so much.
_FINER: Final = 16
_KEY_STEPS: Final = 2
_MAX_NIBBLE: Final = 7
_OCTAVE: Final = 8

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class _Plan:
    """What an author has decided on."""

    is_key: bool
    """The frame's kind."""
    leasts: Counts
    """Of each tensor the shortest move that a delta frame sends, (tensors,)."""
    bytes: Counts
    """Of each tensor its step, as an index of STEPS, (tensors,)."""


@dataclass(frozen=True)
class _Coded:
    """A state as codes."""

    codes: NDArray[np.int8]
    """(d,)."""
    wides: GridState
    """The codes that one byte does not hold, in order."""
    state: GridState
    """What the codes make, (d,)."""


def encode_delta(
    vector: Vector,
    blocks: Blocks,
    previous: GridState | None = None,
    origin: GridState | None = None,
    before: GridState | None = None,
    share: float = SENT_SHARE,
) -> Quantised:
    """Encode a flat vector, (d,), float32. Raises OutsideGrid on values that no frame can hold.

    previous: the author's last public state; None for a key frame. origin: the genesis, what a key frame refers to;
    None for zeros. before: for a key frame, the base that the author's round began with: how far training came from
    there says how fine the frame must be. All (d,), int32. share: of the values, above 0, at most 1,
    that a delta frame changes; a key frame's steps follow from it too. Whoever decodes need not know it.
    """
    check_inside_grid(vector)
    is_key = previous is None
    reference = origin if is_key else previous
    leasts = _least_moves(vector, before if is_key and before is not None else reference, blocks, share)
    if is_key:
        leasts = leasts // _FINER if before is None else leasts * _KEY_STEPS
    # The longest step up to that, or the shortest there is.
    plan = _Plan(is_key, leasts, np.maximum(np.searchsorted(STEPS, leasts, "right") - 1, 0))
    while True:
        coded = _encode_codes(vector, reference, blocks, plan)
        payload = _pack_frame(plan, blocks, coded)
        if payload is not None:
            return Quantised(payload, coded.state)
        plan = _coarsen(plan, blocks, coded)


def choose_share(codec: str, wanted: float | None) -> float:
    """The share of values that an author sends: the one it wants, or the default for None.

    Raises UsageError outside what can be sent, and where the codec leaves no choice.
    """
    if wanted is None:
        return SENT_SHARE
    if codec != DELTA:
        raise UsageError(f"a sent share is for codec {DELTA!r} alone, not for {codec[:20]!r}: leave it out")
    if not 0 < wanted <= 1:
        raise UsageError(f"sent share is {wanted:g}: give a number above 0, at most 1, e.g. 0.1")
    return wanted


def compute_residual(
    wanted: Vector, base: GridState | None, state: GridState, previous: GridState | None
) -> Vector:
    """What a frame's author keeps for itself, (d,), float32: zero where it published all it wanted.

    wanted: the trained model; base: the mixture that training began with, what was kept before not counted; state:
    what the frame decodes to; previous: the last public state, None for a key frame. Where the frame moved a value,
    what it missed; where it did not, what training (the last one's remainder included) made of the base, which only
    then has to be given.
    """
    if previous is None:
        return wanted - to_float(state)
    assert base is not None
    return wanted - to_float(np.where(state == previous, base, state))


def _least_moves(vector: Vector, reference: GridState | None, blocks: Blocks, share: float) -> Counts:
    """For each tensor the shortest move worth sending, in grid units, (tensors,), estimated from a sample.

    One length serves all: what `share` of all moves reach. A tensor of which fewer than its own part reach it has
    the length that this part of its own moves reach, or a part of its furthest one where hardly any of it moves.
    """
    samples = list(_draw_samples(vector, reference, blocks))
    own = np.array([_own_least(sample, share * _OWN_PART) for sample, _ in samples], np.int64)
    wanted = blocks.state_size - int(blocks.state_size * (1 - share))
    moves = np.concatenate([sample for sample, _ in samples]) if samples else np.empty(0, np.int32)
    counts = np.array([len(sample) for sample, _ in samples], np.intp)
    weights = np.repeat([weight for _, weight in samples], counts)
    is_own = moves >= np.repeat(own, counts)
    left = wanted - float(weights[is_own & (moves > 0)].sum())
    is_rest = ~is_own & (moves > 0)
    if left <= 0 or not is_rest.any():
        return own
    rest, weights = moves[is_rest], weights[is_rest]
    order = np.argsort(rest)[::-1]
    reached = np.searchsorted(np.cumsum(weights[order]), left * (1 - 1e-9))
    least: Counts = np.minimum(own, rest[order[min(int(reached), len(order) - 1)]])
    return least


def _draw_samples(vector: Vector, reference: GridState | None, blocks: Blocks) -> Iterator[tuple[GridState, float]]:
    """Of each tensor some values' moves, and how many values each of them stands for."""
    for here in blocks.tensors:
        size = here.stop - here.start
        count = min(size, max(_TENSOR_SAMPLE, size * _SAMPLE // max(1, vector.size)))
        # Scattered: equal strides would keep to a few columns of a matrix.
        some = here if count == size else here.start + np.arange(count) * _SCATTER % size
        moves = np.abs(_compute_moves(vector[some], None if reference is None else reference[some]))
        yield moves, size / max(1, count)


def _own_least(moves: GridState, share: float) -> int:
    """The length that this share of a tensor's moves reach, at least one of them. moves: (n,), from 0."""
    if not len(moves):
        return 0
    place = min(int(len(moves) * (1 - share)), len(moves) - 1)
    return max(int(np.partition(moves, place)[place]), int(moves.max()) // _FINEST_PART)


def _compute_moves(vector: Vector, reference: GridState | None) -> GridState:
    target: GridState = np.rint(vector * np.float32(1 << GRID_BITS)).astype(np.int32)
    return target if reference is None else target - reference


def _encode_codes(vector: Vector, reference: GridState | None, blocks: Blocks, plan: _Plan) -> _Coded:
    codes, state = np.empty(vector.size, np.int8), np.empty(vector.size, np.int32)
    wides = [np.empty(0, np.int32)]
    for here, step, least in _runs(blocks, plan):
        base = None if reference is None else reference[here]
        found, state[here] = _take_steps(vector[here], base, step, None if plan.is_key else least)
        if max(int(found.max()), -int(found.min())) > MAX_CODE:
            wide = np.abs(found) > MAX_CODE
            wides.append(found[wide])
            found[wide] = WIDE
        codes[here] = found
    return _Coded(codes, np.concatenate(wides), state)


def _runs(blocks: Blocks, plan: _Plan) -> Iterator[tuple[slice, int, int]]:
    """Up to `_CHUNK` values of one step at a time: where, the step, the shortest move that a delta frame sends."""
    alike: list[tuple[int, int, int, int]] = []
    for here, byte, least in zip(blocks.tensors, plan.bytes.tolist(), plan.leasts.tolist(), strict=True):
        if alike and alike[-1][2:] == (byte, least):
            alike[-1] = (alike[-1][0], here.stop, byte, least)
        else:
            alike.append((here.start, here.stop, byte, least))
    for start, stop, byte, least in alike:
        for chunk in range(start, stop, _CHUNK):
            yield slice(chunk, min(chunk + _CHUNK, stop)), int(STEPS[byte]), least


def _take_steps(
    vector: Vector, base: GridState | None, step: int, least: int | None
) -> tuple[GridState, GridState]:
    """How many steps each value goes, and where to. All (n,).

    least: the shortest move that goes any, rounded towards zero; None for all, rounded to the nearest.
    """
    moves = _compute_moves(vector, base)
    scaled = moves * np.float32(1 / step)
    if least is None:
        scaled = np.rint(scaled)
    else:
        scaled *= np.abs(moves) >= least
    found = scaled.astype(np.int32)
    state = found * np.int32(step) if base is None else base + found * np.int32(step)
    # Rounding may go a step beyond the grid.
    if max(int(state.max()), -int(state.min())) > LARGEST_COUNT:
        beyond = np.sign(found) * (np.abs(state) > LARGEST_COUNT)
        found, state = found - beyond, state - beyond * np.int32(step)
    return found, state


def _pack_frame(plan: _Plan, blocks: Blocks, coded: _Coded) -> bytes | None:
    """The payload; None where too many codes are too large for one."""
    codes, wides = coded.codes, coded.wides
    if len(wides) > most_wides(codes.size):
        return None
    kind = KEY_FRAME if plan.is_key else DELTA_FRAME
    steps = np.repeat(plan.bytes.astype(np.uint8), [-(-size // BLOCK) for size in blocks.sizes])
    # Measured: gaps are the smaller map up to about a quarter of the values.
    if np.count_nonzero(codes) <= codes.size // 4:
        places = np.flatnonzero(codes)
        return pack(kind, SPARSE, Sections(steps, _gaps_of(places), codes[places], wides))
    is_open = _open(codes)
    if np.count_nonzero(is_open) > most_codes(codes.size):
        return None
    nibbles = nibbles_of(np.where(is_open, np.int8(OPEN), codes))
    return pack(kind, DENSE, Sections(steps, nibbles, codes[is_open], wides))


def _open(codes: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which codes four bits do not hold."""
    return (codes > _MAX_NIBBLE) | (codes < -_MAX_NIBBLE)


def _coarsen(plan: _Plan, blocks: Blocks, coded: _Coded) -> _Plan:
    """Steps twice as long for the tensors that have more than their part of what a frame may hold of large codes.

    Where a frame holds too many there is such a tensor, so this ends: with the longest steps no code is large.
    """
    is_large, most = (
        (coded.codes == WIDE, most_own_wides)
        if len(coded.wides) > most_wides(blocks.state_size)
        else (_open(coded.codes), most_codes)
    )
    too_many = [np.count_nonzero(is_large[here]) > most(here.stop - here.start) for here in blocks.tensors]
    longer = np.minimum(plan.bytes + _OCTAVE, MAX_STEP_BYTE)
    return _Plan(plan.is_key, plan.leasts, np.where(too_many, longer, plan.bytes))


def _gaps_of(places: Places) -> NDArray[np.uint8]:
    gaps = np.diff(places, prepend=-1) - 1
    long = np.flatnonzero(gaps >= SKIP)
    skips = gaps[long] // SKIP
    gaps[long] -= skips * SKIP
    return np.insert(gaps.astype(np.uint8), np.repeat(long, skips), np.uint8(SKIP))
