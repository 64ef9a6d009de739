"""Placed events as bytes, for files of this machine, and back: compressed msgpack, read as a stranger's."""

import re
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final, get_type_hints

import msgpack

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import EVENTS

# The contract's words have 256 bits, msgpack's integers 64.
_WORD: Final = 1
_WORD_BYTES: Final = 32
_WORD_END: Final = 1 << 256
_LARGEST: Final = (1 << 64) - 1
_LEVEL: Final = 1
_ROW: Final = [int, int, bytes, bytes, str, list]
PLAIN_MAX_BYTES: Final = 64 << 20
"""More than any round's events: 256 seats leave some 130 KB a round."""
_HASH_BYTES: Final = 32
_POSITION_MAX: Final = 1 << 40
_WORDS: Final = 16
_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}", re.ASCII)
# Of these any text, and any bytes; other texts are addresses, other bytes digests.
_FREE: Final = ("endpoint", "manifest")


class Unreadable(ValueError):
    """Bytes that `pack_events` did not make."""


def pack_events(entries: Sequence[PlacedEvent]) -> bytes:
    """Some events, in order."""
    return zlib.compress(msgpack.packb([_to_plain(entry) for entry in entries]), _LEVEL)


def unpack_events(packed: bytes) -> list[PlacedEvent]:
    """The inverse: events of the right types, in order, with numbers of the contract's size. Raises Unreadable."""
    unpacking = zlib.decompressobj()
    try:
        # [REJECT] sizes before parsing
        plain = unpacking.decompress(packed, PLAIN_MAX_BYTES)
        if not unpacking.eof:
            raise Unreadable(f"more than {PLAIN_MAX_BYTES} bytes, or fewer than were packed")
        # The parser has a stack of its own: msgspec's would follow what is nested until the interpreter's ends.
        rows = msgpack.unpackb(plain, ext_hook=_read_word)
    except (zlib.error, ValueError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(rows, list):
        raise Unreadable("no list of events")
    entries = [*map(_from_row, rows)]
    if not all(before.position < after.position for before, after in pairwise(entries)):
        raise Unreadable("the events are not in order")
    return entries


def _to_plain(entry: PlacedEvent) -> list[Any]:
    # The fields in order, as they are: `astuple` copies each of them.
    kind, fields = type(entry.event).__name__, vars(entry.event).values()
    hashes = (bytes.fromhex(entry.block_hash[2:]), bytes.fromhex(entry.transaction[2:]))
    return [*entry.position, *hashes, kind, [_shrink(value) for value in fields]]


def _shrink(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_shrink(one) for one in value]
    if isinstance(value, int) and value > _LARGEST:
        return msgpack.ExtType(_WORD, value.to_bytes(_WORD_BYTES, "big"))
    return value


def _read_word(_: int, word: bytes) -> int:
    return int.from_bytes(word, "big")


def _from_row(row: Any) -> PlacedEvent:
    # [REJECT] what `_to_plain` does not make
    if not isinstance(row, list) or [type(one) for one in row] != _ROW:
        raise Unreadable("a row that is no event's")
    block, index, block_hash, transaction, kind, fields = row
    values = [tuple(value) if type(value) is list else value for value in fields]
    checks = _CHECKS.get(kind)
    # [REJECT] what no event of the contract's is
    if checks is None or len(checks) != len(values):
        raise Unreadable(f"no event {kind[:20]!r}")
    for check, value in zip(checks, values, strict=True):
        if not check(value):
            raise Unreadable(f"no {kind}")
    is_placed = 0 <= block < _POSITION_MAX and 0 <= index < _POSITION_MAX
    if not is_placed or not _is_digest(block_hash) or not _is_digest(transaction):
        raise Unreadable("an event at no place in a chain")
    return PlacedEvent((block, index), "0x" + block_hash.hex(), "0x" + transaction.hex(), EVENTS[kind](*values))


def _is_word(value: Any) -> bool:
    return type(value) is int and 0 <= value < _WORD_END


def _are_words(value: Any) -> bool:
    return type(value) is tuple and len(value) == _WORDS and all(map(_is_word, value))


def _is_digest(value: Any) -> bool:
    return type(value) is bytes and len(value) == _HASH_BYTES


def _is_address(value: Any) -> bool:
    return type(value) is str and _ADDRESS.fullmatch(value) is not None


def _choose_check(name: str, hint: Any) -> Callable[[Any], bool]:
    if name in _FREE:
        return lambda value: type(value) is hint
    return {int: _is_word, bytes: _is_digest, str: _is_address}.get(hint, _are_words)


_CHECKS: Final = {
    kind: tuple(_choose_check(*one) for one in get_type_hints(event).items()) for kind, event in EVENTS.items()
}
