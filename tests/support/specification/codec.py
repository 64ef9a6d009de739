"""Codec v2's decoder once more, slowly and with nothing but zstd: Python integers and lists. The tests compare."""

import struct
from collections.abc import Sequence

import zstandard

from ledger.codec.zstd_frames import check_blocks, read_start
from ledger.codec.zstd_tables import MalformedFrame

BLOCK = 4096
LARGEST = 127 << 17


class Refused(Exception):
    """The frame is malformed."""


def require(fact: bool) -> None:
    if not fact:
        raise Refused


def step_of(byte: int) -> int:
    require(byte <= 183)
    return ((8 + byte % 8) << byte // 8) // 8


def section(stored: bytes, size: int) -> bytes:
    require(len(stored) <= size)
    if len(stored) == size:
        return stored
    try:
        plain = zstandard.ZstdDecompressor().decompress(stored, max_output_size=size, allow_extra_data=False)
        # The page's reader is the other implementation of what a zstd frame may be: tests/node/page/test_reader.py.
        check_blocks(stored, read_start(stored, size), plain)
    except (zstandard.ZstdError, MalformedFrame):
        raise Refused from None
    return plain


def blocks(sizes: Sequence[int]) -> list[int]:
    """The block that each value of tensors of these sizes lies in."""
    found: list[int] = []
    for size in sizes:
        first = found[-1] + 1 if found else 0
        found += [first + place // BLOCK for place in range(size)]
    return found


def lengths_of(payload: bytes) -> tuple[list[int], int]:
    """The header's seven lengths, and where they end."""
    lengths: list[int] = []
    digits: list[int] = []
    for at, byte in enumerate(payload[1:], start=1):
        digits.append(byte % 128)
        require(len(digits) <= 4)
        if byte < 128:
            require(byte > 0 or len(digits) == 1)
            lengths.append(sum(digit * 128**place for place, digit in enumerate(digits)))
            digits = []
        if len(lengths) == 7:
            return lengths, at + 1
    raise Refused


def decode(
    payload: bytes, sizes: Sequence[int], previous: Sequence[int] | None, origin: Sequence[int] | None
) -> list[int]:
    parameters, block = sum(sizes), blocks(sizes)
    require(len(payload) > 0 and payload[0] < 4)
    kind, layout = payload[0] % 2, payload[0] // 2
    lengths, start = lengths_of(payload)
    raw = [len(set(block)), *lengths[:3]]
    stored = lengths[3:]
    require(len(payload) == start + sum(stored))
    require(kind == 0 or previous is not None)
    if layout == 1:
        require(raw[1] <= parameters // 4 + parameters // 255 + 1 and raw[2] <= raw[1])
    else:
        require(raw[1] == (parameters + 1) // 2 and raw[2] <= parameters // 2)
    require(raw[3] % 4 == 0 and raw[3] <= 4 * (8 + parameters // 1024))
    sections = []
    for size, held in zip(raw, stored, strict=True):
        sections.append(section(payload[start : start + held], size))
        start += held
    steps = [step_of(byte) for byte in sections[0]]
    codes = [byte - 256 if byte > 127 else byte for byte in sections[2]]
    wides = [number for (number,) in struct.iter_unpack("<i", sections[3])]
    if layout == 1:
        places = gaps_to_places(sections[1])
    else:
        places, codes = list(range(parameters)), nibbles_to_codes(sections[1], codes, parameters)
    require(len(places) == len(codes) and codes.count(-128) == len(wides))
    require(not places or places[-1] < parameters)
    state = list((origin if kind == 0 else previous) or [0] * parameters)
    for place, code in zip(places, codes, strict=True):
        is_wide = code == -128
        move = (wides.pop(0) if is_wide else code) * steps[block[place]]
        require(not is_wide or abs(move) <= 2 * LARGEST)
        state[place] += move
        require(abs(state[place]) <= LARGEST)
    return state


def gaps_to_places(gaps: bytes) -> list[int]:
    places, at = [], 0
    for gap in gaps:
        at += gap
        if gap != 255:
            places.append(at)
            at += 1
    require(not gaps or gaps[-1] != 255)
    return places


def nibbles_to_codes(nibbles: bytes, codes: Sequence[int], parameters: int) -> list[int]:
    halves = [half for byte in nibbles for half in (byte % 16, byte // 16)]
    require(not any(halves[parameters:]))
    found = [half - 16 if half > 7 else half for half in halves[:parameters]]
    require(found.count(-8) == len(codes))
    rest = iter(codes)
    return [next(rest) if code == -8 else code for code in found]
