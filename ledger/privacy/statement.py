"""What a peer says with an update about the privacy that it has spent, and what everybody checks of it (R30.3).

A statement stands for itself: its ε follows from how many rounds were charged, the rate and the noise, which a peer
says with its first charge and keeps. So a judge needs none of the author's earlier updates to find that the figure
is right and within the budget; whether the counts go on from one update to the next is for audits (R30.4).

Nobody can see how many examples a peer has, so the rate is the peer's word, said or not said with a number of
examples. It decides nothing about anybody else: a peer that understates it spends its own people's privacy unseen.
"""

from decimal import Decimal
from typing import Final

import msgspec

from ledger.privacy.accountant import RATE_ONE, Charge, compute_epsilon_milli, compute_rate, find_steps_within
from ledger.privacy.decimals import format_decimal, parse_decimal
from ledger.privacy.terms import SIGMA_RANGE, PrivacyTerms

ROUNDS_MAX: Final = (1 << 21) - 1
EXAMPLES_MAX: Final = (1 << 53) - 1


class BadStatement(ValueError):
    """An update's statement is lacking, surplus, or not what the terms and its own figures give."""


class PrivacyStatement(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an update says of its author's privacy."""

    epsilon_milli: int
    """ε of all that the author was charged so far, this update included, in thousandths, rounded up."""
    rounds: int
    """So many rounds it was charged for so far, this update included."""
    charged: int
    """So many of them since its update before: 0 where it did not train and publishes its base, more than 1 where
    it was charged for rounds that it did not publish."""
    examples: int
    """n: how many examples it has, 0 where it does not say."""
    sigma: str
    """σ: the noise that it adds, at least the terms'; canonical decimal text."""
    rate: int
    """q: with what probability a step takes an example, in billionths; B / n rounded up where it says n."""

    @property
    def sigma_value(self) -> Decimal:
        """σ, exactly."""
        return Decimal(self.sigma)


def make_statement(
    terms: PrivacyTerms,
    rounds: int,
    charged: int,
    *,
    examples: int = 0,
    rate: int | None = None,
    sigma: Decimal | None = None,
) -> PrivacyStatement:
    """The statement of a peer that was charged for so many rounds, `charged` of them since its last update.

    examples: n, or 0 with the rate in billionths. sigma: None for the terms'. Raises BadStatement where no update
    can say so, also where that is above the budget.
    """
    chosen_rate = compute_rate(terms.batch, examples) if rate is None and examples > 0 else rate or 0
    text = terms.sigma if sigma is None else format_decimal(sigma)
    bare = PrivacyStatement(0, rounds, charged, examples, text, chosen_rate)
    _check_parts(bare, terms)
    statement = msgspec.structs.replace(bare, epsilon_milli=_compute_spent(bare, terms))
    check_statement(statement, terms)
    return statement


def check_statement(statement: PrivacyStatement | None, terms: PrivacyTerms | None) -> None:
    """Whether an update may say this in a circle with these terms: all that follows from the two alone (R30.3).

    Raises BadStatement.
    """
    # [REJECT] R30.3: an update says what it spends exactly where the circle has terms for that.
    if terms is None or statement is None:
        if terms is None and statement is None:
            return
        lacking = "no privacy statement, and the circle has privacy terms"
        surplus = "a privacy statement, and the circle has no privacy terms"
        raise BadStatement(f"the update has {lacking if statement is None else surplus}")
    _check_parts(statement, terms)
    # [REJECT] R30.3: the figure is what the accountant gives, and within the budget.
    spent = _compute_spent(statement, terms)
    if statement.epsilon_milli != spent:
        raise BadStatement(f"the update says that ε {statement.epsilon_milli} milli is spent, it is {spent}")
    if spent > terms.epsilon_milli:
        raise BadStatement(f"the update has spent ε {spent} milli, the budget is {terms.epsilon_milli}")


def find_contradiction(statement: PrivacyStatement, last: PrivacyStatement, *, is_next: bool) -> str | None:
    """Why a statement cannot come after an earlier one of the same author and tenure; None where it can (R30.4).

    is_next: `last` is of the update right before this one, so that the counts must meet.
    """
    if (statement.sigma, statement.rate, statement.examples) != (last.sigma, last.rate, last.examples):
        return (
            f"it said σ {last.sigma}, rate {last.rate} and {last.examples} examples before,"
            f" now σ {statement.sigma}, rate {statement.rate} and {statement.examples}"
        )
    since = statement.rounds - last.rounds
    if since < statement.charged or (is_next and since != statement.charged):
        return (
            f"it was charged for {last.rounds} rounds before and for {statement.charged} since, and says"
            f" {statement.rounds}"
        )
    return None


def find_rounds_within(
    terms: PrivacyTerms, rate: int, sigma: Decimal | None = None, budget_milli: int | None = None
) -> int:
    """For how many rounds in all a peer may be charged. rate: in billionths. budget_milli: None for the terms'."""
    budget = terms.epsilon_milli if budget_milli is None else min(budget_milli, terms.epsilon_milli)
    chosen = terms.sigma_value if sigma is None else sigma
    return min(ROUNDS_MAX, find_steps_within(rate, chosen, terms.delta_value, budget) // terms.steps)


def _check_parts(statement: PrivacyStatement, terms: PrivacyTerms) -> None:
    try:
        sigma = parse_decimal(statement.sigma, "the update's sigma", *SIGMA_RANGE)
    except ValueError as error:
        raise BadStatement(str(error)) from error
    # [REJECT] R30.3: only stricter than the terms.
    if sigma < terms.sigma_value:
        raise BadStatement(f"the update says sigma {statement.sigma}, the circle asks for {terms.sigma}")
    if not 0 <= statement.charged <= statement.rounds <= ROUNDS_MAX:
        raise BadStatement(
            f"the update says {statement.charged} of {statement.rounds} rounds,"
            f" that is not 0..{ROUNDS_MAX} in order"
        )
    if not 0 <= statement.examples <= EXAMPLES_MAX:
        raise BadStatement(f"the update says {statement.examples} examples, that is not 0..{EXAMPLES_MAX}")
    if not 1 <= statement.rate <= RATE_ONE:
        raise BadStatement(f"the update says a rate of {statement.rate} billionths, that is not 1..{RATE_ONE}")
    # [REJECT] R30.3: the rate is that of the batch and the examples, where these are said.
    if statement.examples and statement.rate != (rate := compute_rate(terms.batch, statement.examples)):
        raise BadStatement(
            f"the update says a rate of {statement.rate} billionths, {statement.examples} examples and batch"
            f" {terms.batch} give {rate}"
        )


def _compute_spent(statement: PrivacyStatement, terms: PrivacyTerms) -> int:
    charge = Charge(statement.rounds * terms.steps, statement.rate, Decimal(statement.sigma))
    return compute_epsilon_milli([charge], terms.delta_value)
