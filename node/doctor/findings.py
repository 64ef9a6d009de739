"""What was found, and the looking itself: groups of checks side by side, each within its time."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ledger.untrusted.text import make_printable

_SAID_MAX = 400


class Level(StrEnum):
    """How bad something is."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """A node runs, and this may cost it rounds or coin."""
    WRONG = "wrong"
    """A node does not run like this, or not for long."""


@dataclass(frozen=True)
class Finding:
    """One line."""

    check: str
    """A word or two, the same each time."""
    level: Level
    """How bad it is."""
    saw: str
    """What was seen."""
    do: str = ""
    """What to do about it; empty where nothing is to be done."""

    def to_fields(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"check": self.check, "level": self.level.value, "saw": self.saw, "do": self.do}


class Notebook:
    """Takes findings of one group in, in order."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.is_done = False

    def ok(self, check: str, saw: str) -> None:
        """All is well."""
        self._add(check, Level.OK, saw, "")

    def warn(self, check: str, saw: str, do: str) -> None:
        """Something may go wrong."""
        self._add(check, Level.WARNING, saw, do)

    def wrong(self, check: str, saw: str, do: str) -> None:
        """Something is wrong."""
        self._add(check, Level.WRONG, saw, do)

    def _add(self, check: str, level: Level, saw: str, do: str) -> None:
        self.findings.append(Finding(check, level, make_printable(saw, _SAID_MAX), make_printable(do, _SAID_MAX)))


def split_sentence(error: Exception, else_do: str) -> tuple[str, str]:
    """What an expected error saw, and what it says is to be done; else_do: where it says nothing of that."""
    saw, colon, do = str(error).rpartition(": ")
    return (saw, do) if colon else (do, else_do)


Group = Callable[[Notebook], None]


def examine(groups: Mapping[str, Group], limit_s: float) -> list[Finding]:
    """Run all groups side by side and return what they found, in the order of the groups.

    limit_s: what is not done by then is told as such. A group that fails is a finding too, and ends no other.
    """
    until = time.monotonic() + limit_s
    begun: list[tuple[str, Notebook, threading.Thread]] = []
    for name, look in groups.items():
        notebook = Notebook()
        # Daemons: whatever hangs does not keep the command from ending.
        thread = threading.Thread(target=_run, args=(name, look, notebook), name=f"doctor-{name}", daemon=True)
        thread.start()
        begun.append((name, notebook, thread))
    found: list[Finding] = []
    for name, notebook, thread in begun:
        thread.join(max(0.0, until - time.monotonic()))
        found += list(notebook.findings)
        if not notebook.is_done:
            saw = f"not done within {limit_s:g} s"
            found.append(Finding(name, Level.WRONG, saw, "see what hangs, or give it more time with --limit"))
    return found


def _run(name: str, look: Group, notebook: Notebook) -> None:
    try:
        look(notebook)
    except Exception as error:
        notebook.wrong(
            name, f"could not be looked at ({type(error).__name__}: {error})", "mend that and look again"
        )
    notebook.is_done = True


def is_sound(findings: Sequence[Finding]) -> bool:
    """Whether nothing is wrong; warnings may be."""
    return all(one.level != Level.WRONG for one in findings)
