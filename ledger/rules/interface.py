"""What a screening rule is given and what it returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from ledger.arithmetic.exact import GridState
from ledger.rules.judge_memory import JudgeMemory


@dataclass(frozen=True)
class ScreeningInput:
    """Everything a rule may look at. All states are (d,), int32, on the grid of ledger.arithmetic.exact.

    base: the judge's model at the round's start. own: its public state. neighbours: seat → public state of those
    that decoded. eligible: the seats that may enter the next base (not quarantined). round: 1..rounds.
    judge: its seat. seed: the round's, 32 bytes, drawn after all commits. tenures: seat → which holder of that seat
    it is. memory: what the judge kept of earlier rounds. loss: the judge's private loss of a state, None wherever
    the rule is recomputed by anyone else.
    """

    base: GridState
    own: GridState
    neighbours: Mapping[int, GridState]
    eligible: frozenset[int]
    round: int
    rounds: int
    judge: int = 0
    seed: bytes = bytes(32)
    tenures: Mapping[int, int] = field(default_factory=dict)
    memory: JudgeMemory = field(default_factory=JudgeMemory)
    loss: Callable[[GridState], float] | None = None


@dataclass(frozen=True)
class Judgement:
    """One verdict and the integers that decided it, for the record."""

    accepted: bool
    figures: Mapping[str, int]


@dataclass(frozen=True)
class ScreeningResult:
    """A judgement for every neighbour, which of them were mixed in, and what the judge goes on with.

    next_base: (d,), int32. memory: empty under a rule that keeps none.
    """

    judgements: Mapping[int, Judgement]
    mixed: frozenset[int]
    next_base: GridState
    memory: JudgeMemory = field(default_factory=JudgeMemory)


class Rule(Protocol):
    """A screening and mixing rule: a pure function of the situation, bit-exact on every machine (R12).

    needs_base: whether the outcome depends on the situation's base. needs_memory: whether it depends on its memory.
    judges_each_alone: whether a neighbour's verdict follows without the other neighbours' states, so that it can be
    recomputed when some of those are lost. is_replayable: False where the outcome depends on the judge's private
    data, so that nobody else can recompute it.
    """

    needs_base: ClassVar[bool]
    needs_memory: ClassVar[bool]
    judges_each_alone: ClassVar[bool]
    is_replayable: ClassVar[bool]

    def screen(self, inputs: ScreeningInput) -> ScreeningResult:
        """Judge every neighbour and mix."""
        ...
