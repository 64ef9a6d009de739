"""What private training has cost so far, on the disk before anything is trained for it.

A text file, one line a round: its number from 1, round, examples, rate, noise and a checksum. A line that a crash
cut short was never trained on. Any other damage stops the peer: what was spent cannot be taken back, and is not to
be forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from ledger.errors import SetupError
from ledger.files import append, write_whole
from node.operating.checked_lines import read_line, write_line

EARLIER: Final = -1
_FIELDS: Final = 5


@dataclass(frozen=True)
class ChargeKind:
    """What a peer says with its first charge and keeps as long as the circle lasts."""

    examples: int
    """How many it had then."""
    rate: int
    """With what probability a step takes an example, in billionths."""
    sigma: str
    """The noise of a step in lengths of a cut gradient: decimal text."""

    @property
    def sigma_value(self) -> Decimal:
        """The noise, exactly."""
        return Decimal(self.sigma)


@dataclass(frozen=True)
class ChargedRound:
    """One training, whether it was published or not."""

    round: int
    """In which it was done, or was to be. After a crash there may be several of one round, and all count. 0 for one
    that is known from a published update alone, EARLIER for one that stands for what another circle cost."""
    kind: ChargeKind
    """What it cost."""


class ChargesDamaged(SetupError):
    """The file does not say any more what was spent."""

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(
            f"{path} {fact}, so what this peer has spent of its privacy is not known: put the file back from a"
            " copy, or move it away, and the peer takes the figure from its last published update"
        )
        self.path, self.fact = path, fact


class ChargeFile:
    """The charges of one folder and circle. One process writes to it; whoever only reads may do so beside it."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises ChargesDamaged, OSError."""
        self._path = path
        self._charged: list[ChargedRound] = []
        self._is_torn = False
        self.is_there = False
        """Whether there is one."""
        self._read()

    @property
    def charged(self) -> tuple[ChargedRound, ...]:
        """All rounds charged, in the order in which they were."""
        return tuple(self._charged)

    @property
    def kind(self) -> ChargeKind | None:
        """What every round costs; None before the first."""
        return self._charged[0].kind if self._charged else None

    def charge(self, round_number: int, kind: ChargeKind) -> None:
        """Note a round that is about to be trained, on the disk when this returns. Raises OSError.

        kind: of all rounds the same.
        """
        assert self.kind in (None, kind)
        one = ChargedRound(round_number, kind)
        if self._is_torn:
            self._rewrite()
        # Where this raises, part of the line may be there.
        self._is_torn = True
        append(self._path, _line(len(self._charged) + 1, one))
        self._is_torn, self.is_there = False, True
        self._charged.append(one)

    @property
    def earlier(self) -> int:
        """How many of them stand for what was spent in another circle."""
        return sum(one.round == EARLIER for one in self._charged)

    def add_earlier(self, rounds: int, kind: ChargeKind) -> None:
        """Note rounds that stand for what was spent in another circle. Raises OSError."""
        assert self.kind in (None, kind)
        self._charged += [ChargedRound(EARLIER, kind)] * rounds
        self._rewrite()

    def restore(self, rounds: int, kind: ChargeKind) -> None:
        """Put in place what is known from a published update. Raises OSError."""
        self._charged = [ChargedRound(0, kind)] * rounds
        self._rewrite()

    def _read(self) -> None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return
        self.is_there = True
        *lines, rest = raw.split(b"\n")
        for number, line in enumerate(lines, 1):
            self._charged.append(_parse(self._path, number, line))
        if any(one.kind != self.kind for one in self._charged):
            raise ChargesDamaged(self._path, "holds charges of several kinds")
        self._is_torn = bool(rest)

    def _rewrite(self) -> None:
        write_whole(self._path, _lines(self._charged))
        self.is_there, self._is_torn = True, False


def _lines(charged: Sequence[ChargedRound]) -> bytes:
    return b"".join(_line(number, one) for number, one in enumerate(charged, 1))


def _line(number: int, charged: ChargedRound) -> bytes:
    kind = charged.kind
    return write_line(f"{number} {charged.round} {kind.examples} {kind.rate} {kind.sigma}")


def _parse(path: Path, number: int, line: bytes) -> ChargedRound:
    fields = read_line(line)
    if fields is None:
        raise ChargesDamaged(path, f"is damaged in line {number}")
    if len(fields) != _FIELDS or int(fields[0]) != number:
        raise ChargesDamaged(path, f"lacks a line before line {number}")
    return ChargedRound(int(fields[1]), ChargeKind(int(fields[2]), int(fields[3]), fields[4]))
