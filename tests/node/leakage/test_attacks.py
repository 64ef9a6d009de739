"""Attackers find what is there, and nothing where nothing is."""

import numpy as np
import pytest

from node.leakage.attacks import LEAKAGE_ATTACKS, Trials, score_blindly
from node.leakage.figures import measure_area

RUNS, ROUNDS, EXAMPLES = 48, 2, 60


def make_trials(effect: float, seed: int = 1) -> tuple[Trials, Trials]:
    """Signs with the lasting differences of examples and runs, and so much of who was in; and as many shadows."""
    rng = np.random.default_rng(seed)
    is_in = rng.random((RUNS, EXAMPLES)) < 0.5
    lasting = 3 * rng.normal(size=(1, 1, EXAMPLES, 2)) + rng.normal(size=(RUNS, ROUNDS, 1, 2))
    units = np.exp(rng.normal(size=(1, 1, EXAMPLES, 1)))
    signs = lasting + units * (rng.normal(size=(RUNS, ROUNDS, EXAMPLES, 2)) + effect * is_in[:, None, :, None])
    return Trials(signs, is_in).split(RUNS // 2)


@pytest.mark.parametrize("name", LEAKAGE_ATTACKS)
def test_where_nothing_hangs_on_who_was_in_an_attack_finds_a_half(name: str) -> None:
    values = []
    for seed in range(20):
        attacked, shadows = make_trials(0.0, seed)
        values.append(measure_area(LEAKAGE_ATTACKS[name](attacked, shadows), attacked.is_in).value)
    assert np.mean(values) == pytest.approx(0.5, abs=0.015)


def test_shuffled_answers_give_a_half_where_the_right_ones_give_much() -> None:
    attacked, shadows = make_trials(0.8)
    scores = LEAKAGE_ATTACKS["shadows"](attacked, shadows)
    shuffled = np.random.default_rng(2).permuted(attacked.is_in, axis=1)
    assert measure_area(scores, attacked.is_in).low > 0.75
    chance = measure_area(scores, shuffled)
    assert chance.low < 0.5 < chance.high


def test_who_has_shadows_finds_more() -> None:
    attacked, shadows = make_trials(0.5)
    areas = {
        name: measure_area(score(attacked, shadows), attacked.is_in) for name, score in LEAKAGE_ATTACKS.items()
    }
    assert areas["shadows"].low > max(areas["loss"].high, areas["steps"].high)


def test_blind_scores_follow_from_what_was_published_alone() -> None:
    trials, _ = make_trials(0.5)
    other = Trials(trials.signs, ~trials.is_in)
    assert np.array_equal(score_blindly(trials), score_blindly(other))
    assert measure_area(score_blindly(trials), trials.is_in).low > 0.6


def test_an_example_that_no_shadow_had_is_scored_all_the_same() -> None:
    attacked, shadows = make_trials(0.5)
    shadows.is_in[:, 0] = False
    assert np.isfinite(LEAKAGE_ATTACKS["shadows"](attacked, shadows)).all()
