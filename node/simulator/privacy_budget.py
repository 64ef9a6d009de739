"""A simulated circle's budget of privacy, by the accountant of real ones."""

from collections.abc import Mapping
from decimal import Decimal

from ledger.privacy.accountant import Charge, compute_epsilon_milli, compute_rate, find_steps_within
from ledger.privacy.terms import PrivacyTerms


def make_privacy_numbers(terms: PrivacyTerms) -> dict[str, float]:
    """A scenario's `privacy` for a circle with these terms."""
    return {
        "steps": terms.steps,
        "batch": terms.batch,
        "clip": float(terms.clip),
        "sigma": float(terms.sigma),
        "lr": float(terms.lr),
        "epsilon": terms.epsilon_milli / 1000,
        "delta": float(terms.delta),
    }


def find_rounds_in_budget(privacy: Mapping[str, float], examples: int) -> int | None:
    """For how many rounds a peer with so many examples may be charged; None where there is no budget."""
    if "epsilon" not in privacy:
        return None
    rate, epsilon_milli = compute_rate(int(privacy["batch"]), examples), round(1000 * privacy["epsilon"])
    steps = find_steps_within(rate, _read_exactly(privacy["sigma"]), _read_exactly(privacy["delta"]), epsilon_milli)
    return steps // int(privacy["steps"])


def compute_epsilon(privacy: Mapping[str, float], examples: int, rounds: int) -> float:
    """ε of a peer with so many examples after so many rounds that it was charged for. privacy: with a budget."""
    rate = compute_rate(int(privacy["batch"]), examples)
    charge = Charge(rounds * int(privacy["steps"]), rate, _read_exactly(privacy["sigma"]))
    return compute_epsilon_milli([charge], _read_exactly(privacy["delta"])) / 1000


def _read_exactly(value: float) -> Decimal:
    """The decimal number that was typed."""
    return Decimal(repr(value))
