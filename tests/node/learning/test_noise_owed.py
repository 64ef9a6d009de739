"""An honest step holds its noise whatever training took of it, so that no audit names its author."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from ledger.arithmetic.exact import GridState, to_float
from ledger.audit.noise_checks import RUN, Fault, NoiseChecks
from ledger.audit.step_noise import MeasuredStep
from ledger.codec import PLAIN, frame_steps, quantise
from ledger.privacy.planning import parse_privacy_terms
from node.learning.layout import Layout, Vector, layout_of
from node.learning.noise_owed import MadeUp, make_up_noise
from node.learning.private.budget import UnchargedTraining
from node.learning.private.mechanism import Privacy
from node.learning.training import Trainer
from node.tasks.interface import Task
from tests.support.histories.parts import manifest_of

pytestmark = [pytest.mark.rule("R30.5"), pytest.mark.rule("R22.3")]

LAYOUT = Layout(("a", "b", "c", "e"), ((5000,), (300,), (12,), (20,)), (0, 3, 0, -2))
OWED = 0.1

Floats = NDArray[np.float64]


def in_units(values: Floats, layout: Layout = LAYOUT) -> Vector:
    """Values of the model in the layout's units, (d,), float32."""
    units = [np.full(size, 2.0**one) for size, one in zip(layout.blocks.sizes, layout.exponents, strict=True)]
    vector: Vector = (values / np.concatenate(units)).astype(np.float32)
    return vector


class Circle:
    """One author whose published steps are looked at as an audit does."""

    def __init__(self, layout: Layout, variance: Fraction) -> None:
        self.layout, self.variance = layout, variance
        self.checks = NoiseChecks(manifest_of(RUN, layout=layout.tensors), 1, 1)

    def publish(self, number: int, base: GridState, wanted: Vector) -> tuple[GridState, Fault | None]:
        """What is published, and what an audit finds in it."""
        blocks = self.layout.blocks
        state = quantise(wanted, blocks, PLAIN).state
        steps = frame_steps(to_float(state), blocks)[blocks.ends - 1]
        step = MeasuredStep(state, base, steps, self.layout.tensors, blocks, self.variance)
        return state, self.checks.check((0, 1), number, step)


@pytest.mark.parametrize("left", [0.0, 0.5, 0.8, 0.9])
def test_noise_that_training_shrinks_is_made_up_for_in_one_step_and_in_many_together(left: float) -> None:
    """left: of the noise's variance."""
    rng = np.random.default_rng(int(10 * left))
    circle, found, shares = Circle(LAYOUT, Fraction(1, 100)), 0, []
    base = np.zeros(LAYOUT.size, np.int32)
    for number in range(1, RUN + 1):
        wanted = to_float(base) + in_units(OWED * np.sqrt(left) * rng.normal(size=LAYOUT.size))
        made = make_up_noise(to_float(base), wanted, LAYOUT, OWED, rng.standard_normal)
        found += circle.publish(number, base, made.state)[1] is not None
        shares.append(made.share)
    assert found == 0
    assert np.mean(shares) == pytest.approx(1 - left, abs=0.05)


def test_a_step_that_holds_its_noise_is_left_as_it_is_but_for_chance() -> None:
    rng = np.random.default_rng(0)
    layout, base = Layout(("a",), ((100_000,),), (2,)), np.ones(100_000, np.float32)
    for _ in range(5):
        wanted = base + in_units(OWED * rng.normal(size=layout.size), layout)
        made = make_up_noise(base, wanted, layout, OWED, rng.standard_normal)
        assert made.share < 0.01
        assert np.mean(made.state == wanted) > 0.9


def test_a_layer_that_was_not_trained_is_given_the_noise_that_it_owes_and_the_others_stay() -> None:
    rng = np.random.default_rng(0)
    layout = Layout(("a", "b"), ((4000,), (3000,)), (0, 1))
    base = np.zeros(layout.size, np.float32)
    wanted = in_units(OWED * rng.normal(size=layout.size), layout)
    wanted[4000:] = 0
    made = make_up_noise(base, wanted, layout, OWED, rng.standard_normal)
    assert np.array_equal(made.state[:4000], wanted[:4000])
    assert np.std(made.state[4000:]) == pytest.approx(OWED / 2, rel=0.1)


@pytest.mark.parametrize("width", [0.3, 1.0])
def test_a_model_of_few_bits_is_taken_off_their_grid(width: float) -> None:
    """width: between two numbers that it can hold, in deviations."""
    rng = np.random.default_rng(0)
    layout = Layout(("a",), ((20_000,),), (0,))
    base, circle = np.zeros(layout.size, np.float32), Circle(layout, Fraction(1, 100))
    wanted = in_units(OWED * width * np.rint(rng.normal(size=layout.size) / width), layout)
    made = make_up_noise(base, wanted, layout, OWED, rng.standard_normal)
    assert 0 < made.share < 0.25
    assert circle.publish(1, np.zeros(layout.size, np.int32), made.state)[1] is None
    assert circle.publish(2, np.zeros(layout.size, np.int32), wanted)[1] is not None


class Decaying:
    """Its loss pulls all values back to 0 with weight decay."""

    decay = 0.5

    def model(self) -> nn.Module:
        return nn.Linear(500, 10)

    def data(self, seat: int, seats: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seat)
        x = torch.randn(100, 500, generator=generator) / 20
        return x, x[:, :10].argmax(1)

    def train(
        self,
        model: nn.Module,
        data: tuple[torch.Tensor, torch.Tensor],
        *,
        round: int,
        seed: int,
        privacy: Privacy | None = None,
    ) -> None:
        assert privacy is not None

        def losses(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            size = torch.stack([one.square().sum() for one in model.parameters()]).sum()
            return nn.functional.cross_entropy(model(x), y, reduction="none") + self.decay / 2 * size

        privacy.sgd(model, losses, data)


def test_a_peer_whose_loss_decays_its_weights_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_in_rounds() == 0
    # As it was found: without what is made up for, the same peer is named.
    monkeypatch.setattr("node.learning.training.make_up_noise", leave)
    assert find_in_rounds() > 0


def leave(_base: Vector, state: Vector, *_: object) -> MadeUp:
    return MadeUp(state, 0.0)


def find_in_rounds(rounds: int = 12) -> int:
    terms = parse_privacy_terms("epsilon=8,lr=0.5", rounds, 100)
    task = Task("Decaying", Decaying())
    layout = layout_of(task.model())
    peer = Trainer(task, layout, seat=0, seats=1, seed=0, private=UnchargedTraining(terms))
    circle, found = Circle(layout, terms.compute_noise_variance()), 0
    base = quantise(peer.make_initial(), layout.blocks, PLAIN).state
    for number in range(1, rounds + 1):
        state, fault = circle.publish(number, base, peer.train(to_float(base), number))
        found += fault is not None
        base = state
    return found
