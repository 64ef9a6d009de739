"""What this peer's key has announced, on disk before it is signed: two updates for one round would convict it."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ledger.files import append, set_aside, write_whole
from node.operating.checked_lines import read_line, write_line

_log = logging.getLogger(__name__)
_KEPT_ROUNDS: Final = 4096
_FILE_MAX_BYTES: Final = 1 << 22
# Stands for the author in a line that keeps this node silent.
_SILENCE: Final = "silent"

_Key = tuple[int, str]


class AnnouncementJournal:
    """One line an announcement: round, author, digest and a checksum.

    A signature holds for one contract address, chain id and round, so a journal is kept for these, whatever circle
    is found there. What a crash cut short was never signed. The file of one process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests: dict[_Key, bytes] = {}
        self.is_whole = True
        """Whether it holds all that was ever noted; False for a file that is not there, or damaged."""
        self._silent_through = 0
        self._is_torn = False
        self._read()

    def settle(self, is_new: bool, number: int) -> None:
        """Before anything is signed. is_new: the key had no seat till now. number: the round under way.

        Where this may lack what the key has announced, nothing but what is noted is signed in this round and the
        next: more could only contradict. Raises OSError.
        """
        if self.is_whole:
            return
        if not is_new:
            self._silent_through = max(self._silent_through, number + 1)
        if self._path.exists():
            _log.warning("journal damaged, kept aside file=%s", set_aside(self._path))
        self._rewrite()

    def may_sign(self, number: int, author: str, digest: bytes) -> bool:
        """Note the announcement, on disk when this returns True (R16.1).

        False where another of this round was noted, or may have been. Raises OSError where it cannot be noted.
        """
        noted = self._digests.get((number, author))
        if noted is None:
            if number <= self._silent_through:
                return False
            self._append(_line(number, author, digest))
            self._digests[number, author] = digest
        return noted in (None, digest)

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                # The newest lines count: the file is cut down long before it is this large.
                skipped = max(0, self._path.stat().st_size - _FILE_MAX_BYTES)
                file.seek(skipped)
                *lines, rest = file.read(_FILE_MAX_BYTES).split(b"\n")
        except FileNotFoundError:
            self.is_whole = False
            return
        for line in lines[bool(skipped) :]:
            self._take(line)
        if not self.is_whole:
            _log.warning("journal damaged, it may lack announcements file=%s", self._path)
        elif rest or len(self._digests) > 2 * _KEPT_ROUNDS:
            self._rewrite()

    def _take(self, line: bytes) -> None:
        found = _parse(line)
        if found is None:
            self.is_whole = False
            return
        number, author, digest = found
        if author == _SILENCE:
            self._silent_through = max(self._silent_through, number)
        else:
            self._digests.setdefault((number, author), digest)

    def _append(self, line: bytes) -> None:
        if self._is_torn:
            self._rewrite()
        # Part or all of the line may stay behind, and must not be found there once another was signed.
        self._is_torn = True
        append(self._path, line)
        self._is_torn = False

    def _rewrite(self) -> None:
        self._digests = dict(sorted(self._digests.items())[-_KEPT_ROUNDS:])
        entries = [(number, author, digest) for (number, author), digest in self._digests.items()]
        if self._silent_through:
            entries.append((self._silent_through, _SILENCE, bytes(32)))
        write_whole(self._path, _lines(entries))
        self.is_whole = True
        self._is_torn = False


def _lines(entries: Iterable[tuple[int, str, bytes]]) -> bytes:
    return b"".join(_line(*entry) for entry in entries)


def _line(number: int, author: str, digest: bytes) -> bytes:
    return write_line(f"{number} {author} {digest.hex()}")


def _parse(line: bytes) -> tuple[int, str, bytes] | None:
    """Round, author and digest; None for a line that is not as it was written."""
    words = read_line(line)
    if words is None:
        return None
    number, author, digest = words
    return int(number), author, bytes.fromhex(digest)
