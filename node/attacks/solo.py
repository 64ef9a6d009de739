"""Poisoners that need to know nobody's state but their own, or copy one."""

import numpy as np

from node.attacks.attack import Attack, BoundedPoisoner
from node.attacks.view import PeerView, Vector


class SignFlip(BoundedPoisoner):
    """Publish the way back: base − scale · (trained − base).

    With a fraction f of such peers a plain average moves by 1 − f·(1 + scale) of an honest step: at the default
    scale of 5, two peers in eight make that half a step uphill, and the model is lost (.10 after ten rounds of
    Fashion-MNIST, .82 without them). A larger scale harms an average more, and stands out more.
    Source: Li et al. 2019 (RSA), arXiv:1811.03761; Karimireddy et al. 2022, arXiv:2006.09365 (bit flipping).
    """

    name = "sign-flip"
    summary = "publishes its training step reversed, five times as long"

    def __init__(self, scale: float = 5.0) -> None:
        self.scale = scale

    def publish(self, view: PeerView) -> Vector:
        return self._bound_length(view.base, view.base - np.float32(self.scale) * (view.trained - view.base))


class Gaussian(BoundedPoisoner):
    """Publish noise on top of the trained state: trained + N(0, deviation²) in every value.

    The default deviation is some fifty times that of the weights of a fresh layer with 784 inputs. Two such
    peers in eight bring a plain average down to .60 after ten rounds of Fashion-MNIST (.82 without them).
    Source: Blanchard et al. 2017, arXiv:1703.02757, section 5 (there a deviation of 200, for a gradient).
    """

    name = "gaussian"
    summary = "adds normal noise far larger than the weights"

    def __init__(self, deviation: float = 1.0) -> None:
        self.deviation = deviation

    def publish(self, view: PeerView) -> Vector:
        noise = np.float32(self.deviation) * view.rng.standard_normal(len(view.trained), dtype=np.float32)
        return self._bound_length(view.base, view.trained + noise)


class Lazy(Attack):
    """Publish the base as it is: have the model, and contribute nothing (a free-rider).

    Source: Fraboni, Vidal and Lorenzi 2021, arXiv:2006.11901 (plain free-riding).
    """

    name = "lazy"
    summary = "publishes the state its round began with, untrained"

    def publish(self, view: PeerView) -> Vector:
        return view.base


class Copier(Attack):
    """Publish an honest peer's newest known state as one's own; the base untrained while none is known.

    Through the production path that is a state of an earlier round: this round's are sealed until all have
    committed. Every copier takes another peer, the one whose place among the honest is its own rank among the
    poisoners.
    Source: Fraboni, Vidal and Lorenzi 2021, arXiv:2006.11901 (free-riding, here with another's work).
    """

    name = "copier"
    summary = "publishes another peer's last state as its own"
    spies = True

    def publish(self, view: PeerView) -> Vector:
        if not view.honest:
            return view.base
        return view.honest[view.targets[view.rank % len(view.targets)]]
