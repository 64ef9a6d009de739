"""The accountant: known values, another way of reckoning, and what must grow with what."""

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.privacy.accountant import (
    ORDERS,
    RATE_ONE,
    Charge,
    compute_epsilon_milli,
    compute_rate,
    compute_step_costs,
    find_steps_covering,
    find_steps_within,
)

pytestmark = pytest.mark.rule("R30.2")

DELTA = Decimal("1e-5")
sigmas = st.integers(5, 80).map(lambda tenths: Decimal(tenths) / 10)
rates = st.integers(10**5, RATE_ONE)
steps = st.integers(1, 20_000)


def spent(steps: int, rate: int, sigma: Decimal | str, delta: Decimal = DELTA) -> int:
    return compute_epsilon_milli([Charge(steps, rate, Decimal(sigma))], delta)


def reckon_in_floats(steps: int, rate: float, sigma: float, delta: float) -> float:
    """ε once more, in logarithms of floats, as libraries do."""

    def cost(order: int) -> float:
        logs: list[float] = [
            math.lgamma(order + 1)
            - math.lgamma(k + 1)
            - math.lgamma(order - k + 1)
            + (order - k) * math.log1p(-rate)
            + k * math.log(rate)
            + k * (k - 1) / (2 * sigma**2)
            for k in range(order + 1)
        ]
        largest = max(logs)
        sum_of_shares = math.fsum(math.exp(one - largest) for one in logs)
        return (largest + math.log(sum_of_shares)) / (order - 1)

    least: float = min(
        steps * cost(order) + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)
        for order in ORDERS
    )
    return max(0.0, least)


@pytest.mark.parametrize(
    ("batch", "examples", "sigma", "steps", "epsilon_milli"),
    [
        (256, 60000, "1.1", 14062, 2597),
        (1, 100, "4", 10000, 1036),
        (1, 4, "3.6914", 40, 1995),
        (1, 4, "1.3184", 40, 8138),
        (1, 4, "6.0547", 120, 2000),
    ],
)
def test_known_values(batch: int, examples: int, sigma: str, steps: int, epsilon_milli: int) -> None:
    """dp-accounting's RDP figures, rounded up, but for the fourth: that library has orders between integers too."""
    assert spent(steps, compute_rate(batch, examples), sigma) == epsilon_milli


def test_without_steps_nothing_is_spent() -> None:
    assert compute_epsilon_milli([], DELTA) == 0
    assert spent(0, RATE_ONE, "1") == 0


def test_with_every_example_taken_a_step_costs_what_the_gaussian_does() -> None:
    costs = compute_step_costs(RATE_ONE, Decimal(3))
    expected = [Decimal(order) / 18 for order in ORDERS]
    assert max(abs(one - other) for one, other in zip(costs, expected, strict=True)) < Decimal("1e-24")


@settings(max_examples=30, deadline=None)
@given(steps, st.integers(10**6, RATE_ONE - 1), sigmas, st.sampled_from([3, 5, 8]))
def test_floats_come_to_nearly_the_same(steps: int, rate: int, sigma: Decimal, digits: int) -> None:
    found = spent(steps, rate, sigma, Decimal(1).scaleb(-digits))
    expected = 1000 * reckon_in_floats(steps, rate / RATE_ONE, float(sigma), 10.0**-digits)
    assert found == pytest.approx(expected, abs=1.001, rel=1e-7)
    assert found >= expected * (1 - 1e-7) - 1e-3


@settings(max_examples=25, deadline=None)
@given(steps, steps, rates, sigmas)
def test_more_steps_spend_no_less(fewer: int, more: int, rate: int, sigma: Decimal) -> None:
    assert spent(fewer, rate, sigma) <= spent(fewer + more, rate, sigma)


@settings(max_examples=25, deadline=None)
@given(steps, rates, rates, sigmas)
def test_a_higher_rate_spends_no_less(steps: int, one: int, other: int, sigma: Decimal) -> None:
    assert spent(steps, min(one, other), sigma) <= spent(steps, max(one, other), sigma)


@settings(max_examples=25, deadline=None)
@given(steps, rates, sigmas, sigmas)
def test_more_noise_spends_no_more(steps: int, rate: int, one: Decimal, other: Decimal) -> None:
    assert spent(steps, rate, max(one, other)) <= spent(steps, rate, min(one, other))


def test_charges_of_several_kinds_add_up() -> None:
    halves = [Charge(20, 10**8, Decimal(2)), Charge(20, 10**8, Decimal(2))]
    assert compute_epsilon_milli(halves, DELTA) == spent(40, 10**8, "2")
    mixed = compute_epsilon_milli([Charge(20, 10**8, Decimal(2)), Charge(20, 2 * 10**8, Decimal(2))], DELTA)
    assert spent(40, 10**8, "2") < mixed < spent(40, 2 * 10**8, "2")


@settings(max_examples=25, deadline=None)
@given(rates, sigmas, st.integers(1, 20_000))
def test_the_steps_that_fit_a_budget_are_the_most_that_do(rate: int, sigma: Decimal, budget: int) -> None:
    most = find_steps_within(rate, sigma, DELTA, budget)
    assert spent(most, rate, sigma) <= budget < spent(most + 1, rate, sigma)


@settings(max_examples=25, deadline=None)
@given(steps, rates, rates, sigmas, sigmas, st.sampled_from(["1e-9", "1e-5", "0.01"]))
def test_steps_that_cover_others_spend_no_less_at_any_delta(
    count: int, rate: int, other_rate: int, sigma: Decimal, other_sigma: Decimal, delta: str
) -> None:
    others, at = [Charge(count, rate, sigma), Charge(3, rate, sigma)], Decimal(delta)
    together = Charge(find_steps_covering(others, other_rate, other_sigma), other_rate, other_sigma)
    assert compute_epsilon_milli([together], at) >= compute_epsilon_milli(others, at)
    assert find_steps_covering(others, rate, sigma) == count + 3


@pytest.mark.parametrize("rate", [1, 1000, RATE_ONE - 1, RATE_ONE])
@pytest.mark.parametrize("sigma", ["0.1", "1000000"])
@pytest.mark.parametrize("delta", ["1e-20", "0.01"])
def test_the_extremes_of_what_terms_allow_have_a_figure(rate: int, sigma: str, delta: str) -> None:
    found = spent(20_000_000_000, rate, sigma, Decimal(delta))
    assert 0 <= found < 10**18


@pytest.mark.parametrize(
    ("batch", "examples", "rate"),
    [(250, 1000, 250_000_000), (1, 3, 333_333_334), (250, 250, RATE_ONE), (250, 10, RATE_ONE), (1, 10**12, 1)],
)
def test_the_rate_is_rounded_up_and_at_most_one(batch: int, examples: int, rate: int) -> None:
    assert compute_rate(batch, examples) == rate
