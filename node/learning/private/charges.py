"""What private training has cost so far, on the disk before anything is trained for it.

A text file, one line a round: number from 1, round, steps, rate, noise and a checksum. A line that a crash cut
short was never trained on. Any other damage stops the peer: what was spent cannot be taken back, nor be forgotten.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.errors import SetupError
from ledger.files import append, write_whole

_CHECK_CHARACTERS: Final = 8
_FIELDS: Final = 5


@dataclass(frozen=True)
class Charge:
    """One round's training."""

    round: int
    """In which it was done, or was to be: after a crash there may be several of one round, and all count."""
    steps: int
    """How many steps it may have taken."""
    rate: str
    """With which probability each took an example: decimal text."""
    sigma: str
    """The noise's deviation in units of the greatest gradient: decimal text."""


class ChargesDamaged(SetupError):
    """The file does not say any more what was spent."""

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(
            f"{path} {fact}, so what this peer has spent of its privacy is not known: put the file back from a"
            " copy, or move it away, and the peer takes the figure from its own published updates if it has all"
        )
        self.path, self.fact = path, fact


class ChargeFile:
    """The charges of one folder and circle. The file of one process."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises ChargesDamaged, OSError."""
        self._path = path
        self._charges: list[Charge] = []
        self._is_torn = False
        self.is_there = False
        """Whether there is one."""
        self._read()

    @property
    def charges(self) -> tuple[Charge, ...]:
        """All of them, in the order in which they were made."""
        return tuple(self._charges)

    def charge(self, charge: Charge) -> None:
        """Note a round that is about to be trained, on the disk when this returns. Raises OSError."""
        if self._is_torn:
            self._rewrite()
        # Where this raises, part of the line may be there.
        self._is_torn = True
        append(self._path, _line(len(self._charges) + 1, charge))
        self._is_torn = False
        self._charges.append(charge)
        self.is_there = True

    def restore(self, charges: Iterable[Charge]) -> None:
        """Put in place what is known from elsewhere. Raises OSError."""
        self._charges = list(charges)
        self._rewrite()

    def _read(self) -> None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return
        self.is_there = True
        *lines, rest = raw.split(b"\n")
        for number, line in enumerate(lines, 1):
            self._charges.append(_parse(self._path, number, line))
        if rest:
            self._rewrite()

    def _rewrite(self) -> None:
        write_whole(self._path, b"".join(_line(number, one) for number, one in enumerate(self._charges, 1)))
        self.is_there, self._is_torn = True, False


def _line(number: int, charge: Charge) -> bytes:
    said = f"{number} {charge.round} {charge.steps} {charge.rate} {charge.sigma}"
    return f"{said} {_check(said.encode())}\n".encode()


def _parse(path: Path, number: int, line: bytes) -> Charge:
    said, _, check = line.rpartition(b" ")
    if check != _check(said).encode():
        raise ChargesDamaged(path, f"is damaged in line {number}")
    fields = said.decode().split(" ")
    if len(fields) != _FIELDS or int(fields[0]) != number:
        raise ChargesDamaged(path, f"lacks a line before line {number}")
    return Charge(int(fields[1]), int(fields[2]), fields[3], fields[4])


def _check(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:_CHECK_CHARACTERS]
