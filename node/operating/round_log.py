"""What a node reported of its rounds, kept in its folder for whoever looks at it later: a line of text a round.

The first line says whose rounds these are, and every line ends in a checksum. Where the file is full, its older
half goes. Nothing that a node does depends on it, so what is no such file is set aside, and a line that is damaged
or was cut short is left out.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from ledger.errors import SetupError
from ledger.files import append, set_aside, write_whole
from ledger.untrusted.parsing import decode_json
from ledger.untrusted.text import make_printable
from node.operating.checked_lines import read_line, write_line

_log = logging.getLogger(__name__)

FILE_MAX_BYTES: Final = 8 << 20
"""Some fifteen thousand rounds."""
FIGURES_MAX: Final = 32
"""So many of a task's figures are kept of a round."""
_NAME_MAX: Final = 80
_KIND: Final = "folkmoot-rounds 1"
_SEATS: Final = 256
# What a file may have grown to by a line, or by another version's idea of its size.
_READ_MAX_BYTES: Final = 2 * FILE_MAX_BYTES

_Count = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
_Name = Annotated[str, Meta(max_length=_NAME_MAX)]
_Figures = Annotated[dict[_Name, float | None], Meta(max_length=FIGURES_MAX)]


class SpentPrivacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a node's budget of privacy stood."""

    spent_epsilon: float
    """Spent so far."""
    budget_epsilon: float
    """The most that it may be."""
    rounds_charged: _Count
    """Rounds charged so far."""
    rounds_left: _Count | None
    """How many more the budget holds; None where that is not known."""


class ToldRound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a node reported of one round: its own word."""

    round: Annotated[int, Meta(ge=1, le=(1 << 40))]
    """Its number."""
    seat: Annotated[int, Meta(ge=0, lt=_SEATS)]
    """The node's."""
    at_s: float
    """When it was reported, Unix seconds."""
    seconds: float
    """Since the report before."""
    bytes_sent: _Count
    """Bodies handed to the network."""
    gas: _Count
    """Units, of all that the node's key sent, reverted or not."""
    reputation: float
    """The seat's when the round opened, 0..1."""
    figures: _Figures = {}
    """Name → what the task's evaluation gave; None for what is no number."""
    cpu_s: _Figures = {}
    """Section → CPU seconds."""
    privacy: SpentPrivacy | None = None
    """None where the circle has no privacy terms."""
    better: Annotated[dict[_Name, Literal["higher", "lower"]], Meta(max_length=FIGURES_MAX)] = {}
    """Name → whether more of a figure is better, as far as its task or its name says so."""


@dataclass(frozen=True)
class RoundFile:
    """What a file holds."""

    rounds: Sequence[ToldRound]
    """By round; of several reports of one round and seat the last."""
    damaged: int
    """So many lines are not as they were written."""


class UnusableRounds(SetupError):
    """A file is there, and holds no rounds of this circle."""

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path} {fact}: move it away, and the node begins another one")
        self.path, self.fact = path, fact


def make_told_round(event: Mapping[str, Any], at_s: float) -> ToldRound:
    """What is kept of a `round` event. at_s: now, Unix seconds."""
    privacy = event.get("privacy")
    return ToldRound(
        event["round"],
        event["seat"],
        round(at_s, 1),
        _shorten(event["seconds"]) or 0.0,
        event["bytes_sent"],
        event["gas"],
        _shorten(event["reputation"]) or 0.0,
        _cut(event["figures"]),
        _cut(event["cpu_s"]),
        None if privacy is None else SpentPrivacy(**privacy),
        {make_printable(str(name), _NAME_MAX): way for name, way in list(event["better"].items())[:FIGURES_MAX]},
    )


def note_round(path: Path, network: bytes, told: ToldRound) -> None:
    """Add a round, on the disk when this returns. network: the circle's, 32 bytes. Raises OSError."""
    line = _encode(told)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        write_whole(path, _head(network) + line)
        return
    if size > _READ_MAX_BYTES or not _is_ours(path, network):
        _log.warning("no file of this circle's rounds, set aside file=%s", set_aside(path))
        write_whole(path, _head(network) + line)
    elif size + len(line) > FILE_MAX_BYTES or not _is_ended(path):
        _rewrite(path, network, line)
    else:
        append(path, line)


def read_rounds(path: Path, network: bytes) -> RoundFile | None:
    """What is there; None where there is no file. network: whose it must be, 32 bytes.

    Raises UnusableRounds for what is no such file, OSError.
    """
    if not path.exists():
        return None
    if not path.is_file():
        raise UnusableRounds(path, "is no file")
    with path.open("rb") as file:
        # [REJECT] sizes first
        raw = file.read(_READ_MAX_BYTES + 1)
    if len(raw) > _READ_MAX_BYTES:
        raise UnusableRounds(path, f"is larger than such a file becomes ({_READ_MAX_BYTES:,} bytes)")
    if not raw.startswith(_head(network)):
        kind = "is of another circle" if raw.startswith(_KIND.encode()) else "is no file of a node's rounds"
        raise UnusableRounds(path, kind)
    *lines, rest = raw.removeprefix(_head(network)).split(b"\n")
    found, damaged = dict[tuple[int, int], ToldRound](), int(bool(rest))
    for line in lines:
        told = _decode(line)
        if told is None:
            damaged += 1
        else:
            found[told.round, told.seat] = told
    return RoundFile([found[key] for key in sorted(found)], damaged)


def _head(network: bytes) -> bytes:
    return write_line(f"{_KIND} {network.hex()}")


def _encode(told: ToldRound) -> bytes:
    return write_line(msgspec.json.encode(told).decode())


def _decode(line: bytes) -> ToldRound | None:
    try:
        words = read_line(line)
        return None if words is None else decode_json(" ".join(words), ToldRound)
    except ValueError:
        # It was written like this, by nothing of ours.
        return None


def _is_ours(path: Path, network: bytes) -> bool:
    head = _head(network)
    with path.open("rb") as file:
        return file.read(len(head)) == head


def _is_ended(path: Path) -> bool:
    """Whether the last line is whole, as far as a crash goes."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _rewrite(path: Path, network: bytes, line: bytes) -> None:
    """What is whole, without its older half where all would be too much, and one line more."""
    *lines, _ = path.read_bytes().removeprefix(_head(network)).split(b"\n")
    whole = [one + b"\n" for one in lines if _decode(one) is not None]
    if sum(map(len, whole)) + len(line) > FILE_MAX_BYTES // 2:
        whole = whole[len(whole) // 2 :]
    write_whole(path, b"".join([_head(network), *whole, line]))


def _cut(figures: Mapping[str, Any]) -> dict[str, float | None]:
    kept = list(figures.items())[:FIGURES_MAX]
    return {make_printable(str(name), _NAME_MAX): _shorten(value) for name, value in kept}


def _shorten(value: float | None) -> float | None:
    """Six digits are what anybody looks at."""
    return float(f"{value:.6g}") if value is not None and isfinite(value) else None
