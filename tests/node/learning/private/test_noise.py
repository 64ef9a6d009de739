"""Samples and noise: distributed as they must be, secret, and on a grid."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from node.learning.private.noise import add_noise, draw_normal, draw_sample
from node.learning.private.randomness import SystemRandomness, Words
from node.simulator.predictable_randomness import PredictableRandomness


class FixedWords:
    """The same word for ever."""

    def __init__(self, word: int) -> None:
        self.word = word

    def draw_words(self, count: int) -> Words:
        return np.full(count, self.word, np.uint64)


def test_words_of_the_system_are_never_the_same_twice() -> None:
    one, other = SystemRandomness(), SystemRandomness()
    words = [*one.draw_words(1000), *one.draw_words(1000), *other.draw_words(1000)]
    assert len(set(words)) == 3000
    assert one.draw_words(0).size == 0


def test_noise_is_standard_normal() -> None:
    drawn = draw_normal(SystemRandomness(), 200_001)
    assert drawn.shape == (200_001,)
    assert drawn.dtype == torch.float64
    # Fails once in 10**9 runs.
    assert kstest(drawn.numpy(), "norm").pvalue > 1e-9


def test_the_halves_of_noise_do_not_hang_together() -> None:
    drawn = draw_normal(SystemRandomness(), 200_000)
    one, other = drawn[:100_000], drawn[100_000:]
    for power in (1, 2):
        pair = torch.stack([one**power, other**power])
        assert abs(float(torch.corrcoef(pair)[0, 1])) < 6 / 100_000**0.5


@pytest.mark.parametrize("word", [0, (1 << 64) - 1, (1 << 53) - 1, 1 << 53])
def test_noise_is_finite_whatever_the_words(word: int) -> None:
    assert bool(torch.isfinite(draw_normal(FixedWords(word), 4)).all())


def test_every_example_is_sampled_at_the_rate_and_by_itself() -> None:
    randomness, rate, rounds = SystemRandomness(), Fraction(1, 4), 4000
    taken = np.zeros((rounds, 40))
    for row in taken:
        row[draw_sample(randomness, 40, rate)] = 1
    shares = taken.mean(0)
    assert np.abs(shares - 0.25).max() < 6 * (0.25 * 0.75 / rounds) ** 0.5
    # As many at once as independent draws give: the variance is n q (1 − q).
    assert np.isclose(taken.sum(1).var(), 40 * 0.25 * 0.75, rtol=6 * (2 / rounds) ** 0.5)


@pytest.mark.parametrize(("rate", "count"), [(Fraction(0), 0), (Fraction(1), 50)])
def test_nothing_or_all_is_sampled_at_the_ends(rate: Fraction, count: int) -> None:
    assert len(draw_sample(SystemRandomness(), 50, rate)) == count


def test_a_sample_is_never_likelier_than_its_rate() -> None:
    rate = Fraction(1, 3)
    threshold = (1 << 64) // 3
    assert len(draw_sample(FixedWords(threshold - 1), 1, rate)) == 1
    assert len(draw_sample(FixedWords(threshold), 1, rate)) == 0


@pytest.mark.parametrize("deviation", [0.01, 1.0, 3.7, 1000.0])
def test_what_comes_out_is_a_whole_number_of_steps_whatever_went_in(deviation: float) -> None:
    values = torch.tensor([0.0, 1e-12, 0.1, 1.0, -3.3, 77.7]).repeat(1000)
    noised = add_noise(SystemRandomness(), values, deviation)
    steps = noised / 2.0 ** (np.frexp(deviation)[1] - 1 - 30)
    assert torch.equal(steps, steps.round())


def test_the_noise_added_does_not_hang_on_the_values() -> None:
    """So whoever knew the noise of one sum would know that of all: there is no rounding between the two."""
    values = torch.linspace(-5, 5, 10_000)
    one = add_noise(PredictableRandomness(7), values, 1.5)
    other = add_noise(PredictableRandomness(7), torch.zeros(10_000), 1.5)
    step = 2.0**-30
    assert torch.equal(one - other, values.double().div(step).round() * step)


def test_noise_has_the_deviation_asked_for() -> None:
    noised = add_noise(SystemRandomness(), torch.full((400, 500), 3.0), 2.5)
    assert noised.shape == (400, 500)
    assert kstest((noised.flatten().numpy() - 3.0) / 2.5, "norm").pvalue > 1e-9
