"""Peers whose noise of privacy is as large as it must be, and hides nothing; without privacy terms they are honest.

An audit sees each of them (A12, R22.3). What it cannot see is noise that looks new and that somebody can foretell.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ledger.codec import blocks_of, frame_steps
from node.attacks.attack import Attack
from node.attacks.privacy import LEAST_SHARE, Uncharged
from node.attacks.view import PeerView, Vector

if TYPE_CHECKING:
    from node.learning.private.mechanism import Mechanism

_GRID: Final = 1 << 16
_OWN_STREAM: Final = 0x4E


class FalseNoise(Attack):
    """Train without noise, and add some of another kind to what is published."""

    def mechanism(self, mechanism: "Mechanism", round_number: int) -> "Mechanism":  # noqa: ARG002
        return replace(mechanism, sigma=mechanism.sigma * LEAST_SHARE)

    def make_noise(self, view: PeerView) -> Vector:
        """(d,), float32, in deviations of the noise that is owed."""
        raise NotImplementedError

    def publish(self, view: PeerView) -> Vector:
        if view.noise_variance is None:
            return view.trained
        return view.trained + compute_deviations(view) * self.make_noise(view)


class RepeatedNoise(FalseNoise):
    """Noise that comes again after `every` rounds: what two of its updates have between them is the data's."""

    name = "repeated-noise"
    summary = "adds noise of privacy that comes again after some rounds, so that it can be subtracted"

    def __init__(self, every: float = 3) -> None:
        if not 1 <= every <= 1000:
            raise ValueError("every is a number of rounds from 1 to 1000")
        self.every = int(every)

    def make_noise(self, view: PeerView) -> Vector:
        generator = view.make_agreed_generator(_OWN_STREAM, view.seat, view.round % self.every)
        return generator.standard_normal(view.trained.size, dtype=np.float32)


class SparseNoise(FalseNoise):
    """No noise in a share of the values, and so much more of it in the others."""

    name = "sparse-noise"
    summary = "adds noise of privacy to some values only, as much of it as all together must hold"

    def __init__(self, bare: float = 0.5) -> None:
        if not 0 < bare < 1:
            raise ValueError("bare is a share of the values, above 0 and below 1")
        self.bare = bare

    def make_noise(self, view: PeerView) -> Vector:
        size = view.trained.size
        is_noised = view.rng.random(size) >= self.bare
        noise: Vector = view.rng.standard_normal(size, dtype=np.float32) * is_noised
        return noise * np.float32((1 - self.bare) ** -0.5)


class SignNoise(FalseNoise):
    """One deviation up or down in each value: of a small value both places show where it was."""

    name = "sign-noise"
    summary = "moves each value up or down by the noise's deviation instead of adding noise of privacy"

    def make_noise(self, view: PeerView) -> Vector:
        signs: Vector = np.where(view.rng.random(view.trained.size) < 0.5, np.float32(-1), np.float32(1))
        return signs


class BorrowedNoise(FalseNoise):
    """Add another's last published step, which is mostly noise, and everybody has it to subtract."""

    name = "borrowed-noise"
    summary = "adds what another peer published as its noise of privacy"
    spies = True

    def make_noise(self, view: PeerView) -> Vector:
        known = [seat for seat in view.targets if seat in view.honest and seat in view.bases and seat != view.seat]
        if not known:
            return view.rng.standard_normal(view.trained.size, dtype=np.float32)
        seat = known[view.rank % len(known)]
        step: Vector = (view.honest[seat] - view.bases[seat]) / compute_deviations(view)
        return step


class HiddenStep(Uncharged):
    """Train without noise and say that nothing was spent, with a step that rounding could have made."""

    name = "hidden-step"
    summary = "trains without noise within what rounding hides, and says that no privacy was spent on it"

    def mechanism(self, mechanism: "Mechanism", round_number: int) -> "Mechanism":  # noqa: ARG002
        return replace(mechanism, sigma=mechanism.sigma * LEAST_SHARE)

    def publish(self, view: PeerView) -> Vector:
        trained = super().publish(view)
        if view.noise_variance is None:
            return trained
        blocks = blocks_of(tuple(tensor.size for tensor in view.layout))
        room = frame_steps(view.base, blocks).astype(np.float32) / np.float32(_GRID)
        hidden: Vector = view.base + np.clip(trained - view.base, -room, room)
        return hidden


def compute_deviations(view: PeerView) -> Vector:
    """s in the unit of each value's tensor, (d,), float32."""
    assert view.noise_variance is not None
    deviation = float(view.noise_variance) ** 0.5
    scales = [deviation * 2.0**-tensor.exponent for tensor in view.layout]
    deviations: Vector = np.repeat(np.array(scales, np.float32), [tensor.size for tensor in view.layout])
    return deviations
