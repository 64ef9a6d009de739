"""Bytes, changed as damage, haste and malice change them."""

import random
from collections.abc import Callable, Sequence
from typing import Final

LARGEST: Final = 1 << 18
"""No input is longer, in bytes."""
_INTERESTING: Final = (0, 1, 2, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 129, 192, 200, 223, 224, 239, 240, 255)
_WIDTHS: Final = (1, 2, 4, 8)
_TEXTS: Final = (
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\x00",
    b"\r\n",
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"-0",
    b"9" * 400,
    b"%00",
    b"../",
    b"\xe2\x80\xae",
    b"[" * 300,
    b'{"a":' * 300,
    b'"' * 3,
)

Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def mutate_bytes(rng: random.Random, sample: bytes, others: Sequence[bytes]) -> bytes:
    """The sample with one to a few changes. others: of which pieces are taken."""
    found = bytearray(sample)
    for _ in range(min(1 + int(rng.expovariate(0.7)), 8)):
        rng.choice(_CHANGES)(rng, found, others)
        if len(found) > LARGEST:
            del found[LARGEST:]
    return bytes(found)


def _place(rng: random.Random, found: bytearray) -> int:
    """Anywhere, and often near the beginning, where lengths and kinds are."""
    if not found:
        return 0
    return rng.randrange(min(len(found), 48)) if rng.random() < 0.5 else rng.randrange(len(found))


def _flip(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    if found:
        found[_place(rng, found)] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    if found:
        found[_place(rng, found)] = rng.choice(_INTERESTING)


def _add(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    if found:
        at = _place(rng, found)
        found[at] = (found[at] + rng.choice((-2, -1, 1, 2))) & 255


def _write_number(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    """A whole number, as a length or a count may be."""
    width = rng.choice(_WIDTHS)
    most = (1 << 8 * width) - 1
    number = rng.choice((0, 1, most, most >> 1, (most >> 1) + 1, len(found), rng.randrange(most + 1)))
    at = _place(rng, found)
    found[at : at + width] = (number & most).to_bytes(width, rng.choice(("big", "little")))


def _write_varint(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    at = _place(rng, found)
    found[at : at + 1] = b"\xff" * rng.choice((1, 2, 3, 5, 9, 30)) + bytes([rng.choice((0, 1, 0x7F))])


def _cut(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    del found[rng.randrange(len(found) + 1) :]


def _remove(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    at = _place(rng, found)
    del found[at : at + rng.choice((1, 1, 2, 4, 8, 32, 64))]


def _repeat(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    at = _place(rng, found)
    piece = found[at : at + rng.choice((1, 2, 4, 32, 100))]
    found[at:at] = piece * rng.choice((1, 2, 3, 40))


def _insert(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    at = _place(rng, found)
    found[at:at] = rng.choice((rng.choice(_TEXTS), rng.randbytes(rng.choice((1, 2, 8, 64)))))


def _splice(rng: random.Random, found: bytearray, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    start, at = rng.randrange(len(other) + 1), _place(rng, found)
    piece = other[start : start + rng.choice((4, 16, 64, 512, len(other)))]
    found[at : at + (len(piece) if rng.random() < 0.5 else 0)] = piece


def _swap(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    size = rng.choice((1, 4, 20, 32))
    one, other = sorted((_place(rng, found), _place(rng, found)))
    if one + size <= other:
        found[one : one + size], found[other : other + size] = found[other : other + size], found[one : one + size]


def _append(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    found += rng.choice((b"\0", bytes(1000), rng.randbytes(20), b"\xff" * 40))


_CHANGES: Final[tuple[Change, ...]] = (
    *(_flip, _set, _add, _write_number, _write_varint, _cut),
    *(_remove, _repeat, _insert, _splice, _swap, _append),
)
