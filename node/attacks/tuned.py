"""Poison tuned to the judge's own computation: as far as its rule, asked beforehand, still mixes it in."""

from typing import Any, Final

import numpy as np

from ledger.rules.tether import Tether
from node.attacks.attack import Colluder
from node.attacks.data import LabelFlip
from node.attacks.foretold_verdicts import choose_judges, foretell_mixed_share, round_to_grid
from node.attacks.geometry import unit
from node.attacks.sketch_null_space import project_to_null_space
from node.attacks.view import PeerView, Vector, compute_mean

# So many judges are asked, and the push is halved so often.
_ASKED: Final = 3
_HALVINGS: Final = 5
AGAINST, FIRST, FLIPPED = 0, 1, 2


class Tuned(Colluder):
    """Look like the mean honest peer, and push as far as typical judges, asked beforehand, still mix it in.

    With x̄ the mean honest state, h the mean honest step, τ the median length of an honest step, every accomplice k
    of G groups publishes

        x̄ + √G · mask_k · margin · t · (length · τ · √(1 − jitter²) · u − h) + jitter · length · τ · n_k

    t: the largest in 0..1 (by bisection) with which the circle's own rule, run with the memories of some honest
    judges on this round's honest states, mixes in at least `share` of the accomplices it would meet. u: by
    `direction`: 0: against h; 1: against the h of the first round known; 2: where training on turned-round labels
    leads. mask_k: the coordinates of k's group, a part for each. n_k: k's own noise at length 1, of whose square
    `persist` is the same in all rounds, as an honest peer's own data are. hide: from so many judges' sketches u is
    hidden (see `hidden`). asleep: rounds without push at first; then `on` rounds with and `off` without.
    Source: design of this project, against ledger.rules.tether; the bisection against the known rule is that of
    Shejwalkar and Houmansadr 2021, NDSS, algorithm 1.
    """

    name = "tuned"
    summary = "pushes as far as its victims' own rule, asked beforehand, lets it"
    # With `direction` at 2.
    poisons_data = True

    def __init__(
        self,
        length: float = 1.0,
        jitter: float = 0.3,
        persist: float = 0.5,
        groups: float = 1,
        margin: float = 1.0,
        share: float = 0.5,
        asleep: float = 0,
        on: float = 1,
        off: float = 0,
        direction: float = AGAINST,
        hide: float = 0,
    ) -> None:
        super().__init__(jitter)
        if not (length > 0 and margin > 0 and 0 <= jitter < 1 and 0 <= persist <= 1 and 0 < share <= 1):
            raise ValueError("length and margin are above 0, jitter, persist and share in 0..1")
        if not (groups >= 1 and on >= 1 and min(asleep, off, hide) >= 0 and direction in (0, 1, 2)):
            raise ValueError("groups and on are from 1, asleep, off and hide from 0, direction is 0, 1 or 2")
        self.length, self.persist, self.groups, self.margin = length, persist, int(groups), margin
        self.share, self.asleep, self.on, self.off = share, int(asleep), int(on), int(off)
        self.direction, self.hide = int(direction), int(hide)
        self._first: Vector | None = None

    def data(self, data: Any, classes: int | None) -> Any:
        return LabelFlip().data(data, classes) if self.direction == FLIPPED else data

    def plan(self, view: PeerView) -> Vector:
        """The mean honest state and the push, for all groups together."""
        way = self._way(view)
        if not self.is_on(view.round):
            return view.centre
        if self.hide and isinstance(view.rule, Tether):
            way = unit(project_to_null_space(way, _seeds(view)[: self.hide], view.rule.sketch_width))
        push = (
            np.float32(self.length * compute_typical_length(view) * (1 - self.jitter**2) ** 0.5) * way - view.step
        )
        return view.centre + np.float32(self.margin * self._passing(view, push)) * push

    def disguise(self, view: PeerView, plan: Vector) -> Vector:
        return self._bound_length(view.base, self._published(view, plan - view.centre, view.seat))

    def is_on(self, number: int) -> bool:
        """Whether there is a push in this round."""
        awake = number - 1 - self.asleep
        return awake >= 0 and awake % (self.on + self.off) < self.on

    def _way(self, view: PeerView) -> Vector:
        """The direction of the push, at length 1."""
        if self.direction == FLIPPED:
            states = [view.accomplices[seat] for seat in sorted(view.accomplices)] or [view.trained]
            return unit(compute_mean(np.stack(states)) - view.base)
        if self._first is None or self.direction == AGAINST:
            self._first = -unit(view.step)
        return self._first

    def _published(self, view: PeerView, push: Vector, seat: int) -> Vector:
        """What an accomplice publishes for a push, with its group's part of it and its own noise."""
        rank = sorted({*view.colluders, view.seat}).index(seat)
        if self.groups > 1:
            group = view.make_agreed_generator(1).integers(self.groups, size=push.size)
            is_ours = (group == rank % self.groups).astype(np.float32)
            push = push * is_ours * np.float32(self.groups**0.5)
        lasting, fresh = (
            unit(view.make_agreed_generator(2, seat, number).standard_normal(push.size, dtype=np.float32))
            for number in (0, view.round)
        )
        noise = np.float32(self.persist**0.5) * lasting + np.float32((1 - self.persist) ** 0.5) * fresh
        size = np.float32(self.jitter * self.length * compute_typical_length(view))
        published: Vector = (view.centre + push + size * noise).astype(np.float32)
        return published

    def _passing(self, view: PeerView, push: Vector) -> float:
        """How much of the push still passes, 0..1."""
        judges, low, high = choose_judges(view, _ASKED), 0.0, 1.0
        honest = {
            seat: round_to_grid(view.honest[seat])
            for one in judges
            for seat in (one.judge, *one.met)
            if seat in view.honest
        }
        poisoners = sorted({seat for one in judges for seat in one.poisoners})

        def passes(part: float) -> bool:
            poison = {
                seat: round_to_grid(self._published(view, np.float32(part) * push, seat)) for seat in poisoners
            }
            return foretell_mixed_share(view, judges, honest, poison) >= self.share

        if passes(high):
            return high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if passes(middle) else (low, middle)
        return low


def compute_typical_length(view: PeerView) -> float:
    """The lower median length of an honest step: the reach τ of a typical judge."""
    lengths = sorted(float(np.linalg.norm(step)) for step in view.states - view.starts)
    return lengths[(len(lengths) - 1) // 2]


def _seeds(view: PeerView) -> list[bytes]:
    """The sketch seeds of the honest judges that have drawn one."""
    return [view.memories[seat].seed for seat in view.targets if seat in view.memories and view.memories[seat].seed]
