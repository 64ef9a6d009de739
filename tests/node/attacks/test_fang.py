"""Fang's attacks: where their poison lies, and that the rule they are made against takes it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.sights import chosen, sight_of, vector


def test_the_trimmed_mean_attack_lies_beyond_the_extreme_that_is_against_the_way() -> None:
    # Two coordinates rise, with a positive and a negative minimum; two fall, with such maxima.
    states = [[1, -4, 4, -4], [3, -2, 2, -2]]
    poison = chosen("fang-trim").plan(sight_of(states, [0, -9, 9, 0]))
    lowest, highest = [0.5, -8, 4, -2], [1, -4, 8, -1]
    assert (poison >= lowest).all()
    assert (poison <= highest).all()


def test_with_partial_knowledge_it_lies_three_to_four_deviations_out() -> None:
    own = {6: vector(1, 1), 7: vector(3, 3)}
    seen = sight_of([[9, 9]], [0, 9], accomplices=own)
    poison = chosen("fang-trim", {"partial": 1}).plan(seen)
    assert 2 - 4 <= poison[0] <= 2 - 3
    assert 2 + 3 <= poison[1] <= 2 + 4


def chosen_by_krum(states: NDArray[np.float64], hostile: int) -> int:
    """The index that Krum chooses, by its definition."""
    distances = ((states[:, None] - states[None]) ** 2).sum(axis=2)
    count = len(states) - hostile - 2
    return int(np.argmin([np.sort(np.delete(row, i))[:count].sum() for i, row in enumerate(distances)]))


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_krum_chooses_the_poison_of_the_krum_attack_and_would_not_choose_one_twice_as_far(copies: int) -> None:
    honest = np.random.default_rng(3).normal(1.0, 0.3, size=(8, 20))
    base = np.full(20, 0.75)
    seen = sight_of(honest.tolist(), base.tolist(), colluders=tuple(range(8, 8 + copies)))
    away = chosen("fang-krum").plan(seen) - base
    # All coordinates rise, so that all poison is below the base, by the same λ.
    assert away == pytest.approx(np.full(20, away[0]), abs=1e-6)
    assert away[0] < -1e-5
    for factor, is_taken in ((1, True), (2, False)):
        candidates = np.concatenate([honest, np.repeat((base + factor * away)[None], copies, axis=0)])
        assert (chosen_by_krum(candidates, copies) >= 8) == is_taken


def test_where_krum_takes_nothing_the_krum_attack_publishes_the_base() -> None:
    # Three honest peers who agree to the bit: every other state is further from them than they are from each other.
    poison = chosen("fang-krum").plan(sight_of([[5.0, 5.0]] * 3, [0.0, 0.0]))
    assert np.abs(poison).max() < 1e-4
