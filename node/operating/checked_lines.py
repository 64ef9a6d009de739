"""Lines of a text file that end in a checksum, so that a line is taken only as it was written."""

import hashlib
from typing import Final

_CHECK_CHARACTERS: Final = 8


def write_line(said: str) -> bytes:
    """The line, its end included. said: words without a line break."""
    return f"{said} {_check(said.encode())}\n".encode()


def read_line(line: bytes) -> list[str] | None:
    """The words that were written; None for a line that is not as it was. line: without its end."""
    said, _, check = line.rpartition(b" ")
    return said.decode().split(" ") if check == _check(said).encode() else None


def _check(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:_CHECK_CHARACTERS]
