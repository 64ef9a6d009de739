"""A folder for what works behind the page: gone with it, and where it was killed, by the next one that starts."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

_PREFIX: Final = "folkmoot-page-"
# One that is younger may be about to be locked by whoever has just made it, or its command about to end.
_STALE_AFTER_S: Final = 60.0


class ScratchFolder:
    """One folder, where temporary files are. It is held as long as this process lives, however that ends."""

    def __init__(self) -> None:
        """Make it, and remove those that nobody holds any more. Raises OSError."""
        _remove_stale(Path(tempfile.gettempdir()))
        self.path: Final = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._handle = _open_folder(self.path)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        """Once, at the end."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def _remove_stale(place: Path) -> None:
    for path in place.glob(_PREFIX + "*"):
        # What cannot be looked at is somebody else's.
        with contextlib.suppress(OSError):
            _remove_unheld(path)


def _remove_unheld(path: Path) -> None:
    """Raises OSError where it is held, or is none of this user's folders."""
    handle = _open_folder(path)
    try:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _STALE_AFTER_S:
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(handle)


def _open_folder(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
