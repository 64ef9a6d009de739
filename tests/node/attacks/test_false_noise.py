"""Noise that is as large as it must be and hides nothing: how it is made, and that an audit sees it."""

from fractions import Fraction

import numpy as np
import pytest

from ledger.arithmetic.exact import to_float
from ledger.audit.noise_checks import NoiseChecks
from ledger.audit.shared_steps import EveryonesSteps, draw_shared_places, show_step
from ledger.audit.step_noise import MeasuredStep
from ledger.circle.manifest import Tensor
from ledger.codec import PLAIN, blocks_of, frame_steps, quantise
from ledger.errors import UsageError
from node.attacks import choose_attack
from node.attacks.attack import Attack
from node.attacks.view import PeerView, Vector
from tests.support.histories.parts import manifest_of
from tests.support.privacy import TERMS
from tests.support.sights import sight

LAYOUT = (Tensor("a", (20, 400), 0), Tensor("b", (1000,), 2))
SIZE, BLOCKS = 9000, blocks_of((8000, 1000))
VARIANCE = Fraction(1, 16)
NAMES = ("repeated-noise", "sparse-noise", "sign-noise", "borrowed-noise")

pytestmark = pytest.mark.rule("R22.3")


class TrueNoise(Attack):
    """What is owed."""

    def publish(self, view: PeerView) -> Vector:
        return view.trained + draw(view.rng)


def draw(rng: np.random.Generator) -> Vector:
    """Noise, in the units of the layout."""
    scales = np.repeat(np.array([1 / 4, 1 / 16], np.float32), [8000, 1000])
    return rng.standard_normal(SIZE, dtype=np.float32) * scales


def find_named(attack: Attack, rounds: int = 6) -> list[int]:
    """The rounds in which an audit names seat 1, which attacks so; seat 0 is honest and never named."""
    checks, rng = NoiseChecks(manifest_of(rounds, layout=LAYOUT), 2, 2), np.random.default_rng(1)
    everyones, places = EveryonesSteps(), draw_shared_places(BLOCKS, 2)
    known: dict[int, Vector] = {}
    bases: dict[int, Vector] = {}
    named = []
    for number in range(1, rounds + 1):
        base = quantise(rng.standard_normal(SIZE, dtype=np.float32), BLOCKS, PLAIN).state
        start = to_float(base)
        view = sight(
            start, start + np.float32(0.01), seat=1, round=number, rng=np.random.default_rng(number), honest=known,
            bases=bases, layout=LAYOUT, privacy=TERMS, noise_variance=VARIANCE,
        )  # fmt: skip
        known, bases = {0: start + draw(rng)}, {0: start}
        for seat, wanted in ((0, known[0]), (1, attack.publish(view))):
            state = quantise(wanted, BLOCKS, PLAIN).state
            steps = frame_steps(to_float(state), BLOCKS)[BLOCKS.ends - 1]
            step = MeasuredStep(state, base, steps, LAYOUT, BLOCKS, VARIANCE)
            noise = step.sums.measure()
            assert noise is not None
            assert not noise.is_too_small
            shown = show_step(step, places, is_named=False)
            borrowed = everyones.check(number, seat, shown)
            if checks.check((seat, 1), number, step) or borrowed:
                assert seat == 1
                named.append(number)
    return named


@pytest.mark.parametrize(
    ("name", "rounds"),
    list(zip(NAMES, ([4, 5, 6], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6]), strict=True)),
)
def test_each_is_as_large_as_the_noise_that_is_owed_and_is_named(name: str, rounds: list[int]) -> None:
    assert find_named(choose_attack(name)) == rounds


def test_who_adds_what_is_owed_is_not_named() -> None:
    assert find_named(TrueNoise(), rounds=12) == []


def test_a_hidden_step_is_none_that_is_longer_than_a_frames_rounding_and_costs_nothing() -> None:
    attack = choose_attack("hidden-step")
    base = np.linspace(-1, 1, SIZE, dtype=np.float32)
    published = attack.publish(sight(base, base + 1, layout=LAYOUT, privacy=TERMS, noise_variance=VARIANCE, seat=1))
    assert 0 < np.abs(published - base).max() <= 1.001 * frame_steps(base, BLOCKS).max() / (1 << 16)


@pytest.mark.parametrize("name", [*NAMES, "hidden-step"])
def test_without_privacy_terms_it_publishes_what_it_trained(name: str) -> None:
    view = sight(layout=LAYOUT)
    assert np.array_equal(choose_attack(name).publish(view), view.trained)


@pytest.mark.parametrize(("name", "parameter"), [("repeated-noise", "every"), ("sparse-noise", "bare")])
def test_a_parameter_out_of_its_range_is_refused(name: str, parameter: str) -> None:
    with pytest.raises(UsageError, match=parameter):
        choose_attack(name, {parameter: 0})
