"""What a peer knows when it has trained and is about to publish; a poisoner makes its poison of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.circle.manifest import Tensor
from ledger.codec import blocks_of
from ledger.privacy.terms import PrivacyTerms
from ledger.rules import Rule
from ledger.rules.judge_memory import JudgeMemory
from ledger.rules.undefended import Undefended

Vector = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PeerView:
    """One peer's view at the moment of publishing. All states are (d,), float32."""

    round: int
    """1..rounds."""
    rounds: int
    """The circle's last round."""
    seat: int
    """One's own."""
    base: Vector
    """The state one's round began with."""
    trained: Vector
    """The same after honest training."""
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    """One's own noise."""
    honest: Mapping[int, Vector] = field(default_factory=dict)
    """Seat → the newest public state that the poisoners know.

    This round's in the simulator (the omniscient worst case), the last round's through the production path, where
    commits are sealed until all have committed.
    """
    bases: Mapping[int, Vector] = field(default_factory=dict)
    """Seat → the model that the honest peer starts this round from, as far as known."""
    accomplices: Mapping[int, Vector] = field(default_factory=dict)
    """Seat → what an accomplice's honest training gave, one's own included, as far as known."""
    colluders: tuple[int, ...] = ()
    """All poisoners' seats, one's own included."""
    peers: int = 2
    """How many members the circle has."""
    rule: Rule = field(default_factory=Undefended)
    """The circle's."""
    degree: int = 1
    """The circle's: how many neighbours a peer judges."""
    memories: Mapping[int, JudgeMemory] = field(default_factory=dict)
    """Seat → what the honest judge kept of earlier rounds."""
    privacy: PrivacyTerms | None = None
    """The circle's terms of privacy; None where it has none."""
    layout: tuple[Tensor, ...] = ()
    """The tensors that the states are made of, each in its unit."""
    seed: int = 0
    """The same for all poisoners over all rounds, so that they agree on what is random without talking."""
    noise_variance: Fraction | None = None
    """s², of the noise that privacy terms put into each value of a step (R30.5); None without such terms."""

    @property
    def parts(self) -> list[slice]:
        """Where each tensor of the layout lies in a state."""
        return list(blocks_of(tuple(tensor.size for tensor in self.layout)).tensors)

    @property
    def rank(self) -> int:
        """One's own place among the poisoners, from 0."""
        return sum(seat < self.seat for seat in self.colluders)

    @property
    def poisoners(self) -> int:
        """How many collude, oneself included."""
        return max(1, len(self.colluders))

    @cached_property
    def targets(self) -> tuple[int, ...]:
        """The seats behind `states`, ascending: the honest known, else the accomplices known, else one's own."""
        return tuple(sorted(self.honest or self.accomplices or {self.seat: self.trained}))

    @cached_property
    def states(self) -> Matrix:
        """The states to reckon with, (targets, d): with no honest state known yet, those of one's own side."""
        known = self.honest or self.accomplices or {self.seat: self.trained}
        return np.stack([known[seat] for seat in self.targets])

    @cached_property
    def starts(self) -> Matrix:
        """The bases behind `states`, (targets, d); one's own base stands in for those not known."""
        return np.stack([self.bases.get(seat, self.base) for seat in self.targets])

    @cached_property
    def centre(self) -> Vector:
        """The mean of `states`."""
        return compute_mean(self.states)

    @cached_property
    def step(self) -> Vector:
        """The mean honest step, from the mean of `starts` to the mean of `states`."""
        return self.centre - compute_mean(self.starts)

    def make_agreed_generator(self, *numbers: int) -> np.random.Generator:
        """Randomness that all poisoners draw alike, other for other numbers (such as the round)."""
        return np.random.default_rng([self.seed, *numbers])


@dataclass(frozen=True)
class KnownStates:
    """What a peer knows of the others' states before its training."""

    honest: Mapping[int, Vector] = field(default_factory=dict)
    """As in PeerView."""
    bases: Mapping[int, Vector] = field(default_factory=dict)
    """As in PeerView."""
    memories: Mapping[int, JudgeMemory] = field(default_factory=dict)
    """As in PeerView."""
    peers: int = 2
    """As in PeerView."""


NOTHING_KNOWN: Final = KnownStates()


def compute_mean(states: Matrix) -> Vector:
    """The mean over the first axis, summed in float64. states: (n, d). Returns (d,), float32."""
    found: Vector = states.mean(axis=0, dtype=np.float64).astype(np.float32)
    return found
