"""Codec v2: a frame holds how far a state is from one that its reader has.

    payload  = header ‖ steps ‖ map ‖ codes ‖ wides
    header   kind, layout, and how long the sections are: ledger.codec.header
    steps    one byte a block (ledger.codec.blocks): step = (8 + (byte & 7)) << (byte >> 3) >> 3, byte in 0..183
    map      dense (layout 0): four bits a value, the lower half of a byte first, −7..7: its code; −8: see codes
             sparse (layout 1): before each value that changes, how many stay as they are; 255: so many, and no code
    codes    one int8 for each value that the map leaves open; −128: see wides
    wides    one int32, little-endian, for each code that one byte does not hold
    value    = reference + code · step, on the grid

A section whose stored and raw bytes are equal is stored as it is, else it is one zstd frame. The reference of a key
frame (kind 0) is the circle's genesis, which everybody has; that of a delta frame (kind 1) is its author's previous
public state, so a reader needs all frames since the last key frame. Decoding is integer and exact; how a frame is
made (ledger.codec.delta_encoder) is its author's affair.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.codec.blocks import Blocks
from ledger.codec.frames import LARGEST_COUNT, compress, decompress
from ledger.codec.header import DELTA_FRAME, DENSE, KEY_FRAME, SPARSE, FrameHeader, read_header
from ledger.codec.zstd_tables import MalformedFrame

DELTA: Final = "delta"
# 7 of the longest steps reach from one end of the grid to the other: there is a frame for every state.
MAX_STEP_BYTE: Final = 22 << 3 | 7
STEPS: Final = np.array([(8 + (b & 7)) << (b >> 3) >> 3 for b in range(MAX_STEP_BYTE + 1)], np.int32)
SKIP: Final = 255
OPEN: Final = -8
WIDE: Final = -128
_NIBBLES: Final = np.array(
    [[(nibble + 8 & 15) - 8 for nibble in (byte & 15, byte >> 4)] for byte in range(256)], np.int8
)
# Sections repeat nothing, so zstd has only their unevenness to use: levels 1 to 6 give the same size within 2 %.
_ZSTD_LEVEL: Final = 1

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Sections:
    """What a frame holds, uncompressed, each of one dimension."""

    steps: NDArray[np.uint8]
    """(tensors,): each tensor's step, as an index of STEPS."""
    map: NDArray[np.uint8]
    """Which values change, and by how much or how far apart, see R9.4."""
    codes: NDArray[np.int8]
    """The codes that the map leaves open."""
    wides: GridState
    """(n,), int32: the codes that one byte does not hold."""


def is_key(payload: bytes) -> bool:
    """Whether the frame decodes without its author's previous state. Raises MalformedFrame if it does not say."""
    return read_header(payload)[0].kind == KEY_FRAME


def read_sections(payload: bytes, blocks: Blocks) -> Sections:
    """What a frame holds, its sizes checked. Raises MalformedFrame."""
    return _read_sections(payload, *read_header(payload), blocks)


def most_wides(state_size: int) -> int:
    """How many codes of a frame may be wide; so few that every frame fits max_payload_bytes."""
    return 8 + most_own_wides(state_size)


def most_own_wides(size: int) -> int:
    """How many of them are a tensor's own part, of so many values."""
    return size // 1024


def most_gaps(state_size: int) -> int:
    """How many bytes a sparse frame's map may have; with more of them the dense layout is smaller."""
    return state_size // 4 + state_size // SKIP + 1


def most_codes(state_size: int) -> int:
    """How many codes a dense frame's map may leave open; so few that every frame fits max_payload_bytes."""
    return state_size // 2


def nibbles_of(codes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """A dense map. codes: (n,), −8..7. Returns ((n + 1) // 2,)."""
    even = np.append(codes, np.int8(0)) if len(codes) % 2 else codes
    pairs = even.view(np.uint8).reshape(-1, 2)
    found: NDArray[np.uint8] = pairs[:, 0] & np.uint8(15) | pairs[:, 1] << np.uint8(4)
    return found


def pack(kind: int, layout: int, sections: Sections) -> bytes:
    """The frame of these sections, not checked."""
    raw = [
        sections.steps.tobytes(),
        sections.map.tobytes(),
        sections.codes.tobytes(),
        sections.wides.astype("<i4").tobytes(),
    ]
    stored = [min(section, compress(section, _ZSTD_LEVEL), key=len) for section in raw]
    header = FrameHeader(kind, layout, len(raw[1]), len(raw[2]), len(raw[3]), tuple(map(len, stored)))
    return header.encode() + b"".join(stored)


def decode_delta(
    payload: bytes, blocks: Blocks, previous: GridState | None = None, origin: GridState | None = None
) -> GridState:
    """The state a frame holds, (d,), int32. Raises MalformedFrame; allocates only what was agreed (R9.4).

    previous: its author's last public state, read by delta frames alone. origin: the genesis, read by key frames
    alone; None for zeros. Both (d,), int32, left as they are.
    """
    header, size = read_header(payload)
    reference = origin if header.kind == KEY_FRAME else previous
    if header.kind == DELTA_FRAME and reference is None:
        raise MalformedFrame("a delta frame stands where there is nothing it could be relative to")
    state_size = blocks.state_size
    sections = _read_sections(payload, header, size, blocks)
    steps = STEPS[sections.steps]
    if header.layout == DENSE:
        state = _compute_moves(
            _read_dense_codes(sections, state_size), sections.wides, np.repeat(steps, blocks.lengths)
        )
        if reference is not None:
            state += reference
        _check_inside_grid(state)
        return state
    state = np.zeros(state_size, np.int32) if reference is None else reference.copy()
    places = _read_places(sections, state_size)
    # The places ascend, so counting them block by block says which step each has.
    held = np.diff(np.searchsorted(places, blocks.ends), prepend=0)
    values = state[places] + _compute_moves(sections.codes, sections.wides, np.repeat(steps, held))
    _check_inside_grid(values)
    state[places] = values
    return state


def _read_sections(payload: bytes, header: FrameHeader, start: int, blocks: Blocks) -> Sections:
    """All that the header declares is checked before any of it is decompressed. start: where the sections begin."""
    state_size, is_sparse = blocks.state_size, header.layout == SPARSE
    if header.map > most_gaps(state_size) if is_sparse else header.map != (state_size + 1) // 2:
        raise MalformedFrame(f"a map of {header.map} bytes does not go with {state_size} parameters")
    if header.codes > (header.map if is_sparse else most_codes(state_size)):
        raise MalformedFrame(f"{header.codes} codes are too many for {state_size} parameters and this map")
    if header.wides % 4 or header.wides > 4 * most_wides(state_size):
        raise MalformedFrame(f"{header.wides} bytes of wide codes are not up to {most_wides(state_size)} int32")
    sizes = (blocks.count, header.map, header.codes, header.wides)
    if any(stored > size for stored, size in zip(header.stored, sizes, strict=True)):
        raise MalformedFrame(f"sections of {sizes} bytes are stored in more, {header.stored}")
    raw = []
    for stored, size in zip(header.stored, sizes, strict=True):
        section = payload[start : start + stored]
        raw.append(section if stored == size else decompress(section, size))
        start += stored
    steps = np.frombuffer(raw[0], np.uint8)
    if int(steps.max(initial=0)) > MAX_STEP_BYTE:
        raise MalformedFrame(f"a block's step {int(steps.max())} is above {MAX_STEP_BYTE}")
    map_, codes = np.frombuffer(raw[1], np.uint8), np.frombuffer(raw[2], np.int8)
    return Sections(steps, map_, codes, np.frombuffer(raw[3], "<i4").astype(np.int32))


def _read_dense_codes(sections: Sections, state_size: int) -> NDArray[np.int8]:
    """The code of every value, (parameters,). Raises MalformedFrame unless what the map leaves open is there."""
    both = np.take(_NIBBLES, sections.map, axis=0).reshape(-1)
    if both[state_size:].any():
        raise MalformedFrame("the map goes on behind the last value")
    codes: NDArray[np.int8] = both[:state_size]
    places = np.flatnonzero(codes == OPEN)
    if len(places) != len(sections.codes):
        raise MalformedFrame(f"the map leaves {len(places)} values open, {len(sections.codes)} codes are there")
    codes[places] = sections.codes
    return codes


def _read_places(sections: Sections, state_size: int) -> Places:
    """Which values change, ascending. Raises MalformedFrame unless there is one for each code, inside the state."""
    gaps, codes = sections.map, len(sections.codes)
    holds_code = gaps != SKIP
    if np.count_nonzero(holds_code) != codes or (len(gaps) and gaps[-1] == SKIP):
        raise MalformedFrame(f"the map does not end in as many values as there are codes, {codes}")
    ends: Places = np.cumsum(gaps + holds_code.astype(np.intp))
    if len(ends) and int(ends[-1]) > state_size:
        raise MalformedFrame(f"the map reaches to value {int(ends[-1])} of {state_size}")
    places: Places = ends[holds_code] - 1
    return places


def _compute_moves(codes: NDArray[np.int8], wides: GridState, steps: GridState) -> GridState:
    """Code times step, each (n,). Raises MalformedFrame unless every wide has its place and stays near the grid."""
    moves = codes * steps
    places = np.flatnonzero(codes == WIDE)
    if len(places) != len(wides):
        raise MalformedFrame(f"{len(wides)} wide codes stand for {len(places)} places")
    wide = wides.astype(np.int64) * steps[places]
    if len(wide) and int(np.abs(wide).max()) > 2 * LARGEST_COUNT:
        raise MalformedFrame("a wide code leaves the grid")
    moves[places] = wide
    return moves


def _check_inside_grid(state: GridState) -> None:
    if state.size and max(int(state.max()), -int(state.min())) > LARGEST_COUNT:
        raise MalformedFrame("a value is outside the grid")
