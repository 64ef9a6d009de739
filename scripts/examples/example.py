"""What a worked example is: a task on real data, and how its table is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

RULE_CHOICES: Final[tuple[Mapping[str, int], ...]] = (
    {},
    {"share_milli": 400, "spectral_milli": 6000},
    {"share_milli": 1000},
)
"""TETHER's defaults; its spectral test firing later, as small models on data that differ much want it; and never."""
PAGES = Path(__file__).parents[2] / "docs" / "examples"


@dataclass(frozen=True)
class Choice:
    """Settings that were tried beside others for the same rows, on what is held out of the training part."""

    rows: tuple[str, ...]
    """Of the table, whose main figures decide, by their mean."""
    fields: Mapping[str, Any]
    """Of the example, in place of its own; options are put over its own."""

    def __str__(self) -> str:
        told = {name: Path(value).name for name, value in self.fields.items() if isinstance(value, str)}
        for value in self.fields.values():
            told |= value if isinstance(value, Mapping) else {}
        return " ".join(f"{name}={value}" for name, value in told.items()) or "defaults"

    def apply(self, example: "Example") -> "Example":
        """The example with these settings."""
        merged: dict[str, Any] = {
            name: {**getattr(example, name), **value} if name.endswith("options") else value
            for name, value in self.fields.items()
        }
        return replace(example, **merged)


@dataclass(frozen=True)
class Example:
    """A task and a circle for it. `python -m scripts.examples NAME` prints its table."""

    title: str
    """A few words."""
    task: str
    """Its name, or FILE.py:CLASS."""
    figures: tuple[str, ...]
    """Those of the task's that the table shows, the one that matters most first."""
    attack: str
    """What the poisoners do."""
    privacy: str
    """The circle's terms in the row with privacy, as --privacy takes them; they say ε."""
    peers: int = 8
    """How many, the poisoners included."""
    rounds: int = 30
    """The last round."""
    degree: int = 4
    """Neighbours that a peer judges in a round."""
    samples: int = 1000
    """Training examples a peer, at most."""
    skew: float = 0.5
    """How differently labels fall to peers, where no natural owner says whose examples are whose."""
    malicious: float = 0.2
    """The share of peers that poison."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The task's own, as --option takes them."""
    data: Callable[[], Path] | None = None
    """What the peers train on, fetched if need be; None where the task has it."""
    attack_parameters: Mapping[str, float] = field(default_factory=dict)
    """In place of the attack's defaults."""
    learning: Mapping[str, float] = field(default_factory=dict)
    """In place of the task's."""
    rule_parameters: Mapping[str, int] = field(default_factory=dict)
    """In place of the rule's defaults."""
    alone_options: Mapping[str, str] = field(default_factory=dict)
    """The task's own where each trains alone, over those of all."""
    kind: str = ""
    """Of its data, where the task is FILE.py:CLASS: `series`, `table` or `text`."""
    validation_task: str | None = None
    """The task with part of what it trains on held out in place of what it measures on; None where its data are
    files."""
    choices: tuple[Choice, ...] = ()
    """What its settings were chosen from; those of the same rows are weighed against each other."""
