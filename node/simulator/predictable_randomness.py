"""Noise that anybody can work out again: what a simulation needs to be repeatable, and what protects nobody."""

import numpy as np

from node.learning.private.randomness import Words


class PredictableRandomness:
    """Words that follow from a seed. For simulations alone: no peer trains with them."""

    def __init__(self, *seeds: int) -> None:
        """seeds: numbers from 0 up that name this stream."""
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seeds)))

    def draw_words(self, count: int) -> Words:
        return self._generator.integers(0, 1 << 64, count, np.uint64)
