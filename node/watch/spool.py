"""Placed events of rounds long settled, on disk: a page that runs for months must not hold them all in memory."""

import tempfile
import threading
import zlib
from collections.abc import Sequence
from os import pread
from typing import Any, BinaryIO, Final

import msgspec

from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import EVENTS

# The contract's words have 256 bits, msgpack's integers 64.
_WORD: Final = 1
_LARGEST: Final = (1 << 64) - 1
_LEVEL: Final = 1
_DECODER: Final = msgspec.msgpack.Decoder(ext_hook=lambda _, word: int.from_bytes(word, "big"))


class Spool:
    """A file without a name, which is gone with the process. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._end = 0
        self._lock = threading.Lock()

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._end

    def put(self, entries: Sequence[PlacedEvent]) -> "Spooled":
        """Write some events. Raises OSError where the disk is full."""
        packed = zlib.compress(msgspec.msgpack.encode([_to_plain(entry) for entry in entries]), _LEVEL)
        with self._lock:
            if self._file is None:
                self._file = self._open()
            begin = self._end
            self._file.seek(begin)
            self._file.write(packed)
            self._file.flush()
            self._end += len(packed)
        return Spooled(self, begin, len(packed))

    def _open(self) -> BinaryIO:
        return tempfile.TemporaryFile(prefix="folkmoot-watch-")  # it is closed with the spool

    def read(self, begin: int, length: int) -> list[PlacedEvent]:
        """What was put there."""
        assert self._file is not None
        raw = zlib.decompress(pread(self._file.fileno(), length, begin))
        return [_from_plain(row) for row in _DECODER.decode(raw)]


class Spooled:
    """Some events on disk."""

    __slots__ = ("_begin", "_length", "_spool")

    def __init__(self, spool: Spool, begin: int, length: int) -> None:
        self._spool, self._begin, self._length = spool, begin, length

    def read(self) -> list[PlacedEvent]:
        """The events, in order."""
        return self._spool.read(self._begin, self._length)


def _to_plain(entry: PlacedEvent) -> list[Any]:
    # The fields in order, as they are: `astuple` copies each of them.
    kind, fields = type(entry.event).__name__, vars(entry.event).values()
    hashes = (bytes.fromhex(entry.block_hash[2:]), bytes.fromhex(entry.transaction[2:]))
    return [*entry.position, *hashes, kind, [_shrink(value) for value in fields]]


def _shrink(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_shrink(one) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and value > _LARGEST:
        return msgspec.msgpack.Ext(_WORD, value.to_bytes(32, "big"))
    return value


def _from_plain(row: list[Any]) -> PlacedEvent:
    block, index, block_hash, transaction, kind, fields = row
    values = [tuple(value) if isinstance(value, list) else value for value in fields]
    return PlacedEvent((block, index), "0x" + block_hash.hex(), "0x" + transaction.hex(), EVENTS[kind](*values))
