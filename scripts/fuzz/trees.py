"""Values of msgpack and JSON, changed node by node, and written by encoders that write anything.

A tree is None, bool, int, float, str, bytes, a list, a `Pairs`, or `Raw`: bytes that are written as they are.
"""

import math
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

_DEEP: Final = 3000
_NUMBERS: Final = (
    *(0, 1, -1, 2, 20, 32, 127, 128, 255, 256, 257, 65535, 65536, -128, -32769),
    *((1 << 31) - 1, 1 << 31, 1 << 32, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63)),
)
_HUGE: Final = (1 << 64, -(1 << 64), (1 << 256) - 1, 1 << 256, 10**400)
_FLOATS: Final = (0.5, -0.0, 1e300, -1e300, 5e-324, math.nan, math.inf, -math.inf, 1e15, 2.0**53)
_TEXTS: Final = (
    *("", "0x", "0x0", "0X1", "0x" + "f" * 64, "0x" + "f" * 65, "0x" + "0" * 40, "-0x1", "1_000", "\u0661", "null"),
    *("latest", "pending", "earliest", "\x00", "\x1b[2J", "\u202e", "a" * 5000, "\U0001f600" * 40, "NaN", "1e999"),
    *("../../etc/passwd", "<b>", "%s%n", "wss://[::1]:1 http://h:1", "int8", "delta", "tether", "accepted"),
)
_RAW_MSGPACK: Final = (
    *(b"\xc1", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\x7f\xff\xff\xff"),
    *(b"\xa2\xff\xfe", b"\xa3\xed\xa0\x80", b"\xd6\xff\x00\x00\x00\x00", b"\xc7\x00\x01", b"\xca\x7f\xc0\x00\x00"),
    *(b"\x91" * _DEEP, b"\x81\xa1a" * _DEEP, b"\xdc\xff\xff", b"\xd7\xff" + b"\xff" * 8, b""),
)
_RAW_JSON: Final = (
    *(b"NaN", b"Infinity", b"1e999", b"-", b"01", b"9" * 5000, b"1." + b"3" * 5000, b'"\\ud800"', b'"\xff"'),
    *(b"[" * _DEEP, b"[" * 150 + b"]" * 150, b'{"a":' * _DEEP, b'"' + b"\\u0000" * 50 + b'"', b"//", b""),
    *(b"-0", b"1e5", b"0.0", b'"\\', b"tru"),
)


class Pairs(list[tuple[Any, Any]]):
    """A map's entries in order; a key may be there twice."""


class Raw(bytes):
    """Bytes for the encoder to write as they are."""


def to_tree(value: Any) -> Any:
    """Plain values, as a decoder gives them, as a tree."""
    if isinstance(value, dict):
        return Pairs((key, to_tree(one)) for key, one in value.items())
    if isinstance(value, list | tuple):
        return [to_tree(one) for one in value]
    return value


def mutate_tree(rng: random.Random, tree: Any, *, is_json: bool) -> Any:
    """A tree with one to three of its nodes changed. The one that is given stays as it is."""
    tree = _copy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = [*_walk(tree)]
        if not places or rng.random() < 0.02:
            tree = _choose_value(rng, tree, is_json)
            continue
        holder, at = rng.choice(places)
        if rng.random() < 0.65:
            _put(holder, at, _choose_value(rng, _get(holder, at), is_json))
        else:
            rng.choice(_SHAPES)(rng, holder, at)
    return tree


def _copy(tree: Any) -> Any:
    if isinstance(tree, Pairs):
        return Pairs((key, _copy(one)) for key, one in tree)
    return [_copy(one) for one in tree] if isinstance(tree, list) else tree


def _walk(tree: Any) -> Iterator[tuple[Any, int]]:
    """Each holder with each place in it."""
    if isinstance(tree, list):
        for at, one in enumerate(tree):
            yield tree, at
            yield from _walk(one[1] if isinstance(tree, Pairs) else one)


def _get(holder: Any, at: int) -> Any:
    return holder[at][1] if isinstance(holder, Pairs) else holder[at]


def _put(holder: Any, at: int, value: Any) -> None:
    holder[at] = (holder[at][0], value) if isinstance(holder, Pairs) else value


def _choose_value(rng: random.Random, now: Any, is_json: bool) -> Any:
    """Something else of the same kind, mostly; else anything."""
    if rng.random() < 0.6:
        if isinstance(now, bool):
            return not now
        if isinstance(now, int):
            return rng.choice((now + 1, now - 1, -now, now * 2, now ^ 1 << rng.randrange(64), rng.choice(_NUMBERS)))
        if isinstance(now, float):
            return rng.choice((-now, now * 1e6, rng.choice(_FLOATS)))
        if isinstance(now, str):
            return _change_text(rng, now)
        if isinstance(now, bytes):
            return rng.choice((now[:-1], now + b"\0", b"", now * 2, rng.randbytes(len(now)), _flip(rng, now)))
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: rng.choice(_NUMBERS),
        lambda: rng.choice(_HUGE),
        lambda: rng.choice(_FLOATS),
        lambda: rng.choice(_TEXTS),
        lambda: rng.choice((None, True, False, [], Pairs(), [[]], [None] * 300)),
        lambda: rng.randbytes(rng.choice((0, 1, 20, 32, 65, 3000))),
        lambda: Raw(rng.choice(_RAW_JSON if is_json else _RAW_MSGPACK)),
    )
    return rng.choice(kinds)()


def _change_text(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return rng.choice(
        (
            rng.choice(_TEXTS),
            text[:at],
            text[:at] + rng.choice("\x00 .0x-%'\"é\u202e\ud800\n") + text[at:],
            text[:at] + rng.choice("0123456789abcdefg:/[]@") + text[at + 1 :],
            text.swapcase(),
            text + text,
        )
    )


def _flip(rng: random.Random, data: bytes) -> bytes:
    found = bytearray(data or b"\0")
    found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


# What may happen to the shape of a list or a map at a place.


def _drop(_: random.Random, holder: Any, at: int) -> None:
    del holder[at]


def _double(rng: random.Random, holder: Any, at: int) -> None:
    holder[at:at] = [_copy(holder[at]) if not isinstance(holder, Pairs) else holder[at]] * rng.choice(
        (1, 1, 2, 300)
    )


def _swap(rng: random.Random, holder: Any, at: int) -> None:
    other = rng.randrange(len(holder))
    holder[at], holder[other] = holder[other], holder[at]


def _wrap(_: random.Random, holder: Any, at: int) -> None:
    _put(holder, at, [_get(holder, at)])


def _lengthen(rng: random.Random, holder: Any, _: int) -> None:
    value = rng.choice((None, 0, "", b"", -1))
    holder.append((rng.choice(("", "x", "version", "name")), value) if isinstance(holder, Pairs) else value)


def _rename(rng: random.Random, holder: Any, at: int) -> None:
    if isinstance(holder, Pairs):
        key = holder[at][0]
        holder[at] = (rng.choice((_change_text(rng, str(key)), 1, None, "")), holder[at][1])


_SHAPES: Final = (_drop, _double, _swap, _wrap, _lengthen, _rename)


def encode_json(tree: Any) -> bytes:
    """JSON, or what is left of it."""
    if isinstance(tree, Raw):
        return bytes(tree)
    if isinstance(tree, Pairs):
        return b"{" + b",".join(_encode_key(key) + b":" + encode_json(one) for key, one in tree) + b"}"
    if isinstance(tree, list):
        return b"[" + b",".join(map(encode_json, tree)) + b"]"
    if isinstance(tree, bytes):
        return b'"0x' + tree.hex().encode() + b'"'
    if isinstance(tree, str):
        return _encode_text(tree)
    if isinstance(tree, float) or (isinstance(tree, int) and not isinstance(tree, bool)):
        return str(tree).encode()
    return {None: b"null", True: b"true", False: b"false"}[tree]


def _encode_key(key: Any) -> bytes:
    return _encode_text(key if isinstance(key, str) else str(key))


def _encode_text(text: str) -> bytes:
    try:
        return msgspec.json.encode(text)
    except UnicodeEncodeError:
        return b'"' + text.encode("utf-8", "surrogatepass").replace(b'"', b"") + b'"'


def encode_msgpack(tree: Any) -> bytes:
    """msgpack, or what is left of it; an integer above 64 bits is an extension's bytes."""
    if isinstance(tree, Raw):
        return bytes(tree)
    if isinstance(tree, Pairs):
        return _head(len(tree), 0x80, 0xDE) + b"".join(
            encode_msgpack(key) + encode_msgpack(one) for key, one in tree
        )
    if isinstance(tree, list):
        return _head(len(tree), 0x90, 0xDC) + b"".join(map(encode_msgpack, tree))
    if isinstance(tree, str):
        encoded = tree.encode("utf-8", "surrogatepass")
        return b"\xdb" + struct.pack(">I", len(encoded)) + encoded
    if isinstance(tree, int) and not -(1 << 63) <= tree < 1 << 64:
        raw = (abs(tree) & (1 << 256) - 1).to_bytes(32, "big")
        return b"\xc7\x20\x01" + raw
    return msgspec.msgpack.encode(tree)


def _head(count: int, short: int, long: int) -> bytes:
    return bytes([short | count]) if count < 16 else bytes([long]) + struct.pack(">H", min(count, 65535))


def mutate_json(rng: random.Random, sample: bytes, _: Sequence[bytes]) -> bytes:
    """JSON with some of its values changed."""
    return encode_json(mutate_tree(rng, to_tree(msgspec.json.decode(sample)), is_json=True))


def mutate_msgpack(rng: random.Random, sample: bytes, _: Sequence[bytes]) -> bytes:
    """A blob's four bytes and msgpack behind them, of which some values are changed."""
    return sample[:4] + mutate_plain_msgpack(rng, sample[4:], _)


def mutate_plain_msgpack(rng: random.Random, sample: bytes, _: Sequence[bytes]) -> bytes:
    """msgpack with some of its values changed."""
    return encode_msgpack(mutate_tree(rng, to_tree(msgspec.msgpack.decode(sample)), is_json=False))
