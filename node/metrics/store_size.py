"""How large a folder of blocks is, and what room its disk has: counted now and then, not when somebody asks."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from node.operating.disk import DiskRoom, measure_room

_EVERY_S: Final = 10.0
# Of the time between two counts, what counting may take.
_SHARE: Final = 0.01
_FILES_MAX: Final = 1_000_000


class StoreSize:
    """Of one folder. `measure` is called in a thread."""

    def __init__(self, folder: Path, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """folder: the blocks'. root: the one whose disk is looked at."""
        self._folder, self._root, self._clock = folder, root, clock
        self._next_count = float("-inf")
        self.blocks = self.bytes = 0
        self.room: DiskRoom | None = None
        """None before the first look, and where it cannot be looked at."""
        self.reason = "not looked at yet"
        """Why not."""

    def measure(self) -> None:
        """Look at the disk each time, and count the files where that takes little of this process's time."""
        try:
            self.room, self.reason = measure_room(self._root), ""
        except OSError as error:
            self.room, self.reason = None, error.strerror or type(error).__name__
        if (began := self._clock()) >= self._next_count:
            self.blocks, self.bytes = _count(self._folder)
            self._next_count = began + max(_EVERY_S, (self._clock() - began) / _SHARE)


def _count(folder: Path) -> tuple[int, int]:
    """Files below a folder and their bytes, up to a bound; what vanishes meanwhile does not count."""
    files = size = 0
    waiting = [str(folder)]
    while waiting and files < _FILES_MAX:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
                        files += 1
    return files, size
