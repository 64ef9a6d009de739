"""What guesses prove: areas, rates and bounds, each with its interval and how many trials it is of.

Every interval holds by itself with `CONFIDENCE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, betaincinv, gammaln, ndtri, stdtrit

CONFIDENCE: Final = 0.99
_EPSILON_MAX: Final = 20.0
_EPSILON_STEP: Final = 0.01
_CURVE_POINTS: Final = 120

Scores = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Frequency:
    """How often something happened, with its Clopper–Pearson interval."""

    hits: int
    """So many times."""
    trials: int
    """Out of so many; 0 where it was not tried."""
    low: float
    """The least that the true rate can be."""
    high: float
    """The most."""

    @classmethod
    def of(cls, hits: int, trials: int) -> "Frequency":
        """Source: Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404."""
        half = (1 - CONFIDENCE) / 2
        low = float(betaincinv(hits, trials - hits + 1, half)) if hits else 0.0
        high = float(betaincinv(hits + 1, trials - hits, 1 - half)) if hits < trials else 1.0
        return cls(hits, trials, low, high)

    @property
    def share(self) -> float:
        """0..1; NaN where it was not tried."""
        return self.hits / self.trials if self.trials else float("nan")


@dataclass(frozen=True)
class Area:
    """How often a member scores above a non-member of the same run: .5 by chance, 1 where all do."""

    value: float
    """The mean over the runs."""
    low: float
    """The least that it can be: by Student's t over the runs, of a single run by its examples."""
    high: float
    """The most."""
    runs: int
    """How many stand-ins were attacked."""
    members: int
    """Trials with an example that was trained on, over all runs."""
    others: int
    """Trials with one that was not."""

    @property
    def is_above_chance(self) -> bool:
        """Whether the whole interval lies above .5."""
        return self.low > 0.5


@dataclass(frozen=True)
class Recognition:
    """How many members are recognised where so many non-members may be taken for some."""

    allowed: float
    """The rate of false alarms that may be, 0..1."""
    recognised: Frequency
    """Of the members."""
    false_alarms: Frequency
    """Of the non-members, at the same threshold."""


@dataclass(frozen=True)
class Curve:
    """The ROC curve over all runs, at counts of false alarms that lie about as far apart on a logarithmic axis."""

    false_alarms: tuple[int, ...]
    """Non-members that may be taken for members, from 0 to all of them, rising."""
    found: tuple[int, ...]
    """The most members that any threshold finds with no more false alarms."""
    members: int
    """Out of so many."""
    others: int
    """Non-members, out of so many."""


@dataclass(frozen=True)
class EpsilonBound:
    """What right guesses prove of ε from below."""

    epsilon: float
    """At least so much, with `CONFIDENCE`; 0 where nothing is proved."""
    right: int
    """Guesses that were right, of those that proved most."""
    guesses: int
    """So many of them."""
    canaries: int
    """About so many was nothing known but what was published: each was in with probability one half."""
    delta: float
    """δ of what is refuted."""


def compute_area(scores: Scores, is_member: Marks) -> float:
    """The area under the ROC curve; ties count half. NaN where all are members, or none. (n,) each."""
    members = int(is_member.sum())
    others = len(scores) - members
    if not members or not others:
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[is_member].sum() - members * (members + 1) / 2) / (members * others))


def measure_area(scores: Scores, is_member: Marks) -> Area:
    """The mean of the runs' areas. scores, is_member: (runs, n)."""
    areas = [compute_area(*run) for run in zip(scores, is_member, strict=True)]
    found = np.array([one for one in areas if not np.isnan(one)])
    runs = len(found)
    mean = float(found.mean()) if runs else float("nan")
    half = float("nan")
    if runs > 1:
        half = float(stdtrit(runs - 1, (1 + CONFIDENCE) / 2)) * float(found.std(ddof=1)) / sqrt(runs)
    members = int(is_member.sum())
    return Area(mean, max(0.0, mean - half), min(1.0, mean + half), runs, members, is_member.size - members)


def measure_one_area(scores: Scores, is_member: Marks) -> Area:
    """The area of a single run, whose interval is that of DeLong et al. 1988, doi:10.2307/2531595. (n,) each."""
    members, others = scores[is_member], scores[~is_member]
    above = (members[:, None] > others).astype(float) + (members[:, None] == others) / 2
    found = above.mean()
    half = float("nan")
    if min(above.shape) > 1:
        variance = above.mean(1).var(ddof=1) / len(members) + above.mean(0).var(ddof=1) / len(others)
        half = float(ndtri((1 + CONFIDENCE) / 2)) * sqrt(variance)
    return Area(
        float(found), max(0.0, float(found) - half), min(1.0, float(found) + half), 1, len(members), len(others)
    )


def measure_recognition(scores: Scores, is_member: Marks, allowed: float) -> Recognition | None:
    """What a threshold finds above which at most the share `allowed` of the non-members lies.

    scores, is_member: any shape, alike. None where there are too few non-members for even one false alarm.
    """
    members, others = scores[is_member], np.sort(scores[~is_member])[::-1]
    most = int(allowed * len(others))
    if not most or not len(members):
        return None
    threshold = others[most] if most < len(others) else -np.inf
    return Recognition(
        allowed,
        Frequency.of(int((members > threshold).sum()), len(members)),
        Frequency.of(int((others > threshold).sum()), len(others)),
    )


def measure_curve(scores: Scores, is_member: Marks) -> Curve:
    """What thresholds find, from the strictest to that which takes all. scores, is_member: any shape, alike."""
    members, others = np.sort(scores[is_member]), np.sort(scores[~is_member])[::-1]
    spread = np.geomspace(1, max(1, len(others)), _CURVE_POINTS).round().astype(int)
    counts = np.unique(np.minimum([0, *spread], len(others)))
    thresholds = np.append(others, -np.inf)[counts]
    found = len(members) - np.searchsorted(members, thresholds, side="right")
    return Curve(tuple(counts.tolist()), tuple(found.tolist()), len(members), len(others))


def find_epsilon_bound(scores: Scores, is_in: Marks, delta: float, parts: Sequence[float]) -> EpsilonBound:
    """The best lower bound on ε from guessing of canaries by their scores who was in.

    scores, is_in: any shape, alike; each canary was in with probability one half by itself, and its score follows
    from what was published and not from who was in. parts: the share guessed to be in, those of the highest scores,
    and as many out, fixed beforehand; each of them may err with its part of 1 − CONFIDENCE.
    Source: Steinke, Nasr and Jagielski 2023, arXiv:2305.08846. Runs of a mechanism whose canaries are apart are
    one mechanism for all of these.
    """
    order = scores.argsort(axis=None, kind="stable")
    is_in = is_in.reshape(-1)[order]
    canaries, level = len(order), (1 - CONFIDENCE) / len(parts)
    best = EpsilonBound(0.0, 0, 0, canaries, delta)
    for part in parts:
        each = int(part * canaries)
        if not each:
            continue
        right = int(is_in[-each:].sum() + (~is_in[:each]).sum())
        found = EpsilonBound(
            refute_epsilon(right, 2 * each, canaries, delta, level), right, 2 * each, canaries, delta
        )
        best = max(best, found, key=lambda one: (one.epsilon, one.guesses))
    return best


def refute_epsilon(right: int, guesses: int, canaries: int, delta: float, level: float) -> float:
    """The largest ε, in hundredths, of which so many right guesses are less likely than `level`; 0 for none."""
    low, high = 0, round(_EPSILON_MAX / _EPSILON_STEP)
    if compute_p_value(right, guesses, canaries, 0.0, delta) >= level:
        return 0.0
    while low < high:
        middle = (low + high + 1) // 2
        if compute_p_value(right, guesses, canaries, middle * _EPSILON_STEP, delta) < level:
            low = middle
        else:
            high = middle - 1
    return low * _EPSILON_STEP


def compute_p_value(right: int, guesses: int, canaries: int, epsilon: float, delta: float) -> float:
    """How likely so many right guesses are, at most, of a mechanism that is (ε, δ)-private.

    Source: Steinke, Nasr and Jagielski 2023, arXiv:2305.08846, Theorem 5.2, in its appendix as a program.
    """
    if right <= 0:
        return 1.0
    share = 1 / (1 + exp(-epsilon))
    tail = float(bdtrc(right - 1, guesses, share))
    counts = np.arange(right - 1, -1, -1)
    log_choices = gammaln(guesses + 1) - gammaln(counts + 1) - gammaln(guesses - counts + 1)
    chances = np.exp(log_choices + counts * np.log(share) + (guesses - counts) * np.log1p(-share))
    worst = float((np.cumsum(chances) / np.arange(1, right + 1)).max())
    return min(1.0, tail + worst * delta * 2 * canaries)
