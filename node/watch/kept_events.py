"""A circle's placed events in a file that outlasts the page, which then asks an endpoint for the newest alone.

    CACHE/watch/CHAIN-CONTRACT/
        lock      held by the page that writes here
        events    a head of 48 bytes: 16 that name the form, 32 of the network's; then the rounds, from round 0 on

    a round: length, 4 bytes; SHA-256 of the digest before it (at first, of the head) and the body; the body,
    `pack_events` of its events

A round is written once it is settled for long, behind the others. What was cut short, by a kill or a full disk,
ends where the digests do not fit any more, and is written again. Whatever is read is folded anew and compared
with the contract's running hash, as an endpoint's word is.
"""

import contextlib
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from ledger.chain.placed_event import PlacedEvent
from ledger.errors import SetupError
from ledger.files import LOCK_NAME, PRIVATE, FolderLock, make_folder, sync_folder
from ledger.identity.network import Network
from node.watch.packed_events import Unreadable, pack_events
from node.watch.spool import EventFile, Spool, Spooled

_log = logging.getLogger(__name__)
_FORM: Final = b"folkmoot events1"
_DIGEST_BYTES: Final = 32
_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = len(_FORM) + _DIGEST_BYTES
_ROUND_MAX_BYTES: Final = 16 << 20
FILE_MAX_BYTES: Final = 2 << 30
"""What comes later of a circle is kept for this run alone; ten thousand rounds of 256 seats have half of it."""
FOLDER_MAX_BYTES: Final = 4 << 30
"""Above it the circles go that were looked at longest ago."""
_PLACE: Final = "watch"
_NAME: Final = "events"
_NEW: Final = "events.new"
_CIRCLE: Final = re.compile("[0-9]+-0x[0-9a-f]{40}", re.ASCII)
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass
class _Round:
    """One round in the file."""

    kept: Spooled
    """Where its events are read."""
    end: int
    """Where in the file it ends."""
    digest: bytes
    """That of all up to its end."""
    told: tuple[int, tuple[int, int]] | None = None
    """How many events it has and the last one's place; None until it was read or written."""


class KeptEvents:
    """The file of one circle. Written and read through by one thread; single rounds are read by any."""

    def __init__(self, folder: Path, network: Network) -> None:
        """folder: of this circle alone, there already. Raises OSError where files cannot be kept there.

        Where another page writes to it, what is there is read, and what is new kept for this run alone.
        """
        self._path, self._head = folder / _NAME, _FORM + network.domain_separator
        self._spool = Spool()
        self._rounds: list[_Round] = []
        self._is_scanned = False
        try:
            self._lock: FolderLock | None = FolderLock(folder, "another page")
        except SetupError:
            self._lock = None
            _log.info("another page keeps this circle's events folder=%s", folder)
        self._is_writer = self._lock is not None
        self._file = self._open()

    @property
    def size(self) -> int:
        """Bytes on disk, those for this run alone included."""
        return self._end + self._spool.size

    @property
    def _end(self) -> int:
        return self._rounds[-1].end if self._rounds else _HEAD_BYTES

    def close(self) -> None:
        """Let others write; what was read can still be read."""
        self._is_writer = False
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # -------------------------------------------------------------------------------------------- reading

    def read(self, is_canonical: Callable[[PlacedEvent], bool]) -> Iterator[list[PlacedEvent]]:
        """The events from the first on, a round at a time, as far as the chain has them still.

        is_canonical: whether an event's block is in the chain; asked a few times. Raises what that raises.
        """
        if not self._is_scanned:
            self._scan()
        self._cut(self._count_canonical(is_canonical), "the chain was reorganised")
        last = (-1, -1)
        for number, one in enumerate(self._rounds):
            entries = self._read_round(number)
            if not entries or entries[0].position <= last:
                self._cut(number, "it cannot be read")
                return
            last = entries[-1].position
            one.told = (len(entries), last)
            yield entries

    def discard(self, reason: str) -> None:
        """What was read was not what the contract wrote: none of it is told again."""
        self._cut(0, reason)

    def _read_round(self, number: int) -> list[PlacedEvent]:
        """Empty where it cannot be read."""
        try:
            return self._rounds[number].kept.read()
        except (OSError, Unreadable) as error:
            _log.info("kept round unreadable round=%d reason=%s", number, error)
            return []

    def _count_canonical(self, is_canonical: Callable[[PlacedEvent], bool]) -> int:
        """How many of the rounds the chain has: a block's hash covers all before it, so halving finds it."""

        def has(count: int) -> bool:
            entries = self._read_round(count - 1)
            return bool(entries) and is_canonical(entries[-1])

        least, most = 0, len(self._rounds)
        if not most or has(most):
            return most
        while least + 1 < most:
            middle = (least + most) // 2
            least, most = (middle, most) if has(middle) else (least, middle)
        return least

    def _scan(self) -> None:
        """Find the rounds that are whole; what comes behind them is written over."""
        self._is_scanned = True
        digest, begin = sha256(self._head).digest(), _HEAD_BYTES
        size = min(os.fstat(self._file.handle).st_size, FILE_MAX_BYTES)
        while begin + _LENGTH_BYTES + _DIGEST_BYTES <= size:
            lead = os.pread(self._file.handle, _LENGTH_BYTES + _DIGEST_BYTES, begin)
            length, said = int.from_bytes(lead[:_LENGTH_BYTES], "big"), lead[_LENGTH_BYTES:]
            begin += len(lead)
            # [REJECT] sizes before reading
            if length > min(_ROUND_MAX_BYTES, size - begin):
                break
            digest = sha256(digest + os.pread(self._file.handle, length, begin)).digest()
            if digest != said:
                break
            self._rounds.append(_Round(Spooled(self._file, begin, length), begin + length, digest))
            begin += length
        if self._end < size:
            _log.warning(
                "kept events damaged or cut short, they are read from the chain again"
                " rounds_left=%d bytes_lost=%d file=%s",
                len(self._rounds),
                size - self._end,
                self._path,
            )

    # -------------------------------------------------------------------------------------------- writing

    def put(self, number: int, entries: Sequence[PlacedEvent]) -> Spooled:
        """Keep a round's events. Raises OSError where there is no room for them, neither here nor elsewhere."""
        told = (len(entries), entries[-1].position)
        if number < len(self._rounds) and self._rounds[number].told == told:
            return self._rounds[number].kept
        packed = pack_events(entries)
        lead = _LENGTH_BYTES + _DIGEST_BYTES
        is_room = len(packed) <= _ROUND_MAX_BYTES and self._end + lead + len(packed) <= FILE_MAX_BYTES
        if not (self._is_writer and self._is_scanned and is_room and number == len(self._rounds)):
            return self._spool.put(number, entries)
        try:
            return self._append(packed, told)
        except OSError as error:
            _log.warning("events are kept no further file=%s reason=%s", self._path, error.strerror)
            self._is_writer = False
            return self._spool.put(number, entries)

    def _append(self, packed: bytes, told: tuple[int, tuple[int, int]]) -> Spooled:
        before = self._rounds[-1].digest if self._rounds else sha256(self._head).digest()
        digest, begin = sha256(before + packed).digest(), self._end
        self._file.write(len(packed).to_bytes(_LENGTH_BYTES, "big") + digest + packed, begin)
        end = begin + _LENGTH_BYTES + _DIGEST_BYTES + len(packed)
        # What an earlier run was cut short in may be longer.
        os.ftruncate(self._file.handle, end)
        kept = Spooled(self._file, end - len(packed), len(packed))
        self._rounds.append(_Round(kept, end, digest, told))
        return kept

    def _cut(self, count: int, reason: str) -> None:
        """Keep so many rounds; in another file, as some may still be read from this one."""
        if count == len(self._rounds):
            return
        _log.warning(
            "kept events thrown away, they are read from the chain again rounds=%d of=%d file=%s reason=%s",
            len(self._rounds) - count,
            len(self._rounds),
            self._path,
            reason,
        )
        del self._rounds[count:]
        if not self._is_writer:
            return
        try:
            self._file = self._copy()
        except OSError as error:
            _log.warning("events are kept no further file=%s reason=%s", self._path, error.strerror)
            self._is_writer = False
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _copy(self) -> EventFile:
        """The rounds that stay, in a new file under the same name."""
        path = self._path.with_name(_NEW)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        new = EventFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
        new.write(self._head, 0)
        for one in self._rounds:
            begin = one.kept.begin - _LENGTH_BYTES - _DIGEST_BYTES
            new.write(os.pread(self._file.handle, one.end - begin, begin), begin)
            one.kept = Spooled(new, one.kept.begin, one.kept.length)
        os.replace(path, self._path)
        return new

    def _open(self) -> EventFile:
        """The file, begun anew where it is of another form. Raises OSError."""
        flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        flags |= os.O_RDWR | os.O_CREAT if self._is_writer else os.O_RDONLY
        file = EventFile(os.open(self._path, flags, PRIVATE))
        _check_own(os.fstat(file.handle), self._path, stat.S_IFREG)
        found = os.pread(file.handle, _HEAD_BYTES, 0)
        if found == self._head:
            return file
        if found:
            _log.warning(
                "kept events of another form thrown away, they are read from the chain again file=%s", self._path
            )
        self._is_scanned = True
        return self._copy() if self._is_writer else file


def open_kept(cache: Path, network: Network) -> KeptEvents | None:
    """What is kept of a circle below a cache folder; None, with a line in the log, where nothing can be kept."""
    folder = cache / _PLACE / f"{network.chain_id}-{network.contract.lower()}"
    try:
        for one in (cache, cache / _PLACE, folder):
            make_folder(one)
            _check_own(os.stat(one), one, stat.S_IFDIR)
        kept = KeptEvents(folder, network)
        os.utime(folder)
        _make_room(folder)
    except OSError as error:
        _log.warning("no events are kept folder=%s reason=%s", folder, error.strerror or error)
        return None
    return kept


def _check_own(found: os.stat_result, path: Path, kind: int) -> None:
    """[REJECT] What others can write to, or what is no such thing. Raises OSError."""
    if stat.S_IFMT(found.st_mode) != kind or found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
        raise OSError(0, f"{path} is not your own, or others may write to it: name another folder with --cache")


def _make_room(own: Path) -> None:
    """Remove the circles looked at longest ago, while there is too much of all. Raises OSError."""
    # What else somebody has in a folder of this name is not ours to count or remove, nor what a link leads to.
    folders = [one for one in own.parent.iterdir() if one != own and _CIRCLE.fullmatch(one.name)]
    folders = sorted(
        (one for one in folders if one.is_dir() and not one.is_symlink()), key=lambda one: one.stat().st_mtime
    )
    sizes = {one: sum(map(_find_size, _list_files(one))) for one in folders}
    total = sum(sizes.values()) + FILE_MAX_BYTES
    for folder in folders:
        if total <= FOLDER_MAX_BYTES:
            break
        with contextlib.suppress(SetupError, OSError):
            lock = FolderLock(folder, "another page")
            try:
                for file in _list_files(folder):
                    file.unlink(missing_ok=True)
                total -= sizes[folder]
                folder.rmdir()
            finally:
                lock.release()
    sync_folder(own.parent)


def _list_files(folder: Path) -> list[Path]:
    """Those that a circle's folder has of ours."""
    return [folder / name for name in (_NAME, _NEW, LOCK_NAME)]


def _find_size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0
