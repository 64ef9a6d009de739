"""What a worked example is: a task on real data, and how its table is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "examples"


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
