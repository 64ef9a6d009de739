"""Noise that anybody can work out again: what a simulation needs to be repeatable, and what protects nobody."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from node.learning.private.mechanism import Mechanism, Privacy
from node.learning.private.randomness import Words
from node.simulator.privacy_budget import find_rounds_in_budget


class PredictableRandomness:
    """Words that follow from a seed. For simulations alone: no peer trains with them."""

    def __init__(self, *seeds: int) -> None:
        """seeds: numbers from 0 up that name this stream."""
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seeds)))

    def draw_words(self, count: int) -> Words:
        return self._generator.integers(0, 1 << 64, count, np.uint64)


class PredictableTraining:
    """One simulated peer's private training, which nothing charges."""

    def __init__(
        self,
        privacy: Mapping[str, float],
        seed: int,
        seat: int,
        spoil: Callable[[Mechanism, int], Mechanism] = lambda agreed, _: agreed,
        first: int = 1,
    ) -> None:
        """privacy: see Scenario. spoil: gives what an attacker does instead, of the mechanism and the round.

        first: the round from which on the peer is there, and charged.
        """
        self._privacy, self._seed, self._seat, self._spoil = privacy, seed, seat, spoil
        self._first = first

    def begin(self, round_number: int, examples: int) -> Privacy | None:
        """The means of a round, the same each time; None where the budget lacks it."""
        within = find_rounds_in_budget(self._privacy, examples)
        if within is not None and round_number - self._first >= within:
            return None
        batch = int(self._privacy["batch"])
        mechanism = Mechanism(
            steps=int(self._privacy["steps"]),
            batch=batch,
            rate=min(Fraction(1), Fraction(batch, examples)),
            clip=self._privacy["clip"],
            sigma=self._privacy["sigma"],
            learning_rate=self._privacy["lr"],
            examples=examples,
        )
        randomness = PredictableRandomness(self._seed, self._seat, round_number)
        return Privacy(self._spoil(mechanism, round_number), randomness)
