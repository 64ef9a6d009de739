"""How an author makes a frame of codec v2: the moves that matter, in steps as coarse as they allow.

One step serves the whole frame: the magnitude that all but a share of the round's moves stay below. A delta frame
holds what reaches it, rounded towards zero; a key frame holds everything, to the nearest of steps twice as long, so
that neither is further than that magnitude from what its author wanted. The share is its author's own choice.

What a frame leaves out its author keeps for itself: the next training starts from its base plus `CARRIED` of it.
What is kept must be the author's own doing alone. The way to the neighbours that was not gone is wanted anew after
the next mixing; were it kept too, it would count twice and thrice, and the run would be lost (docs/decisions/0021).
Source: Koloskova et al. 2019 (CHOCO-SGD), arXiv:1902.00340, Algorithm 2: public states that follow private ones by
compressed differences; top-k with error feedback, Stich et al. 2018, arXiv:1809.07599.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.codec.delta import (
    DELTA,
    DELTA_FRAME,
    DENSE,
    KEY_FRAME,
    MAX_STEP_BYTE,
    OPEN,
    SKIP,
    SPARSE,
    STEPS,
    WIDE,
    Places,
    Sections,
    most_codes,
    most_wides,
    nibbles_of,
    pack,
)
from ledger.codec.frames import BLOCK, LARGEST_COUNT, MAX_CODE, Quantised, check_inside_grid
from ledger.errors import UsageError
from ledger.exact import GRID_BITS, State, to_float

Vector = NDArray[np.float32]

# Of the values, in a delta frame, where its author names no other.
SENT_SHARE: Final = 0.03
CARRIED: Final = 0.75
_SAMPLE: Final = 1 << 14
# Values at a time, so that what is reckoned in between stays in the cache.
_CHUNK: Final = 1 << 15
# A key frame by an author that does not say how far it came: finer by so much.
_FINER: Final = 16
_KEY_STEPS: Final = 2
_MAX_NIBBLE: Final = 7


def encode_delta(
    vector: Vector,
    previous: State | None = None,
    origin: State | None = None,
    before: State | None = None,
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
    least = _upper_quantile(vector, before if is_key and before is not None else reference, share)
    if is_key:
        least = least // _FINER if before is None else least * _KEY_STEPS
    # The longest step up to that, or the shortest there is.
    byte = max(0, int(np.searchsorted(STEPS, least, "right")) - 1)
    while True:
        codes, wides, state = _codes(vector, reference, int(STEPS[byte]), None if is_key else least)
        payload = _frame(is_key, byte, codes, wides)
        if payload is not None:
            return Quantised(payload, state)
        byte = min(byte + 8, MAX_STEP_BYTE)


def share_for(codec: str, wanted: float | None) -> float:
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


def left_out(wanted: Vector, base: State, state: State, previous: State | None) -> Vector:
    """What a frame's author keeps for itself, (d,), float32: zero where it published all it wanted.

    wanted: the trained model; base: the mixture that training began with, what was kept before not counted; state:
    what the frame decodes to; previous: the last public state, None for a key frame. Where the frame moved a value,
    what it missed; where it did not, what training (the last one's remainder included) made of the base.
    """
    if previous is None:
        return wanted - to_float(state)
    return wanted - to_float(np.where(state == previous, base, state))


def _upper_quantile(vector: Vector, reference: State | None, share: float) -> int:
    """The grid units that all but `share` of the moves from the reference stay below, estimated from a sample."""
    if not vector.size:
        return 0
    # An odd stride, so that the sample does not keep to a few columns of matrices whose widths are even.
    some = slice(None, None, -(-vector.size // _SAMPLE) | 1)
    moves = np.abs(_moves(vector[some], None if reference is None else reference[some]))
    place = min(int(len(moves) * (1 - share)), len(moves) - 1)
    return int(np.partition(moves, place)[place])


def _moves(vector: Vector, reference: State | None) -> State:
    target: State = np.rint(vector * np.float32(1 << GRID_BITS)).astype(np.int32)
    return target if reference is None else target - reference


def _codes(
    vector: Vector, reference: State | None, step: int, least: int | None
) -> tuple[NDArray[np.int8], State, State]:
    """The int8 codes, (d,), the wide ones among them in order, and the state they all make, (d,).

    least: the shortest move that gets a code, rounded towards zero; None for all, rounded to the nearest.
    """
    codes, state = np.empty(vector.size, np.int8), np.empty(vector.size, np.int32)
    wides = [np.empty(0, np.int32)]
    for start in range(0, vector.size, _CHUNK):
        here = slice(start, start + _CHUNK)
        base = None if reference is None else reference[here]
        moves = _moves(vector[here], base)
        scaled = moves * np.float32(1 / step)
        if least is None:
            scaled = np.rint(scaled)
        else:
            scaled *= np.abs(moves) >= least
        found = scaled.astype(np.int32)
        state[here] = found * np.int32(step) if base is None else base + found * np.int32(step)
        # Rounding may go a step beyond the grid.
        if max(int(state[here].max()), -int(state[here].min())) > LARGEST_COUNT:
            beyond = np.sign(found) * (np.abs(state[here]) > LARGEST_COUNT)
            found, state[here] = found - beyond, state[here] - beyond * np.int32(step)
        if max(int(found.max()), -int(found.min())) > MAX_CODE:
            wide = np.abs(found) > MAX_CODE
            wides.append(found[wide])
            found[wide] = WIDE
        codes[here] = found
    return codes, np.concatenate(wides), state


def _frame(is_key: bool, byte: int, codes: NDArray[np.int8], wides: State) -> bytes | None:
    """The payload; None where too many codes are too large for one."""
    if len(wides) > most_wides(codes.size):
        return None
    kind = KEY_FRAME if is_key else DELTA_FRAME
    steps = np.full(-(-codes.size // BLOCK), byte, np.uint8)
    # Measured: gaps are the smaller map up to about a quarter of the values.
    if np.count_nonzero(codes) <= codes.size // 4:
        places = np.flatnonzero(codes)
        return pack(kind, SPARSE, Sections(steps, _gaps_of(places), codes[places], wides))
    is_open = (codes > _MAX_NIBBLE) | (codes < -_MAX_NIBBLE)
    if np.count_nonzero(is_open) > most_codes(codes.size):
        return None
    nibbles = nibbles_of(np.where(is_open, np.int8(OPEN), codes))
    return pack(kind, DENSE, Sections(steps, nibbles, codes[is_open], wides))


def _gaps_of(places: Places) -> NDArray[np.uint8]:
    gaps = np.diff(places, prepend=-1) - 1
    long = np.flatnonzero(gaps >= SKIP)
    skips = gaps[long] // SKIP
    gaps[long] -= skips * SKIP
    return np.insert(gaps.astype(np.uint8), np.repeat(long, skips), np.uint8(SKIP))
