"""Peers that have converged publish what they mixed, perhaps the same: that is no copy."""

import numpy as np

from ledger.audit.rounds import stands_still
from ledger.codec import BLOCK, Blocks, quantise
from ledger.exact import to_float

BLOCKS = Blocks((2 * BLOCK + 5,))


def base_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-60_000, 60_000, 2 * BLOCK + 5).astype(np.int32)


def test_the_published_base_itself_stands_still():
    base = base_of(1)
    assert stands_still(quantise(to_float(base), BLOCKS).state, base, BLOCKS)


def test_a_step_of_learning_in_one_value_does_not_stand_still():
    base = base_of(2)
    moved = to_float(base)
    moved[BLOCK + 3] += 0.05
    assert not stands_still(quantise(moved, BLOCKS).state, base, BLOCKS)


def test_nothing_stands_still_at_an_unknown_base():
    assert not stands_still(base_of(3), None, BLOCKS)
