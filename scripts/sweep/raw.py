"""The raw file of the sweep: one JSON line for every finished cell, appended at once."""

import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger import files
from ledger.errors import SetupError, UsageError
from node.simulator import Scenario

FILE: Final = "attacks.jsonl"


@dataclass(frozen=True)
class Line:
    """A finished cell."""

    scenario: str
    """Digest of what was simulated."""
    code: str
    """Digest of the sources that it follows from."""
    values: Mapping[str, Any]
    """All of it, as JSON has it."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """The fields of node.simulator's Summary; None for NaN."""
        found: Mapping[str, Any] = self.values["summary"]
        return found


def fields_of(scenario: Scenario) -> dict[str, Any]:
    """The fields that are not zero, empty or off, as JSON has them.

    Never those at their defaults: defaults change, and a line must say what it was then.
    """
    plain = json.loads(json.dumps(scenario.to_fields()))
    return {name: value for name, value in plain.items() if value}


def scenario_digest(scenario: Scenario) -> str:
    """The first 16 hex digits of the SHA-256 over `fields_of`, so that a new field that is off changes no digest."""
    return hashlib.sha256(json.dumps(fields_of(scenario), sort_keys=True).encode()).hexdigest()[:16]


def read(path: Path) -> list[Line]:
    """All finished cells; none where there is no file. A last line that is only half written is no line.

    Raises SetupError where another line is damaged.
    """
    if not path.exists():
        return []
    *whole, _ = path.read_bytes().split(b"\n")
    return [_line(path, number, text) for number, text in enumerate(whole, 1)]


def _line(path: Path, number: int, text: bytes) -> Line:
    try:
        values = json.loads(text)
        return Line(str(values["scenario_digest"]), str(values["code_digest"]), {"summary": {}, **values})
    except (ValueError, KeyError, TypeError):
        raise SetupError(f"line {number} of {path} is damaged: delete that line, then start again") from None


def append(path: Path, values: Mapping[str, Any]) -> None:
    """Add one line, and wait until it is on the disk."""
    line = json.dumps(values, sort_keys=True, allow_nan=False).encode() + b"\n"
    files.append(path, line, mode=files.PUBLIC)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Be the only sweep that writes to a file, and begin at the end of its last whole line.

    Raises UsageError where another sweep does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another sweep writes to {path}: wait for it, or name another --folder") from None
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        yield


def by_scenario(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Scenario digest → its lines, in the order of the file."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.scenario, []).append(line)
    return found
