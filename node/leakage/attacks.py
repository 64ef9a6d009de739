"""From the signs of published steps to scores: the higher, the likelier was an example among those trained on.

Three attackers, who know more and more: `loss` has the last published state; `steps` has every round's base and
published state; `shadows` has, besides, examples like the peer's, and trains on halves of them what the peer might
have published from the same public bases.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from node.leakage.figures import Marks, Scores

ALIGNMENT, CONFIDENCE_AFTER = 0, 1
_RIDGE: Final = 1e-3
_TINY: Final = 1e-9

Signs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trials:
    """What was published by stand-ins, as signs, and what is to be found out."""

    signs: Signs
    """Alignment and confidence of each step for each example, (runs, rounds, n, 2)."""
    is_in: Marks
    """Whether a run was trained on an example, (runs, n)."""

    @property
    def runs(self) -> int:
        """How many stand-ins."""
        return len(self.is_in)

    def select(self, rows: slice) -> "Trials":
        """The same of some of the examples."""
        return Trials(self.signs[:, :, rows], self.is_in[:, rows])

    def split(self, count: int) -> "tuple[Trials, Trials]":
        """The first so many runs, and the others."""
        return Trials(self.signs[:count], self.is_in[:count]), Trials(self.signs[count:], self.is_in[count:])


def score_by_loss(trials: Trials, _: Trials) -> Scores:
    """By the last state alone, (runs, n). Source: Yeom et al. 2018, arXiv:1709.01604."""
    return np.asarray(trials.signs[:, -1, :, CONFIDENCE_AFTER])


def score_by_steps(trials: Trials, _: Trials) -> Scores:
    """By how far all steps together go down an example's loss, (runs, n)."""
    return np.asarray(trials.signs[..., ALIGNMENT].sum(1))


def score_by_shadows(trials: Trials, shadows: Trials) -> Scores:
    """Each run against the same shadows, (runs, n).

    No run is another's shadow: else their scores hang together, and the mean of their areas varies more than the
    areas tell, measured 1.25 times as much.
    """
    return np.stack([score_against(signs, shadows) for signs in trials.signs])


def score_against(signs: Signs, shadows: Trials) -> Scores:
    """One run's scores by what shadows show with each example and without it, (n,). signs: (rounds, n, 2).

    Each example's signs are taken from the middle of those with it and without it, in units of its own deviation;
    along the direction that best parts with from without over all examples. With few shadows this tells more than
    two densities for each example, whose distance is then mostly chance.
    Source: Carlini et al. 2022, arXiv:2112.03570, with Fisher's discriminant in place of the likelihoods.
    """
    signs, known = _flatten(signs), _flatten(shadows.signs)
    is_in = shadows.is_in[..., None]
    with_it, without_it = _compute_mean(known, is_in), _compute_mean(known, ~is_in)
    apart = known - np.where(is_in, with_it, without_it)
    unit = np.sqrt((apart**2).mean(0)) + _TINY
    spread = (apart / unit).reshape(-1, apart.shape[-1])
    covariance = spread.T @ spread / len(spread) + _RIDGE * np.eye(spread.shape[1])
    direction = np.linalg.solve(covariance, ((with_it - without_it) / unit).mean(0))
    return np.asarray(((signs - (with_it + without_it) / 2) / unit) @ direction)


def score_blindly(trials: Trials) -> Scores:
    """By what was published and nothing else, (runs, n): the sum of all signs, from their means over the runs.

    No score follows from who was in where, so guesses by these prove something of ε, and an example's scores in all
    runs are exchangeable where it leaves no trace.
    """
    flat = _flatten(trials.signs)
    return np.asarray(((flat - flat.mean(0)) / (flat.std(0) + _TINY)).sum(-1))


LEAKAGE_ATTACKS: Final[Mapping[str, Callable[[Trials, Trials], Scores]]] = {
    "loss": score_by_loss,
    "steps": score_by_steps,
    "shadows": score_by_shadows,
}


def _flatten(signs: Signs) -> Signs:
    """(…, rounds, n, 2) to (…, n, 2 · rounds)."""
    moved = np.moveaxis(signs, -3, -2)
    return moved.reshape(*moved.shape[:-2], -1)


def _compute_mean(values: Signs, chosen: npt.NDArray[np.bool_]) -> Signs:
    """Over the runs chosen, by example; over all where there are none.

    values: (runs, n, k). chosen: (runs, n, 1). Returns (n, k).
    """
    counts = chosen.sum(0)
    means = (values * chosen).sum(0) / np.maximum(counts, 1)
    return np.asarray(np.where(counts > 0, means, values.mean(0)))
