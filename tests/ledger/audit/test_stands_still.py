"""Peers that have converged publish what they mixed, perhaps the same: that is no copy."""

import numpy as np

from ledger.arithmetic.exact import to_float
from ledger.audit.round_checks import stands_still
from ledger.codec import BLOCK, Blocks, frame_steps, quantise

BLOCKS = Blocks((2 * BLOCK + 5,))


def base_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-60_000, 60_000, 2 * BLOCK + 5).astype(np.int32)


def test_the_published_base_itself_stands_still() -> None:
    base = base_of(1)
    assert stands_still(quantise(to_float(base), BLOCKS).state, base, BLOCKS)


def test_a_step_of_learning_in_one_value_does_not_stand_still() -> None:
    base = base_of(2)
    moved = to_float(base)
    moved[BLOCK + 3] += 0.05
    assert not stands_still(quantise(moved, BLOCKS).state, base, BLOCKS)


def test_a_whole_step_is_still_none_and_one_unit_more_is() -> None:
    base = base_of(4)
    steps = frame_steps(to_float(base), BLOCKS)
    for place in (0, BLOCK, 2 * BLOCK + 4):
        for sign in (1, -1):
            moved = base.copy()
            moved[place] += sign * steps[place]
            assert stands_still(moved, base, BLOCKS)
            moved[place] += sign
            assert not stands_still(moved, base, BLOCKS)


def test_nothing_stands_still_at_an_unknown_base() -> None:
    assert not stands_still(base_of(3), None, BLOCKS)
