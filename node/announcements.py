"""What this peer's key has announced, on disk before it is signed: two updates for one round would convict it."""

import os
from pathlib import Path
from typing import Final

_KEPT_ROUNDS: Final = 4096
_FILE_MAX_BYTES: Final = 1 << 22

_Key = tuple[int, str]


class AnnouncementJournal:
    """One line an announcement: round, author, digest.

    What a crash cut short was never signed; a whole digest without its line's end counts as noted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests = _read(path)
        if len(self._digests) > 2 * _KEPT_ROUNDS:
            self._compact()

    def may_sign(self, number: int, author: str, digest: bytes) -> bool:
        """Note the announcement, on disk when this returns. False where another of this round was noted."""
        noted = self._digests.get((number, author))
        if noted is None:
            self._append(f"{number} {author} {digest.hex()}\n")
            self._digests[number, author] = digest
        return noted in (None, digest)

    def _append(self, line: str) -> None:
        with self._path.open("ab") as file:
            # After a line cut short the next one begins anew.
            file.write(("\n" + line if _is_cut(self._path) else line).encode())
            file.flush()
            os.fsync(file.fileno())

    def _compact(self) -> None:
        newest = sorted(self._digests.items())[-_KEPT_ROUNDS:]
        self._digests = dict(newest)
        temporary = self._path.with_name(self._path.name + ".tmp")
        with temporary.open("wb") as file:
            file.writelines(f"{n} {author} {digest.hex()}\n".encode() for (n, author), digest in newest)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._path)


def _read(path: Path) -> dict[_Key, bytes]:
    try:
        with path.open("rb") as file:
            # The newest lines count: the file is cut down long before it is this large.
            file.seek(max(0, path.stat().st_size - _FILE_MAX_BYTES))
            lines = file.read().decode("ascii", "replace").split("\n")
    except FileNotFoundError:
        return {}
    found: dict[_Key, bytes] = {}
    for line in lines:
        parts = line.split(" ")
        try:
            number, author, digest = int(parts[0]), parts[1], bytes.fromhex(parts[2])
        except (ValueError, IndexError):
            continue
        if len(digest) == 32:
            found.setdefault((number, author), digest)
    return found


def _is_cut(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return size > 0 and file.read(1) != b"\n"
