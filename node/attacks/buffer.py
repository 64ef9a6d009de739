"""A poisoner of one small tensor, which the length of a whole model does not show."""

from typing import Final

import numpy as np

from node.attacks.attack import Attack
from node.attacks.view import PeerView, Vector
from node.learning.domains import find_least

# What counts as small: a part of all values.
_SMALL: Final = 1 / 64


class Buffer(Attack):
    """Train honestly, and spoil one small tensor.

    Where running variances are shared, the smallest of all their values becomes −depth: averaging takes the
    neighbours' below zero, the root in evaluation is no number, and the model answers one class for everything.
    Where none is, the sign of the loudest small tensor is turned, such as a normalisation's scales.
    """

    name = "buffer"
    summary = "trains, and makes one shared running variance negative, or turns one small tensor's sign"

    def __init__(self, depth: float = 0.8) -> None:
        if not 0 < depth < np.inf:
            raise ValueError(f"depth {depth} is not above 0")
        self.depth = depth

    def publish(self, view: PeerView) -> Vector:
        poison, parts = view.trained.copy(), list(zip(view.layout, view.parts, strict=True))
        variances = [
            (place, tensor)
            for tensor, here in parts
            if find_least(tensor.name) is not None
            for place in (here.start + int(np.argmin(poison[here])),)
        ]
        if variances:
            place, tensor = min(variances, key=lambda one: poison[one[0]] * 2.0 ** one[1].exponent)
            poison[place] = -self.depth * 2.0**-tensor.exponent
        elif small := [here for tensor, here in parts if 0 < tensor.size <= max(_SMALL * poison.size, 1)]:
            loudest = max(small, key=lambda here: float(np.abs(poison[here]).mean()))
            poison[loudest] *= -1
        return poison
