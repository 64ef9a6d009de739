"""A round of private training: what it hands out, adds and refuses."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from ledger.errors import SetupError
from node.learning.private.mechanism import Mechanism, Privacy
from node.learning.private.randomness import SystemRandomness, Words
from node.simulator.predictable_randomness import PredictableRandomness
from node.tasks.losses import TaskLoss
from node.tasks.training_choices import TrainingChoices

EXAMPLES = 40
compute_losses = TaskLoss("classes", TrainingChoices(), torch.zeros(1, dtype=torch.int64)).compute_values
MECHANISM = Mechanism(
    steps=3, batch=10, rate=Fraction(1, 4), clip=0.5, sigma=2.0, learning_rate=1.5, examples=EXAMPLES
)


class NobodySampled:
    """Words that sample nobody, and then make noise."""

    def __init__(self) -> None:
        self._noise = PredictableRandomness(1)

    def draw_words(self, count: int) -> Words:
        if count == EXAMPLES:
            return np.full(count, (1 << 64) - 1, np.uint64)
        return self._noise.draw_words(count)


def make_data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(EXAMPLES, 6, generator=generator), torch.arange(EXAMPLES) % 3


def make_model() -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(6, 100), nn.ReLU(), nn.Linear(100, 3))


def flat(model: nn.Module) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in model.parameters()])


def test_two_rounds_of_the_same_differ_by_their_noise() -> None:
    one, other = make_model(), make_model()
    start = flat(one)
    for model in (one, other):
        Privacy(MECHANISM, SystemRandomness()).sgd(model, compute_losses, make_data())
    # Three steps of deviation lr σ C / B each.
    size = 3**0.5 * 1.5 * 2.0 * 0.5 / 10
    for step in (flat(one) - start, flat(other) - start):
        assert float(step.square().mean().sqrt()) == pytest.approx(size, rel=0.15)
    assert float((flat(one) - flat(other)).square().mean().sqrt()) == pytest.approx(2**0.5 * size, rel=0.15)


def test_an_empty_sample_is_a_step_of_noise_alone() -> None:
    """The divisor stays what it is, so nothing but noise says how many were sampled."""
    model, mechanism = make_model(), MECHANISM
    start = flat(model)
    Privacy(mechanism, NobodySampled()).sgd(model, compute_losses, make_data())
    rms = float((flat(model) - start).square().mean().sqrt())
    assert rms == pytest.approx(3**0.5 * 1.5 * 2.0 * 0.5 / 10, rel=0.1)


def test_the_divisor_is_the_batch_however_many_are_sampled() -> None:
    """All examples instead of ten: without noise that gives the step of the whole sum over 10."""
    everybody = Mechanism(
        steps=1, batch=10, rate=Fraction(1), clip=1e6, sigma=1e-12, learning_rate=1.0, examples=EXAMPLES
    )
    model, other = make_model(), make_model()
    Privacy(everybody, SystemRandomness()).sgd(model, compute_losses, make_data())
    gradients = torch.autograd.grad(compute_losses(other, *make_data()).sum() / 10, list(other.parameters()))
    expected = flat(other) - torch.cat([one.flatten() for one in gradients])
    assert torch.allclose(flat(model), expected, atol=1e-4)


def test_one_example_moves_a_sum_by_at_most_the_bound() -> None:
    """Without noise: with and without an example, everything else equal, whatever the example."""
    mechanism = Mechanism(
        steps=1, batch=10, rate=Fraction(1), clip=0.5, sigma=1e-9, learning_rate=1.0, examples=EXAMPLES
    )
    x, y = make_data()
    steps = []
    for scale in (0.0, 1e4):
        model, start = make_model(), flat(make_model())
        changed = x.clone()
        changed[7] *= scale
        losses = lambda model, x, y, there: compute_losses(model, x, y) * there  # noqa: E731
        there = torch.ones(EXAMPLES)
        there[7] = float(scale > 0)
        Privacy(mechanism, SystemRandomness()).sgd(model, losses, (changed, y, there))
        steps.append((flat(model) - start) * 10)
    assert float((steps[0] - steps[1]).norm()) <= 0.5


def test_noise_of_a_users_own_has_the_circles_deviation() -> None:
    noise = Privacy(MECHANISM, SystemRandomness()).noise((200, 300))
    assert noise.shape == (200, 300)
    assert noise.dtype == torch.float32
    assert float(noise.std()) == pytest.approx(2.0 * 0.5, rel=0.02)


@pytest.mark.parametrize("what", ["sample", "noise"])
def test_no_more_is_handed_out_than_is_charged(what: str) -> None:
    privacy = Privacy(MECHANISM, SystemRandomness())
    argument: int | Sequence[int] = EXAMPLES if what == "sample" else (2, 3)
    for _ in range(3):
        getattr(privacy, what)(argument)
    with pytest.raises(SetupError, match="more often than the circle's 3 steps"):
        getattr(privacy, what)(argument)


def test_what_is_sampled_from_is_all_that_the_peer_has() -> None:
    privacy = Privacy(MECHANISM, SystemRandomness())
    with pytest.raises(SetupError, match="has 40 examples"):
        privacy.sample(39)
    x, y = make_data()
    with pytest.raises(SetupError, match=r"parts of \[39, 39\] rows"):
        privacy.sgd(make_model(), compute_losses, (x[:39], y[:39]))


def test_a_training_without_noise_is_refused() -> None:
    privacy = Privacy(MECHANISM, SystemRandomness())
    with pytest.raises(SetupError, match="took `privacy` and no noise of it"):
        privacy.check_used("mine.py:Mine")
    privacy.noise((3,))
    privacy.check_used("mine.py:Mine")
