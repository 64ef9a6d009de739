"""What a screening rule is given and what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ledger.exact import State


@dataclass(frozen=True)
class Situation:
    """Everything a rule may look at. All states are (d,), int32, on the grid of ledger.exact.

    base: the judge's model at the round's start. own: its public state. neighbours: seat → public state of those
    that decoded. eligible: the seats that may enter the next base (not quarantined). round: 1..rounds.
    """

    base: State
    own: State
    neighbours: Mapping[int, State]
    eligible: frozenset[int]
    round: int
    rounds: int


@dataclass(frozen=True)
class Judgement:
    """One verdict and the integers that decided it, for the record."""

    accepted: bool
    figures: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """A judgement for every neighbour of the situation, which of them were mixed in, and the judge's next base."""

    judgements: Mapping[int, Judgement]
    mixed: frozenset[int]
    next_base: State


class Rule(Protocol):
    """A screening and mixing rule: a pure function of the situation, bit-exact on every machine.

    needs_base: whether the outcome depends on the situation's base. judges_each_alone: whether a neighbour's
    verdict follows without the other neighbours' states, so that it can be recomputed when some of those are lost.
    """

    needs_base: ClassVar[bool]
    judges_each_alone: ClassVar[bool]

    def screen(self, situation: Situation) -> Outcome:
        """Judge every neighbour and mix."""
        ...
