"""What is asked of a process before it is called healthy: named checks, each with a sentence. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One thing that is so, or is not."""

    name: str
    """A word for machines; always one of a few."""
    is_ok: bool
    """Whether it is as it should be."""
    says: str
    """What was seen, a sentence's part."""
    is_needed: bool = True
    """Whether a process without it does not do its work; else it is a warning of what comes."""


@dataclass(frozen=True)
class Health:
    """All checks of one moment."""

    checks: Sequence[Check]
    """In the order in which they are told."""

    @property
    def is_ready(self) -> bool:
        """Whether the process does its work."""
        return all(one.is_ok for one in self.checks if one.is_needed)

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong at all."""
        return all(one.is_ok for one in self.checks)

    def to_fields(self, *, is_ok: bool) -> dict[str, Any]:
        """As it is answered: the reasons stand first where there are any."""
        told = sorted(self.checks, key=lambda one: one.is_ok)
        return {
            "ok": is_ok,
            "checks": [
                {"check": one.name, "ok": one.is_ok, "needed": one.is_needed, "says": one.says} for one in told
            ],
        }
