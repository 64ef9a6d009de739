"""Placed events of rounds long settled, on disk: a page that runs for months must not hold them all in memory."""

import os
import tempfile
import threading
from collections.abc import Sequence

from ledger.chain.placed_event import PlacedEvent
from node.watch.packed_events import pack_events, unpack_events


class EventFile:
    """An open file, closed with this. Nothing in it is written over, so that what points into it stays right.

    handle: a file descriptor, which becomes this one's.
    """

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def __del__(self) -> None:
        os.close(self.handle)

    def read(self, begin: int, length: int) -> list[PlacedEvent]:
        """Packed events that are there. Raises OSError, Unreadable."""
        return unpack_events(os.pread(self.handle, length, begin))

    def write(self, data: bytes, begin: int) -> None:
        """All of it, at a place. Raises OSError; then part of it may be there."""
        left = memoryview(data)
        while left:
            written = os.pwrite(self.handle, left, begin)
            left, begin = left[written:], begin + written


class Spool:
    """A file without a name, which is gone with the process. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._file: EventFile | None = None
        self._lock = threading.Lock()
        self.size = 0
        """Bytes on disk."""

    def put(self, _: int, entries: Sequence[PlacedEvent]) -> "Spooled":
        """Write a round's events. Raises OSError where the disk is full."""
        packed = pack_events(entries)
        with self._lock:
            if self._file is None:
                self._file = _open_unnamed()
            begin = self.size
            self._file.write(packed, begin)
            self.size += len(packed)
            return Spooled(self._file, begin, len(packed))


class Spooled:
    """Some events on disk."""

    __slots__ = ("_file", "begin", "length")

    def __init__(self, file: EventFile, begin: int, length: int) -> None:
        self._file, self.begin, self.length = file, begin, length

    def read(self) -> list[PlacedEvent]:
        """The events, in order."""
        return self._file.read(self.begin, self.length)


def _open_unnamed() -> EventFile:
    with tempfile.TemporaryFile(prefix="folkmoot-watch-") as file:
        return EventFile(os.dup(file.fileno()))
