"""The figures are scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics

from node.tasks.table.merit import (
    compute_ap,
    compute_auc,
    compute_balanced_accuracy,
    compute_errors,
    compute_recall_at,
)


@pytest.mark.parametrize("levels", [3, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_auc_and_average_precision_are_those_of_scikit_learn_ties_included(levels: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth = generator.random(200) < 0.1
    scores = np.floor(generator.random(200) * levels + truth * levels / 4)
    assert compute_auc(scores, truth) == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert compute_ap(scores, truth) == pytest.approx(metrics.average_precision_score(truth, scores))


def test_recall_at_an_alarm_rate_counts_who_is_found_among_so_many_alarms() -> None:
    scores, truth = np.arange(100.0), np.zeros(100, bool)
    truth[[99, 96, 50, 0]] = True
    assert compute_recall_at(scores, truth, 0.05) == 0.5
    assert compute_recall_at(scores, truth, 0.5) == 0.75
    # All alike: the alarms fall by lot.
    assert compute_recall_at(np.zeros(100), truth, 0.05) == pytest.approx(0.05)


def test_without_positives_nothing_is_said() -> None:
    scores, none = np.arange(3.0), np.zeros(3, bool)
    assert np.isnan(
        [compute_auc(scores, none), compute_ap(scores, none), compute_recall_at(scores, none, 0.1)]
    ).all()
    assert np.isnan(compute_auc(scores, ~none))


def test_errors_and_balanced_accuracy_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    truth, guesses = generator.random(50), generator.random(50)
    found = compute_errors(guesses, truth)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(truth, guesses))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, guesses))
    assert found["r2"] == pytest.approx(metrics.r2_score(truth, guesses))
    labels, told = generator.integers(0, 3, 50), generator.integers(0, 3, 50)
    assert compute_balanced_accuracy(told, labels) == pytest.approx(metrics.balanced_accuracy_score(labels, told))
