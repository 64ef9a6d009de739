"""What an update says of its author's privacy: what is right, and every way to be wrong."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.privacy.accountant import Charge, compute_epsilon_milli, compute_rate
from ledger.privacy.statement import (
    ROUNDS_MAX,
    BadStatement,
    PrivacyStatement,
    check_statement,
    find_contradiction,
    find_rounds_within,
    make_statement,
)
from tests.support.privacy import TERMS

pytestmark = pytest.mark.rule("R30.3")

STATEMENT = make_statement(TERMS, 3, 1, examples=1000)


def changed(statement: PrivacyStatement = STATEMENT, **fields: Any) -> PrivacyStatement:
    other: PrivacyStatement = msgspec.structs.replace(statement, **fields)
    return other


def test_a_statement_says_what_the_accountant_gives() -> None:
    spent = compute_epsilon_milli([Charge(12, 250_000_000, Decimal("1.958"))], Decimal("1e-5"))
    assert PrivacyStatement(spent, 3, 1, 1000, "1.958", 250_000_000) == STATEMENT
    check_statement(STATEMENT, TERMS)


def test_who_does_not_say_how_many_examples_it_has_says_a_rate() -> None:
    hidden = make_statement(TERMS, 3, 1, rate=250_000_000)
    assert hidden == changed(examples=0)
    check_statement(hidden, TERMS)


def test_who_adds_more_noise_spends_less() -> None:
    stricter = make_statement(TERMS, 3, 1, examples=1000, sigma=Decimal(4))
    assert stricter.epsilon_milli < STATEMENT.epsilon_milli
    check_statement(stricter, TERMS)


def test_who_has_fewer_examples_than_a_batch_takes_all_of_them() -> None:
    assert make_statement(TERMS, 1, 1, examples=100).rate == 10**9


def test_a_peer_that_has_not_trained_yet_has_spent_nothing() -> None:
    assert make_statement(TERMS, 0, 0, examples=1000).epsilon_milli == 0


def test_a_peer_whose_budget_is_spent_says_so_and_is_charged_nothing() -> None:
    rounds = find_rounds_within(TERMS, STATEMENT.rate)
    spent = make_statement(TERMS, rounds, 0, examples=1000)
    assert spent.epsilon_milli <= TERMS.epsilon_milli
    check_statement(spent, TERMS)
    with pytest.raises(BadStatement, match=f"the budget is {TERMS.epsilon_milli}"):
        make_statement(TERMS, rounds + 1, 1, examples=1000)


def test_a_peer_may_hold_itself_to_less_and_not_to_more() -> None:
    every = find_rounds_within(TERMS, STATEMENT.rate)
    assert 0 < find_rounds_within(TERMS, STATEMENT.rate, budget_milli=4000) < every
    assert find_rounds_within(TERMS, STATEMENT.rate, budget_milli=99_000) == every
    assert find_rounds_within(TERMS, STATEMENT.rate, sigma=Decimal(4)) > every


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"epsilon_milli": STATEMENT.epsilon_milli - 1}, "says that ε .* is spent, it is"),
        ({"epsilon_milli": STATEMENT.epsilon_milli + 1}, "says that ε .* is spent, it is"),
        ({"epsilon_milli": -1}, "says that ε"),
        ({"rounds": 2}, "says that ε"),
        ({"sigma": "1.957"}, "says sigma 1.957, the circle asks for 1.958"),
        ({"sigma": "1.9580"}, "canonical form, 1.958"),
        ({"sigma": "2"}, "says that ε"),
        ({"sigma": "9" * 4000}, "no decimal number"),
        ({"sigma": "1000001"}, "not in 0.1..1000000"),
        ({"charged": 4}, "4 of 3 rounds"),
        ({"charged": -1}, "-1 of 3 rounds"),
        ({"rounds": ROUNDS_MAX + 1}, "rounds, that is not"),
        ({"rounds": 10**18}, "rounds, that is not"),
        ({"examples": -1}, "-1 examples"),
        ({"examples": 2**60}, "examples, that is not"),
        ({"examples": 999}, "999 examples and batch 250 give 250250251"),
        ({"rate": 249_999_999}, "1000 examples and batch 250 give 250000000"),
        ({"rate": 0}, "a rate of 0 billionths"),
        ({"rate": 10**9 + 1}, "a rate of 1000000001 billionths"),
    ],
)
def test_a_statement_that_cannot_be_is_refused_with_the_reason(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadStatement, match=says) as fault:
        check_statement(changed(**fields), TERMS)
    assert len(str(fault.value)) < 300


def test_a_statement_is_there_exactly_where_the_circle_has_terms() -> None:
    check_statement(None, None)
    with pytest.raises(BadStatement, match="no privacy statement, and the circle has"):
        check_statement(None, TERMS)
    with pytest.raises(BadStatement, match="a privacy statement, and the circle has no"):
        check_statement(STATEMENT, None)


def test_neither_examples_nor_a_rate_is_no_statement() -> None:
    with pytest.raises(BadStatement, match="a rate of 0 billionths"):
        make_statement(TERMS, 1, 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.integers(1, 10**6), st.integers(1958, 9000))
def test_every_statement_within_the_budget_is_taken(rounds: int, examples: int, sigma: int) -> None:
    noise, rate = Decimal(sigma) / 1000, compute_rate(TERMS.batch, examples)
    fitting = min(rounds, find_rounds_within(TERMS, rate, noise))
    made = make_statement(TERMS, fitting, 0, examples=examples, sigma=noise)
    check_statement(made, TERMS)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=PrivacyStatement) == made
    assert made.epsilon_milli <= TERMS.epsilon_milli


integers = st.integers(-(2**63), 2**64 - 1)


@given(st.builds(PrivacyStatement, integers, integers, integers, integers, st.text(max_size=25), integers))
def test_figures_at_random_are_refused(statement: PrivacyStatement) -> None:
    with pytest.raises(BadStatement):
        check_statement(statement, TERMS)


@pytest.mark.rule("R30.4")
def test_counts_go_on_from_update_to_update() -> None:
    later = make_statement(TERMS, 4, 1, examples=1000)
    assert find_contradiction(later, STATEMENT, is_next=True) is None
    assert find_contradiction(make_statement(TERMS, 3, 0, examples=1000), STATEMENT, is_next=True) is None
    skipped = make_statement(TERMS, 6, 1, examples=1000)
    assert find_contradiction(skipped, STATEMENT, is_next=False) is None
    assert "charged for 3 rounds before and for 1 since, and says 6" in str(
        find_contradiction(skipped, STATEMENT, is_next=True)
    )


@pytest.mark.rule("R30.4")
@pytest.mark.parametrize("is_next", [True, False])
def test_a_count_that_falls_or_stands_follows_from_nothing(is_next: bool) -> None:
    for rounds, charged in ((2, 1), (2, 0), (3, 1)):
        later = make_statement(TERMS, rounds, charged, examples=1000)
        assert find_contradiction(later, STATEMENT, is_next=is_next) is not None


@pytest.mark.rule("R30.4")
def test_noise_rate_and_examples_stay_as_they_were_said() -> None:
    for other in (
        make_statement(TERMS, 4, 1, examples=2000),
        make_statement(TERMS, 4, 1, examples=1000, sigma=Decimal(3)),
        make_statement(TERMS, 4, 1, rate=10**8),
    ):
        assert "before, now" in str(find_contradiction(other, STATEMENT, is_next=True))
