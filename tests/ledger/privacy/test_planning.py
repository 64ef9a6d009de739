"""Planning: the noise that a budget asks for, what peers will spend, and what a person may type."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.privacy.accountant import Charge, compute_epsilon_milli, compute_rate
from ledger.privacy.planning import (
    compute_hidden_steps,
    compute_outlook,
    describe_full_rate,
    find_sigma,
    parse_privacy_terms,
)
from ledger.privacy.terms import BadPrivacyTerms, check_privacy_terms
from tests.support.privacy import TERMS

pytestmark = pytest.mark.rule("R30.2")

DELTA = Decimal("1e-5")


@settings(max_examples=15, deadline=None)
@given(st.integers(500, 20_000), st.integers(10**7, 10**9), st.integers(1, 400))
def test_the_noise_found_is_the_least_within_the_budget(epsilon: int, rate: int, steps: int) -> None:
    def spent(sigma: Decimal) -> int:
        return compute_epsilon_milli([Charge(steps, rate, sigma)], DELTA)

    found = find_sigma(epsilon, DELTA, rate, steps)
    assert spent(found) <= epsilon
    if found > Decimal("0.1"):
        assert spent(found - Decimal("0.001")) > epsilon


def test_a_budget_that_no_noise_keeps_is_refused() -> None:
    with pytest.raises(BadPrivacyTerms, match=r"no noise keeps 40 steps within ε 0\.001"):
        find_sigma(1, Decimal("1e-20"), 10**9, 40)


def test_a_budget_alone_makes_terms_that_last_all_rounds() -> None:
    terms = parse_privacy_terms("epsilon=8", 30, 1000)
    check_privacy_terms(terms)
    assert (terms.epsilon_milli, terms.delta, terms.batch, terms.steps) == (8000, "1e-5", 250, 4)
    outlook = compute_outlook(terms, 30, 1000)
    assert outlook.rounds == 30
    assert outlook.epsilon_milli <= 8000


@pytest.mark.parametrize(("epsilon", "lr"), [("100", "4"), ("8", "2.3"), ("2", "0.74"), ("0.05", "0.025")])
def test_the_more_noise_there_is_the_less_a_step_moves(epsilon: str, lr: str) -> None:
    assert parse_privacy_terms(f"epsilon={epsilon}", 30, 1000).lr == lr
    assert parse_privacy_terms(f"epsilon={epsilon},lr=1.6", 30, 1000).lr == "1.6"


def test_what_is_typed_is_taken_in_its_canonical_form() -> None:
    terms = parse_privacy_terms(
        "epsilon=2.50, delta=0.000010,sigma=4.0,clip=0.50,batch=100,lr=0.10,steps=2", 10, 1000
    )
    assert (terms.epsilon_milli, terms.delta, terms.sigma, terms.clip) == (2500, "1e-5", "4", "0.5")
    assert (terms.batch, terms.lr, terms.steps) == (100, "0.1", 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("delta=1e-5", "need a budget, such as epsilon=8"),
        ("", "'' is none of epsilon"),
        ("epsilon", "'epsilon' is none of epsilon"),
        ("epsilon=8,epsilon=9", "each once"),
        ("epsilon=8,noise=2", "'noise=2' is none of epsilon"),
        ("epsilon=x", "is no decimal number"),
        ("epsilon=0", "epsilon 0 is not in 0.001..100"),
        ("epsilon=0.0001", "epsilon 0.0001 is not in 0.001..100, with three digits after the point at most"),
        ("epsilon=1000", "epsilon 1000 is not in 0.001..100"),
        ("epsilon=8,batch=2.5", "batch 2.5 is not a whole number"),
        (
            "epsilon=8,batch=1001",
            "a batch of 1001 is more than the 1000 examples .* choose a batch of at most 1000",
        ),
        ("epsilon=8,steps=0", "steps 0 is not a whole number"),
        ("epsilon=8,delta=0.5", "delta 0.5 is not in"),
        ("epsilon=8,sigma=0.01", "sigma 0.01 is not in"),
        ("epsilon=1e-99999", "is no decimal number"),
        ("x" * 1000, "is none of epsilon"),
    ],
)
def test_what_makes_no_terms_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(BadPrivacyTerms, match=says):
        parse_privacy_terms(text, 10, 1000)


def test_one_peer_may_have_fewer_examples_than_the_batch_and_what_that_means_is_said() -> None:
    terms = parse_privacy_terms("epsilon=8,batch=250", 10, 50, is_for_all=False)
    assert terms.batch == 250
    assert compute_outlook(terms, 10, 50).rate == 10**9
    said = describe_full_rate(terms, 50)
    assert said is not None
    assert said.startswith("a batch of 250 is more than 50 examples: each step takes all of them")
    assert describe_full_rate(terms, 250) is None
    # All of them in each step is still a rate.
    assert parse_privacy_terms("epsilon=8,batch=1000", 10, 1000).batch == 1000


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=30)
    | st.from_regex(r"(epsilon|sigma|batch)=[0-9.e-]{0,9}(,[a-z]{1,7}=[0-9.]{0,5})?", fullmatch=True)
)
def test_any_text_makes_terms_that_may_be_or_is_refused(text: str) -> None:
    try:
        terms = parse_privacy_terms(text, 3, 100)
    except BadPrivacyTerms:
        return
    check_privacy_terms(terms)


def test_who_has_fewer_examples_lasts_for_fewer_rounds() -> None:
    lasting = [compute_outlook(TERMS, 30, examples).rounds for examples in (2000, 1000, 500, 100)]
    assert lasting == sorted(lasting, reverse=True)
    assert lasting[0] == 30 > lasting[-1] > 0
    assert compute_outlook(TERMS, 30, 500).rate == compute_rate(250, 500)


@pytest.mark.rule("R30.5")
def test_the_room_for_an_attacker_is_the_noise_in_honest_steps() -> None:
    """√d · s / (K · lr · C)."""
    expected = (10_000 * TERMS.compute_noise_variance()) / Fraction("6.4") ** 2
    assert compute_hidden_steps(TERMS, 10_000) == pytest.approx(float(expected) ** 0.5)
    assert compute_hidden_steps(TERMS, 40_000) == pytest.approx(2 * compute_hidden_steps(TERMS, 10_000))
