"""Poison that looks like privacy's noise, and is a little less random."""

import numpy as np

from node.attacks.attack import Colluder
from node.attacks.geometry import unit
from node.attacks.tuned import compute_typical_length
from node.attacks.view import PeerView, Vector


class Camouflage(Colluder):
    """Publish noise as long as an honest step, a part of whose square is a push against what honest peers learn.

    With b one's own base, L the median length of an honest step, u the reverse of the sum of all mean honest steps
    known so far, at length 1, and n fresh noise of length 1:

        b + length · L · (√part · u + √(1 − part) · n)

    In a circle with privacy terms an honest step is nearly all noise, so that neither length nor whiteness gives
    this away, and the push may be longer than all that an honest peer learns. The sum, since the mean of one round
    is mostly noise too.
    Source: design of this project; Guerraoui et al. 2021, arXiv:2102.08166, show that noise blinds screening.
    """

    name = "camouflage"
    summary = "publishes noise as long as an honest step, with a push against the others inside"
    is_personal = True

    def __init__(self, part: float = 0.2, length: float = 1.0) -> None:
        super().__init__(0.0)
        if not (0 < part <= 1 and length > 0):
            raise ValueError("part is above 0 and at most 1, length above 0")
        self.part, self.length = part, length
        self._sum: Vector | None = None
        self._summed = 0

    def disguise(self, view: PeerView, plan: Vector) -> Vector:
        return self._bound_length(view.base, plan)

    def plan(self, view: PeerView) -> Vector:
        if self._sum is None or self._summed < view.round:
            self._sum = view.step if self._sum is None else self._sum + view.step
            self._summed = view.round
        noise = unit(view.rng.standard_normal(view.base.size, dtype=np.float32))
        size = self.length * compute_typical_length(view)
        push = np.float32(size * self.part**0.5) * -unit(self._sum)
        hidden: Vector = view.base + push + np.float32(size * (1 - self.part) ** 0.5) * noise
        return hidden
