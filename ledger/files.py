"""Files that a crash leaves whole and that nobody else on the machine reads: the one way they are written.

A file appears under its name with all of its bytes or not at all, and is on the disk, name and all, when the call
returns: written beside its place, synced, renamed, its folder synced.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from ledger.errors import SetupError

PRIVATE: Final = 0o600
PUBLIC: Final = 0o666
"""As the user's umask has it: for what is handed on to others."""
_PRIVATE_FOLDER: Final = 0o700
LOCK_NAME: Final = "lock"
_PID_MAX_BYTES: Final = 32


def make_folder(path: Path) -> None:
    """A folder that only its owner reads; one that is there already stays as it is. Raises OSError.

    Folders above it that are missing are made too, as the user's umask has them.
    """
    missing = [path, *itertools.takewhile(lambda folder: not folder.exists(), path.parents)]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=_PRIVATE_FOLDER)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    for folder in reversed(missing):
        sync_folder(folder.parent)


def write_whole(path: Path, data: bytes | memoryview, *, mode: int = PRIVATE, through: Path | None = None) -> None:
    """Put a file in its place whole, or leave what was there. Raises OSError.

    through: a folder for unfinished files, on the same disk, for writers of one path at the same time and a sweep
    afterwards; beside the file where none is named.
    """
    with _unfinished(path, data, mode, through) as temporary:
        os.replace(temporary, path)
    sync_folder(path.parent)


@contextmanager
def opened_whole(path: Path, *, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """The same for a file written piece by piece: it takes its place when the body ends well. Raises OSError."""
    with _unfinished(path, b"", mode, None) as temporary:
        with temporary.open("r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    sync_folder(path.parent)


@contextmanager
def opened_regular(path: Path) -> Iterator[BinaryIO]:
    """A file that somebody named, for reading. Raises OSError, also for a pipe or a device.

    These would keep whoever opens or reads them waiting, for ever where nobody writes.
    """
    # Without waiting, a pipe opens too, and is told by its kind.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(handle).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "it is a pipe or a device, no file", str(path))
        with open(handle, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def write_new(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """The same for a name that must be free. Raises FileExistsError where it is not, else OSError."""
    with _unfinished(path, data, mode, path.parent) as temporary:
        os.link(temporary, path)
    sync_folder(path.parent)


def append(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Add to the end of a file, made where it is missing. Raises OSError; then part of it may be there."""
    is_new = not path.exists()
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode), "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file for good, if it is there. Raises OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def set_aside(path: Path) -> Path:
    """Give a file that is of no use any more another name, for a person to look at. Raises OSError."""
    aside = path.with_name(path.name + ".damaged")
    os.replace(path, aside)
    sync_folder(path.parent)
    return aside


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderLock:
    """A folder held by one process. The system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path, holder: str) -> None:
        """Take it. holder: what to call a process that holds such a folder. Raises SetupError, OSError."""
        self._handle = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            said = os.pread(self._handle, _PID_MAX_BYTES, 0).decode("ascii", "replace").strip()
            os.close(self._handle)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            process = f"process {said}" if said.isdecimal() else "another process"
            raise SetupError(
                f"the folder {folder} is in use by {holder} ({process}): stop that one or choose another folder"
            ) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the folder."""
        os.close(self._handle)


def sweep(folder: Path) -> None:
    """Remove what dead writers left unfinished in a folder for such files. Raises OSError."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its writer is alive
            path.unlink(missing_ok=True)


@contextmanager
def _unfinished(path: Path, data: bytes | memoryview, mode: int, through: Path | None) -> Iterator[Path]:
    """The bytes on the disk under a name of their own, locked while its writer lives and gone afterwards."""
    name = f"{path.name}.tmp" if through is None else f".{path.name}.{secrets.token_hex(4)}"
    temporary = (through or path.parent) / name
    if through is None:
        temporary.unlink(missing_ok=True)  # of a writer that was killed
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, mode), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
