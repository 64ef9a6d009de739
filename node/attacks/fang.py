"""Local model poisoning against two aggregation rules, each with full or partial knowledge.

Both push against s, the sign of the way the honest mean takes in each coordinate.
Source: Fang, Cao, Jia and Gong 2020, USENIX Security, arXiv:1911.11815, sections 4.2 and 4.3.
"""

from typing import Final

import numpy as np

from node.attacks.attack import Colluder
from node.attacks.geometry import Numbers, dot, squared_distances
from node.attacks.view import Matrix, PeerView, Vector, compute_mean

# As in the source: factors of the extreme value, and standard deviations where the extremes are not known.
_FACTOR: Final = 2.0
_NEAR, _FAR = 3.0, 4.0
_LEAST: Final = 1e-5


class _Fang(Colluder):
    """partial: 1 for a poisoner that knows only what its own side's honest training gave."""

    def __init__(self, partial: float = 0, jitter: float = 0.01) -> None:
        super().__init__(jitter)
        self.partial = bool(partial)

    def _known(self, view: PeerView) -> tuple[Matrix, Vector]:
        """The states the poisoner may look at, and the mean of the bases they were trained from."""
        if not self.partial:
            return view.states, compute_mean(view.starts)
        own = view.accomplices or {view.seat: view.trained}
        return np.stack([own[seat] for seat in sorted(own)]), view.base


class FangTrim(_Fang):
    """Against the trimmed mean and the median: just beyond the honest extreme, opposite to the way they take.

    Full knowledge: with s = −1 a value from [max, 2·max] (max ≤ 0: [max, max/2]), with s = +1 one from [min/2, min]
    (min ≤ 0: [2·min, min]), drawn anew in each coordinate. Partial: from μ + [3σ, 4σ] and μ − [3σ, 4σ], of the
    poisoners' own states.
    """

    name = "fang-trim"
    summary = "lies just beyond the honest extremes in every coordinate (against trimmed mean)"
    is_personal = True

    def plan(self, view: PeerView) -> Vector:
        known, base = self._known(view)
        rises = compute_mean(known) >= base
        if self.partial:
            mean, deviation = compute_mean(known), known.std(axis=0, dtype=np.float64)
            near, far = np.float32(_NEAR) * deviation, np.float32(_FAR) * deviation
            ends = np.where(rises, mean - near, mean + near), np.where(rises, mean - far, mean + far)
        else:
            edge = np.where(rises, known.min(axis=0), known.max(axis=0))
            # Away from zero where that is outwards, else towards it.
            outwards = (edge > 0) != rises
            ends = edge, np.where(outwards, edge * _FACTOR, edge / _FACTOR)
        share = view.rng.random(len(base), dtype=np.float32)
        found: Vector = (ends[0] + share * (ends[1] - ends[0])).astype(np.float32)
        return found


class FangKrum(_Fang):
    """Against Krum: w̄ − λ · s, all poisoners alike, with the largest λ that Krum still chooses.

    w̄: the mean base. λ starts at the source's upper bound and is halved until Krum, given the honest states and
    the c copies, takes the poison, or λ is below 1e-5. Partial: among the poisoners' own states alone, with copies
    added one by one until it is taken.
    """

    name = "fang-krum"
    summary = "goes against the honest step as far as Krum would still choose it"

    def plan(self, view: PeerView) -> Vector:
        known, base = self._known(view)
        sign = np.where(compute_mean(known) >= base, np.float32(1), np.float32(-1))
        between = squared_distances(known)
        to_base = np.array([dot(row - base, row - base) for row in known])
        along = np.array([dot(row - base, sign) for row in known])
        least = 1 if self.partial else view.poisoners
        for copies in range(least, max(least, len(known)) + 1):
            bound = _upper_bound(between, to_base, copies, len(base))
            found = _largest_lambda(between, to_base, along, copies, len(base), bound)
            if found > 0 or not self.partial:
                break
        poison: Vector = (base - np.float32(found) * sign).astype(np.float32)
        return poison


def _upper_bound(between: Numbers, to_base: Numbers, copies: int, size: int) -> float:
    """λ ≤ √(min_i Σ nearest D²(i, l) / ((m − 2c − 1) d)) + max_i D(i, w̄) / √d, of m peers c poisoners."""
    total = len(between) + copies
    nearest = _nearest_sums(between, max(1, total - copies - 2))
    return float((nearest.min() / (max(1, total - 2 * copies - 1) * size)) ** 0.5 + (to_base.max() / size) ** 0.5)


def _largest_lambda(
    between: Numbers, to_base: Numbers, along: Numbers, copies: int, size: int, bound: float
) -> float:
    """The first of bound, bound/2, bound/4 … that Krum takes; 0 when none above 1e-5 is."""
    scale = bound
    while scale > _LEAST:
        # ‖w̄ − λs − x‖² = ‖x − w̄‖² + 2λ s·(x − w̄) + λ² d
        away = to_base + 2 * scale * along + scale**2 * size
        if _is_chosen(between, away, copies):
            return scale
        scale /= 2
    return 0.0


def _is_chosen(between: Numbers, away: Numbers, copies: int) -> bool:
    """Whether Krum, fearing `copies` poisoners, chooses one of as many equal ones at these squared distances."""
    counted = max(1, len(between) - 2)
    poisoned = np.concatenate([np.zeros(copies - 1), np.sort(away)])[:counted].sum()
    with_poison = np.concatenate([between, np.repeat(away[:, None], copies, axis=1)], axis=1)
    return bool(poisoned <= _nearest_sums(with_poison, counted).min())


def _nearest_sums(distances2: Numbers, count: int) -> Numbers:
    """For each row the sum over its `count` nearest, itself (at distance 0) left out."""
    ordered = np.sort(distances2, axis=1)[:, 1:]
    found: Numbers = ordered[:, :count].sum(axis=1)
    return found
