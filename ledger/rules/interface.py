"""What a screening rule is given and what it returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ledger.arithmetic.exact import GridState
from ledger.rules.judge_memory import JudgeMemory


@dataclass(frozen=True)
class ScreeningInput:
    """Everything a rule may look at. All states are (d,), int32, on the grid of ledger.arithmetic.exact."""

    base: GridState
    """The judge's model at the round's start."""
    own: GridState
    """The judge's public state."""
    neighbours: Mapping[int, GridState]
    """Seat → public state of those that decoded."""
    eligible: frozenset[int]
    """The seats that may enter the next base (not quarantined)."""
    round: int
    """1..rounds."""
    rounds: int
    """The circle's last round."""
    judge: int = 0
    """The judge's seat."""
    seed: bytes = bytes(32)
    """The round's, 32 bytes, drawn after all commits."""
    tenures: Mapping[int, int] = field(default_factory=dict)
    """Seat → which holder of that seat it is."""
    memory: JudgeMemory = field(default_factory=JudgeMemory)
    """What the judge kept of earlier rounds."""
    loss: Callable[[GridState], float] | None = None
    """The judge's private loss of a state; None wherever the rule is recomputed by anyone else."""
    noise_floors: Mapping[int, int] | None = None
    """Seat, the judge's too, → the least squared length of a step that holds its noise, in grid units squared, 0
    where its author was not charged (R12.5); None where the circle has no privacy terms."""


@dataclass(frozen=True)
class Judgement:
    """One verdict and the integers that decided it, for the record."""

    accepted: bool
    figures: Mapping[str, int]


@dataclass(frozen=True)
class Weights:
    """How a next base is made of states: Σ weight · state / Σ weight, rounded half up to the grid.

    No weight is negative, and not all are 0 (R33.2).
    """

    own: int
    """Of the judge's own public state."""
    others: Mapping[int, int]
    """Seat → of its public state; of those that were mixed alone."""
    base: int = 0
    """Of the base that the judge started from."""

    @property
    def total(self) -> int:
        """What all are divided by."""
        return self.base + self.own + sum(self.others.values())


@dataclass(frozen=True)
class ScreeningResult:
    """A judgement for every neighbour, which of them were mixed in, and what the judge goes on with."""

    judgements: Mapping[int, Judgement]
    """Seat → judgement."""
    mixed: frozenset[int]
    """The seats whose states entered the next base."""
    next_base: GridState
    """(d,), int32."""
    memory: JudgeMemory = field(default_factory=JudgeMemory)
    """Empty under a rule that keeps none."""
    weights: Weights | None = None
    """What `next_base` is made of; None under a rule that weighs each value by itself, or by private data."""


class Rule(Protocol):
    """A screening and mixing rule: a pure function of the situation, bit-exact on every machine (R12)."""

    @property
    def needs_base(self) -> bool:
        """Whether the outcome depends on the situation's base."""
        ...

    @property
    def needs_memory(self) -> bool:
        """Whether it depends on its memory."""
        ...

    @property
    def judges_each_alone(self) -> bool:
        """Whether a neighbour's verdict follows without the other neighbours' states, so that it can be recomputed
        when some of those are lost."""
        ...

    @property
    def is_replayable(self) -> bool:
        """False where the outcome depends on the judge's private data, so that nobody else can recompute it."""
        ...

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Judge every neighbour and mix."""
        ...
