"""How much privacy training spends: Rényi accounting of the sampled Gaussian mechanism, the same on every machine.

A step costs ρ(a) at each of a few orders a, costs add up, and ε at a given δ follows from the sums. All of it is
decimal arithmetic with 50 digits, and ε is rounded up to a thousandth: two programs get the same figure unless the
true one lies within 10⁻⁴⁰ of a thousandth.
Source: Mironov, Talwar, Zhang 2019, arXiv:1908.10530, section 3.3 (ρ at integer orders); Canonne, Kamath, Steinke
2020, arXiv:2004.00010, proposition 12 (ε from ρ).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache
from math import comb
from typing import Final

ORDERS: Final = (*range(2, 65), 80, 96, 128, 192, 256)
RATE_ONE: Final = 10**9
"""A rate of 1: rates are integers in billionths."""
_CONTEXT: Final = Context(prec=50, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN)
# Digits that sums and quotients of costs have right.
_SURE: Final = 45
_KEPT: Final = 1024


@dataclass(frozen=True)
class Charge:
    """Steps of one kind."""

    steps: int
    """How many."""
    rate: int
    """q: the probability with which a step takes an example, in billionths, 1…10⁹."""
    sigma: Decimal
    """σ: the noise, in lengths of a cut gradient."""


def compute_rate(batch: int, examples: int) -> int:
    """q = B / n in billionths, rounded up; at most 1."""
    return min(RATE_ONE, -(-batch * RATE_ONE // examples))


def compute_epsilon_milli(charges: Iterable[Charge], delta: Decimal) -> int:
    """ε at δ of all charges together, in thousandths, rounded up (R30.2). 0 where there are no steps."""
    charged = [charge for charge in charges if charge.steps]
    if not charged:
        return 0
    with localcontext(_CONTEXT):
        epsilon = min(map(Decimal.__add__, _sum_costs(charged), _compute_offsets(delta)))
        return max(0, int((1000 * epsilon).to_integral_value(ROUND_CEILING)))


def find_steps_within(rate: int, sigma: Decimal, delta: Decimal, epsilon_milli: int) -> int:
    """The most steps of one kind whose ε is not above `epsilon_milli`."""
    with localcontext(_CONTEXT):
        found = 0
        for cost, offset in zip(compute_step_costs(rate, sigma), _compute_offsets(delta), strict=True):
            room = Decimal(epsilon_milli) / 1000 - offset
            if room > 0:
                found = max(found, int(room / cost))
    return found


def find_steps_covering(charges: Iterable[Charge], rate: int, sigma: Decimal) -> int:
    """The fewest steps of one kind that cost as much as all charges together, at every order.

    So they may stand for them in any sum, at any δ.
    """
    with localcontext(_CONTEXT):
        costs = compute_step_costs(rate, sigma)
        shares = (total / cost for total, cost in zip(_sum_costs(charges), costs, strict=True))
        # What rounding adds to a whole number is no step more.
        return max(int((share - share.scaleb(-_SURE)).to_integral_value(ROUND_CEILING)) for share in shares)


@lru_cache(maxsize=_KEPT)
def compute_step_costs(rate: int, sigma: Decimal) -> tuple[Decimal, ...]:
    """ρ of one step at each of ORDERS. rate: in billionths, 1…10⁹."""
    with localcontext(_CONTEXT):
        taken = Decimal(rate) / RATE_ONE
        weights = _compute_weights(sigma)
        if rate == RATE_ONE:
            return tuple(weights[order].ln() / (order - 1) for order in ORDERS)
        # Σ C(a, k) (1−q)^(a−k) q^k w_k = (1−q)^a Σ C(a, k) r^k w_k, with r = q / (1−q).
        ratio, left = taken / (1 - taken), 1 - taken
        terms = [weight * ratio**k for k, weight in enumerate(weights)]
        return tuple(_compute_order_cost(order, terms, left) for order in ORDERS)


def _sum_costs(charges: Iterable[Charge]) -> list[Decimal]:
    """ρ of all charges together at each of ORDERS, in the context that is set."""
    totals = [Decimal(0)] * len(ORDERS)
    for charge in charges:
        costs = compute_step_costs(charge.rate, charge.sigma)
        totals = [total + charge.steps * cost for total, cost in zip(totals, costs, strict=True)]
    return totals


def _compute_order_cost(order: int, terms: list[Decimal], left: Decimal) -> Decimal:
    total = sum((comb(order, k) * terms[k] for k in range(order + 1)), Decimal(0))
    return (left**order * total).ln() / (order - 1)


@lru_cache(maxsize=64)
def _compute_weights(sigma: Decimal) -> list[Decimal]:
    """w_k = exp(k (k − 1) / (2 σ²)) for k from 0 to the largest order."""
    with localcontext(_CONTEXT):
        double = 2 * sigma * sigma
        return [(Decimal(k * (k - 1)) / double).exp() for k in range(ORDERS[-1] + 1)]


@lru_cache(maxsize=64)
def _compute_offsets(delta: Decimal) -> tuple[Decimal, ...]:
    """What ε has beside the sum of costs, at each of ORDERS."""
    with localcontext(_CONTEXT):
        log_delta = delta.ln()
        return tuple(
            (Decimal(order - 1) / order).ln() - (log_delta + Decimal(order).ln()) / (order - 1) for order in ORDERS
        )
