"""Poison that stays just inside what its victims accept, or moves them a little every round."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp
from typing import Final

import numpy as np

from ledger.rules.balance import Balance
from ledger.rules.tether import Tether
from node.attacks.attack import BoundedPoisoner, Colluder
from node.attacks.geometry import dot, reach_along, unit
from node.attacks.view import Matrix, PeerView, Vector

# So many victims, and so many of their neighbours, stand for all in a large circle.
_VICTIMS: Final = 16
_NEIGHBOURS: Final = 32


@dataclass(frozen=True)
class Thresholds:
    """Around which state each victim accepts, (victims, d), and how far from it."""

    centres: Matrix
    radii: tuple[float, ...]


def estimate_thresholds(view: PeerView) -> Thresholds:
    """What the circle's rule accepts at each victim, reckoned from the rule's own parameters.

    BALANCE: γ · exp(−κ · (t − 1) / T) · ‖own‖ around the victim's public state. TETHER: gate · max(τ, ‖own − base‖)
    around its base, with the rule's τ of the others' distances. Any other rule: the largest distance to an honest
    state, around the victim's own; no honest peer is further away.
    """
    places = _some(view, len(view.targets), _VICTIMS)
    own, rule = view.states[places], view.rule
    if isinstance(rule, Balance):
        factor = rule.gamma_milli / 1000 * exp(-rule.kappa_milli / 1000 * (view.round - 1) / view.rounds)
        return Thresholds(own, tuple(factor * dot(state, state) ** 0.5 for state in own))
    others = view.states[_some(view, len(view.targets), _NEIGHBOURS)]
    if isinstance(rule, Tether):
        bases = view.starts[places]
        return Thresholds(
            bases,
            tuple(_tether_gate(rule, base, state, others) for base, state in zip(bases, own, strict=True)),
        )
    return Thresholds(own, tuple(max(_distances(state, others)) for state in own))


def _tether_gate(rule: Tether, base: Vector, own: Vector, others: Matrix) -> float:
    """gate · max(τ, its own step) of one victim. Its own state among the others counts for nobody, once."""
    own_length = _distances(base, own[None])[0]
    lengths = sorted(_distances(base, others))
    if len(lengths) > 1 and own_length in lengths:
        lengths.remove(own_length)
    median = lengths[(len(lengths) - 1) // 2]
    least, most = (milli / 1000 * own_length for milli in (rule.least_milli, rule.reach_milli))
    tau = max(least, min(median, most)) if own_length else median
    return rule.gate_milli / 1000 * max(tau, own_length)


def _distances(centre: Vector, states: Matrix) -> list[float]:
    return [dot(state - centre, state - centre) ** 0.5 for state in states]


def _some(view: PeerView, count: int, most: int) -> Sequence[int]:
    """At most so many of the targets, the same for all accomplices of a round."""
    if count <= most:
        return range(count)
    drawn: list[int] = sorted(view.make_agreed_generator(view.round).choice(count, most, replace=False).tolist())
    return drawn


class Ride(Colluder):
    """Go from the honest mean against the mean honest step, to just inside the victims' acceptance thresholds.

    μ − r · step/‖step‖ with r such that `victims` of the honest peers still have it within `share` of their radius
    (see `estimate_thresholds`); at .5 that is the typical victim. length: what part of r to go.
    Source: design of this project; the idea of staying where detection ends is that of Baruch et al. 2019,
    arXiv:1902.06156, and the adaptive attacks of Shejwalkar and Houmansadr 2021, NDSS.
    """

    name = "ride"
    summary = "goes against the honest step to just inside what its victims accept"

    def __init__(
        self, share: float = 0.95, victims: float = 0.5, length: float = 1.0, jitter: float = 0.01
    ) -> None:
        super().__init__(jitter)
        if not (share > 0 and 0 < victims <= 1 and length > 0):
            raise ValueError("share and length are above 0, victims is in 0..1")
        self.share, self.victims, self.length = share, victims, length

    def plan(self, view: PeerView) -> Vector:
        direction = -unit(view.step)
        accepted = estimate_thresholds(view)
        radii = [self.share * radius for radius in accepted.radii]
        reached = np.sort(reach_along(view.centre, direction, accepted.centres, radii))[::-1]
        furthest = float(reached[ceil(self.victims * len(reached)) - 1])
        return view.centre + np.float32(self.length * furthest) * direction


class HalfRide(Ride):
    """As ride, half as far: below thresholds that shrink, and harder to tell from an honest peer."""

    name = "half-ride"
    summary = "goes half as far as ride"

    def __init__(
        self, share: float = 0.95, victims: float = 0.5, length: float = 0.5, jitter: float = 0.01
    ) -> None:
        super().__init__(share, victims, length, jitter)


class SlowDrift(BoundedPoisoner):
    """Train honestly and add a small push, the same way every round: trained + size · s · u.

    u: the reverse of the mean honest step of the first round in which honest states are known; the peer is honest
    until then. s: the length of the mean honest step now. No single update stands out; what all have in common adds
    up over the rounds.
    Source: design of this project, against rules that look at one round alone; cf. the time-coupled attack of
    Karimireddy, He and Jaggi 2021, arXiv:2012.10333, section 4.
    """

    name = "slow-drift"
    summary = "adds a small push to honest training, the same way every round"
    spies = True

    def __init__(self, size: float = 1.0) -> None:
        self.size = size
        self._way: Vector | None = None

    def publish(self, view: PeerView) -> Vector:
        if self._way is None and view.honest:
            self._way = -unit(view.step)
        if self._way is None:
            return view.trained
        length = dot(view.step, view.step) ** 0.5
        return self._bound_length(view.base, view.trained + np.float32(self.size * length) * self._way)
