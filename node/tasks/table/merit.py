"""How good a table's model is, in figures that fit: plain numpy, as scikit-learn's import costs 1.7 CPU seconds.

scores: (n,), larger where an example is more likely a positive. truth: (n,), whether it is one. A figure that the
examples do not define (all of one kind) is NaN.
"""

from math import ceil, nan
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


def compute_auc(scores: Scores, truth: Truth) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, ties counted half."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return nan
    _, tie, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[tie]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def compute_ap(scores: Scores, truth: Truth) -> float:
    """Average precision: the precision at each threshold, weighted by the recall that it adds."""
    positives = int(truth.sum())
    if not positives:
        return nan
    flagged, found = _count_flagged(scores, truth)
    added = np.diff(found, prepend=0)
    return float((added * found / flagged).sum() / positives)


def compute_recall_at(scores: Scores, truth: Truth, alarms: float) -> float:
    """The share of positives that are found where so large a share of all examples may raise an alarm.

    Of those that score the same some raise one, drawn by lot: the mean over the lots.
    """
    positives = int(truth.sum())
    if not positives:
        return nan
    room = ceil(alarms * len(truth))
    flagged, found = _count_flagged(scores, truth)
    return float(np.interp(room, np.concatenate([[0], flagged]), np.concatenate([[0], found])) / positives)


def _count_flagged(scores: Scores, truth: Truth) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """For each score, the highest first: how many examples reach it, and how many positives among them."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return last + 1, np.cumsum(truth[order])[last]


def compute_balanced_accuracy(guesses: npt.NDArray[np.int64], truth: npt.NDArray[np.int64]) -> float:
    """The mean over the classes that occur of how many of it are told right."""
    found = [float((guesses[truth == one] == one).mean()) for one in np.unique(truth)]
    return float(np.mean(found))


def compute_errors(guesses: Scores, truth: Scores) -> dict[str, float]:
    """Mean absolute error and root mean square error, both in the target's unit, and R²."""
    misses = guesses - truth
    spread = float(((truth - truth.mean()) ** 2).sum())
    return {
        "mae": float(np.abs(misses).mean()),
        "rmse": float(np.sqrt((misses**2).mean())),
        "r2": 1 - float((misses**2).sum()) / spread if spread else nan,
    }
