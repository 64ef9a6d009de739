"""Areas, rates and bounds, beside slow ways to reckon them, and what chance makes of them."""

import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu

from node.leakage.figures import (
    Frequency,
    compute_area,
    find_epsilon_bound,
    measure_area,
    measure_curve,
    measure_one_area,
    measure_recognition,
    refute_epsilon,
)

RUNS, EXAMPLES = 20, 60


@pytest.mark.parametrize(("hits", "trials"), [(0, 7), (7, 7), (3, 40), (143, 2004), (0, 0)])
def test_a_rate_has_the_interval_of_clopper_and_pearson(hits: int, trials: int) -> None:
    rate = Frequency.of(hits, trials)
    if not trials:
        assert (rate.low, rate.high) == (0.0, 1.0)
        return
    known = binomtest(hits, trials).proportion_ci(0.99, method="exact")
    assert (rate.low, rate.high) == pytest.approx((known.low, known.high), abs=1e-9)


def test_an_area_is_that_of_mann_and_whitney_with_ties_too() -> None:
    rng = np.random.default_rng(3)
    scores, is_member = rng.integers(0, 6, 50).astype(float), rng.random(50) < 0.4
    known = mannwhitneyu(scores[is_member], scores[~is_member]).statistic / (is_member.sum() * (~is_member).sum())
    assert compute_area(scores, is_member) == pytest.approx(known)
    assert np.isnan(compute_area(scores, np.ones(50, bool)))


def test_by_chance_an_area_is_half_and_its_interval_seldom_misses_that() -> None:
    rng, missed, values = np.random.default_rng(4), 0, []
    for _ in range(300):
        area = measure_area(rng.normal(size=(RUNS, EXAMPLES)), rng.random((RUNS, EXAMPLES)) < 0.5)
        missed += not area.low <= 0.5 <= area.high
        values.append(area.value)
    assert missed <= 10
    assert np.mean(values) == pytest.approx(0.5, abs=0.004)


def test_the_interval_of_a_single_run_seldom_misses_what_is_true() -> None:
    rng, missed = np.random.default_rng(6), 0
    is_member = np.arange(120) < 60
    for _ in range(300):
        # One normal variable above another that is one deviation lower: .760.
        area = measure_one_area(rng.normal(size=120) + is_member, is_member)
        missed += not area.low <= 0.760 <= area.high
    assert missed <= 10
    assert (area.runs, area.members, area.others) == (1, 60, 60)
    scores = np.array([1.0, 1, 2, 0])
    assert measure_one_area(scores, np.array([True, False, True, False])).value == 0.875


def test_an_area_says_how_many_runs_and_trials_it_is_of() -> None:
    is_member = np.array([[True, False, False], [True, True, False], [True, True, True]])
    area = measure_area(np.array([[2.0, 1, 0], [2, 1, 0], [2, 1, 0]]), is_member)
    # The last run has no non-member to compare with.
    assert (area.value, area.runs, area.members, area.others) == (1.0, 2, 6, 3)
    alone = measure_area(np.array([[2.0, 1, 0]]), is_member[:1])
    assert not alone.is_above_chance


def test_no_more_false_alarms_than_allowed_and_all_members_above_them() -> None:
    others, members = np.arange(200.0), np.array([150.0, 198.5, 199.5, 300.0])
    scores = np.concatenate([others, members])
    found = measure_recognition(scores, np.arange(204) >= 200, 0.01)
    assert found is not None
    assert (found.false_alarms.hits, found.false_alarms.trials) == (2, 200)
    assert (found.recognised.hits, found.recognised.trials) == (3, 4)


def test_too_few_non_members_for_one_false_alarm_give_no_figure() -> None:
    assert measure_recognition(np.arange(90.0), np.arange(90) >= 60, 0.01) is None


def test_guesses_at_random_prove_nothing_and_right_ones_much() -> None:
    assert refute_epsilon(150, 300, 600, 1e-5, 1e-3) == 0.0
    assert refute_epsilon(300, 300, 600, 1e-5, 1e-3) > 3.0


def test_a_bound_is_seldom_above_what_is_true() -> None:
    """Randomised response with ε = 1 tells the truth with e / (1 + e): what it proves of ε stays below 1."""
    rng, above, bounds = np.random.default_rng(5), 0, []
    for _ in range(100):
        is_in = rng.random((4, 300)) < 0.5
        said = np.where(rng.random(is_in.shape) < np.e / (1 + np.e), is_in, ~is_in)
        scores = said + rng.random(is_in.shape) / 2
        bounds.append(find_epsilon_bound(scores, is_in, 1e-6, (0.02, 0.1, 0.3)).epsilon)
        above += bounds[-1] > 1.0
    assert above <= 3
    assert np.mean(bounds) > 0.6


def test_a_bound_says_of_how_many_guesses_it_is() -> None:
    is_in = np.arange(200) >= 100
    found = find_epsilon_bound(np.arange(200.0), is_in, 1e-5, (0.1, 0.5))
    assert (found.right, found.guesses, found.canaries) == (200, 200, 200)
    assert find_epsilon_bound(-np.arange(200.0), is_in, 1e-5, (0.1, 0.5)).epsilon == 0.0


def test_a_curve_goes_through_what_is_recognised_and_holds_the_area() -> None:
    rng = np.random.default_rng(8)
    is_member = rng.random((RUNS, EXAMPLES)) < 0.5
    scores = rng.normal(size=(RUNS, EXAMPLES)) + is_member
    curve = measure_curve(scores, is_member)
    assert (curve.members, curve.others) == (is_member.sum(), (~is_member).sum())
    assert (curve.false_alarms[0], curve.false_alarms[-1], curve.found[-1]) == (0, curve.others, curve.members)
    assert curve.found[0] == (scores[is_member] > scores[~is_member].max()).sum()
    assert list(curve.found) == sorted(curve.found)
    for allowed, found in zip(curve.false_alarms, curve.found, strict=True):
        known = measure_recognition(scores, is_member, (allowed + 0.5) / curve.others)
        assert known is None or known.recognised.hits == found
    shares = np.array(curve.found) / curve.members, np.array(curve.false_alarms) / curve.others
    area = compute_area(scores.reshape(-1), is_member.reshape(-1))
    assert np.trapezoid(*shares) == pytest.approx(area, abs=0.01)


def test_a_curve_of_equal_scores_finds_nothing_before_it_takes_all() -> None:
    is_member = np.array([True, False, True, False, False])
    curve = measure_curve(np.ones(5), is_member)
    assert (curve.false_alarms, curve.found) == ((0, 1, 2, 3), (0, 0, 0, 2))
    nobody = measure_curve(np.ones(3), np.zeros(3, bool))
    assert (nobody.members, nobody.found[-1]) == (0, 0)
