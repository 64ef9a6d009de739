"""Whether a zstd frame is one that every decoder takes, and takes alike (R9.6).

libzstd decodes and is fast, but takes more than RFC 8878 allows, and what it takes depends on its version and on
the processor: where a Huffman stream does not end with its last literal, say. So what it gave is held against the
frame: headers, tables and sequences are read here once more, and from the output follows how many bits each Huffman
stream should have. A frame that passes has one meaning.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ledger.codec.zstd_tables import (
    BackwardBits,
    StateTable,
    count_bits,
    make_states,
    read_distribution,
    read_tree,
    require,
)

# RFC 8878, section 3.1.1.1.2: what every decoder should support.
MAX_WINDOW: Final = 1 << 23
MAX_BLOCK: Final = 1 << 17
# So much of a frame that checking takes no longer than its length warrants.
_BYTES_A_BLOCK: Final = 4096
_BYTES_A_SEQUENCE: Final = 16
_SPARE_SEQUENCES: Final = 16
_MAGIC: Final = 0xFD2FB528
# The extra bits of codes (RFC 8878, 3.1.1.3.2.1.1): the lengths of literals from 16 on, of matches from 32 on.
_LITERAL_WIDTHS: Final = (*[0] * 16, 1, 1, 1, 1, 2, 2, 3, 3, 4, *range(6, 17))
_MATCH_WIDTHS: Final = (*[0] * 32, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, *range(7, 17))
_DEFAULT_SHARES: Final = (
    (6, [4, 3, *[2] * 11, 1, 1, 1, *[2] * 9, 3, 2, 1, 1, 1, 1, 1, *[-1] * 4]),
    (5, [*[1] * 6, 2, 2, 2, *[1] * 15, *[-1] * 5]),
    (6, [1, 4, 3, *[2] * 6, *[1] * 37, *[-1] * 7]),
)
# Of literal lengths, offsets, match lengths: the most bits of a table, and the highest code.
_LIMITS: Final = ((9, 35), (8, 31), (9, 52))


def _bases(first: int, widths: tuple[int, ...]) -> tuple[int, ...]:
    """The least length of each code: every code goes on where the one before ends."""
    found = [first]
    for width in widths[:-1]:
        found.append(found[-1] + (1 << width))
    return tuple(found)


_LITERAL_BASES: Final = _bases(0, _LITERAL_WIDTHS)
_MATCH_BASES: Final = _bases(3, _MATCH_WIDTHS)


@dataclass(frozen=True)
class FrameStart:
    """What a frame's header says."""

    window: int
    """Bytes."""
    blocks: int
    """Where the first block begins."""


@dataclass
class _Known:
    """What blocks inherit from those before them."""

    window: int
    """How far back copies may begin, in bytes."""
    sequences: int
    """How many more the frame may have."""
    lengths: NDArray[np.int64] | None = None
    """The bits of each literal's code, (256,)."""
    tables: list[StateTable | None] = field(default_factory=lambda: [None] * 3)
    """Of literal lengths, offsets, match lengths."""
    repeats: tuple[int, int, int] = (1, 4, 8)
    """The last three offsets, the latest first."""


def read_start(frame: bytes, size: int) -> FrameStart:
    """What the header says. Raises MalformedFrame unless it declares `size` bytes and nothing beyond R9.6."""
    require(_number(frame, 0, 4) == _MAGIC, "does not begin as one: is not zstd")
    descriptor = _number(frame, 4, 1)
    require(descriptor & 0x1F == 0, "has a checksum, a dictionary or a reserved bit")
    is_single, flag, at = bool(descriptor & 32), descriptor >> 6, 5
    window = 0
    if not is_single:
        byte = _number(frame, at, 1)
        window, at = (8 + (byte & 7)) << (byte >> 3) + 7, at + 1
    width = 1 << flag if flag or is_single else 0
    require(width > 0, "declares no size")
    declared = _number(frame, at, width) + (256 if width == 2 else 0)
    window = declared if is_single else window
    require(window <= MAX_WINDOW, f"has a window of {window} bytes, above {MAX_WINDOW}")
    require(declared == size, f"declares {declared} bytes, the layout needs {size}")
    return FrameStart(window, at + width)


def check_blocks(frame: bytes, start: FrameStart, plain: bytes) -> None:
    """Raises MalformedFrame unless the blocks are ones of R9.6. plain: what libzstd made of the frame."""
    most = min(start.window, MAX_BLOCK)
    known = _Known(start.window, _SPARE_SEQUENCES + len(plain) // _BYTES_A_SEQUENCE)
    at, written = start.blocks, 0
    for _ in range(1 + len(plain) // _BYTES_A_BLOCK):
        header = _number(frame, at, 3)
        kind, size, at = header >> 1 & 3, header >> 3, at + 3
        require(kind < 3, "has a block of no kind")
        given = size
        stop = at + (1 if kind == 1 else size)
        require(stop <= len(frame), "is cut off")
        if kind == 2:
            given = _check_block(frame, at, stop, plain, written, known)
            require(size < given, "has a compressed block that is no smaller than what it gives")
        require(given <= most and (given > 0 or not plain), "has a block that gives too much, or nothing")
        at, written = stop, written + given
        if header & 1:
            require(at == len(frame) and written == len(plain), "ends elsewhere than with its last block")
            return
    require(False, "has too many blocks")


def _number(frame: bytes, at: int, width: int) -> int:
    require(at + width <= len(frame), "is cut off")
    return int.from_bytes(frame[at : at + width], "little")


@dataclass(frozen=True)
class _Literals:
    """What a block's first section says."""

    count: int
    end: int
    """Where the section ends."""
    streams: tuple[tuple[int, int, int], ...] = ()
    """Of Huffman streams: from which byte, to which, and how many literals."""


def _check_block(frame: bytes, at: int, stop: int, plain: bytes, written: int, known: _Known) -> int:
    """Check a compressed block. Returns how many bytes it gives."""
    literals = _read_literals(frame, at, stop, known)
    runs, copies = _read_sequences(frame, literals, stop, known, written)
    given = literals.count + sum(copies)
    require(written + given <= len(plain), "holds more than it declares")
    if literals.streams:
        gave = np.frombuffer(plain, np.uint8, given, written)
        if copies:
            # Literals and copies take turns; what literals remain come last.
            turns = np.array([*(one for pair in zip(runs, copies, strict=True) for one in pair), 0], np.int64)
            turns[-1] = given - turns.sum()
            gave = gave[np.repeat(np.arange(len(turns)) % 2 == 0, turns)]
        _check_streams(frame, literals, gave, known)
    return given


def _check_streams(frame: bytes, literals: _Literals, gave: NDArray[np.uint8], known: _Known) -> None:
    """Every Huffman stream ends with its last literal. gave: (literals,)."""
    require(known.lengths is not None, "repeats a tree that there is not")
    lengths = np.take(known.lengths if known.lengths is not None else np.zeros(256, np.int64), gave)
    require(bool(lengths.all()), "gives a literal that its tree does not have")
    first = 0
    for start, stop, count in literals.streams:
        used = int(lengths[first : first + count].sum())
        require(used == count_bits(frame, start, stop), "has a stream that does not end with its last literal")
        first += count


def _read_literals(frame: bytes, at: int, stop: int, known: _Known) -> _Literals:
    first = _number(frame, at, 1)
    kind, form = first & 3, first >> 2 & 3
    if kind < 2:
        width = (1, 2, 1, 3)[form]
        count = _number(frame, at, width) >> (3 if width == 1 else 4)
        end = at + width + (1 if kind == 1 else count)
        require(end <= stop and count <= MAX_BLOCK, "has a block that is cut off")
        return _Literals(count, end)
    width, bits = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
    header = _number(frame, at, width) >> 4
    count, stored = header & (1 << bits) - 1, header >> bits
    at += width
    end = at + stored
    require(end <= stop and stored < count <= MAX_BLOCK, "has literals that are cut off, or not compressed")
    if kind == 2:
        known.lengths, at = read_tree(frame, at, end)
    if form == 0:
        return _Literals(count, end, ((at, end, count),))
    part = count + 3 >> 2
    require(count > 3 * part, "has too few literals for four streams")
    sizes = [_number(frame, at + 2 * one, 2) for one in range(3)]
    starts = [at + 6 + sum(sizes[:one]) for one in range(4)]
    require(starts[3] <= end, "has a stream that is cut off")
    ends = (*starts[1:], end)
    return _Literals(count, end, tuple(zip(starts, ends, (part, part, part, count - 3 * part), strict=True)))


def _read_sequences(
    frame: bytes, literals: _Literals, stop: int, known: _Known, written: int
) -> tuple[list[int], list[int]]:
    """How many literals come before each copy, and how many bytes it copies."""
    at = literals.end
    require(at < stop, "has a block that is cut off")
    count = _number(frame, at, 1)
    at += 1
    if count == 0:
        require(at == stop, "has a block with something behind its literals")
        return [], []
    if count == 255:
        count, at = _number(frame, at, 2) + 0x7F00, at + 2
    elif count > 127:
        count, at = (count - 128 << 8) + _number(frame, at, 1), at + 1
    known.sequences -= count
    require(count > 0 and known.sequences >= 0, "has too many sequences")
    modes = _number(frame, at, 1)
    require(modes & 3 == 0, "has reserved bits")
    at += 1
    for one, mode in enumerate((modes >> 6, modes >> 4 & 3, modes >> 2 & 3)):
        at = _read_table(frame, at, stop, known, one, mode)
    require(at < stop, "has sequences that are cut off")
    return _run_sequences(BackwardBits(frame, at, stop), count, literals.count, known, written)


def _read_table(frame: bytes, at: int, stop: int, known: _Known, one: int, mode: int) -> int:
    """Set a table. Returns where its description ends."""
    most_bits, most_symbol = _LIMITS[one]
    if mode == 0:
        known.tables[one] = _default_table(one)
    elif mode == 1:
        symbol = _number(frame, at, 1)
        require(symbol <= most_symbol, "has a code that there is not")
        known.tables[one], at = StateTable(0, [symbol], [0], [0]), at + 1
    elif mode == 2:
        known.tables[one], at = read_distribution(frame, at, stop, most_bits, most_symbol)
    require(known.tables[one] is not None, "repeats a table that there is not")
    return at


@cache
def _default_table(one: int) -> StateTable:
    return make_states(*_DEFAULT_SHARES[one])


def _run_sequences(
    bits: BackwardBits, count: int, literals: int, known: _Known, written: int
) -> tuple[list[int], list[int]]:
    runs_of, offsets, matches = (table for table in known.tables if table is not None)
    run, back, match = bits.read(runs_of.bits), bits.read(offsets.bits), bits.read(matches.bits)
    runs, copies = [], []
    for one in range(count):
        # Read at once, for the sake of speed; the first in the stream is the highest.
        code, back_width = matches.symbols[match], offsets.symbols[back]
        copy_width, run_code = _MATCH_WIDTHS[code], runs_of.symbols[run]
        run_width = _LITERAL_WIDTHS[run_code]
        extra = bits.read(back_width + copy_width + run_width)
        plain = _LITERAL_BASES[run_code] + (extra & (1 << run_width) - 1)
        extra >>= run_width
        copied = _MATCH_BASES[code] + (extra & (1 << copy_width) - 1)
        offset = _resolve_offset((1 << back_width) + (extra >> copy_width), plain, known)
        written += plain
        # A writer's window reaches no further back either.
        require(offset <= min(written, known.window), "goes back behind its begin or its window")
        literals -= plain
        written += copied
        runs.append(plain)
        copies.append(copied)
        if one < count - 1:
            run_width, copy_width, back_width = runs_of.widths[run], matches.widths[match], offsets.widths[back]
            extra = bits.read(run_width + copy_width + back_width)
            back = offsets.bases[back] + (extra & (1 << back_width) - 1)
            extra >>= back_width
            match = matches.bases[match] + (extra & (1 << copy_width) - 1)
            run = runs_of.bases[run] + (extra >> copy_width)
    require(literals >= 0, "asks for more literals than it has")
    require(bits.left == 0, "has sequences that do not end where they should")
    return runs, copies


def _resolve_offset(value: int, literals: int, known: _Known) -> int:
    """How far back a copy begins; the three last offsets are as they are then."""
    latest, second, third = known.repeats
    if value > 3:
        known.repeats = (value - 3, latest, second)
        return value - 3
    place = value if literals == 0 else value - 1
    back = (latest, second, third, latest - 1)[place]
    require(back > 0, "goes back by nothing")
    known.repeats = (
        (latest, second, third),
        (second, latest, third),
        (third, latest, second),
        (back, latest, second),
    )[place]
    return back
