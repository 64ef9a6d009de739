"""What terms will mean before anybody trains: the noise that a budget asks for, and what it hides and costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import Final

from msgspec.structs import replace

from ledger.privacy.accountant import Charge, compute_epsilon_milli, compute_rate, find_steps_within
from ledger.privacy.decimals import format_decimal, read_decimal
from ledger.privacy.statement import find_rounds_within
from ledger.privacy.terms import (
    ACCOUNTANT,
    BATCH_MAX,
    EPSILON_MILLI_MAX,
    MECHANISM,
    STEPS_MAX,
    UNIT,
    BadPrivacyTerms,
    PrivacyTerms,
    check_privacy_terms,
)

OPTIONS: Final = ("epsilon", "delta", "sigma", "clip", "batch", "lr", "steps")
DELTA, CLIP, STEPS = "1e-5", "1", 4
# Of the noise in each value of a published step, where no learning rate is chosen. Measured with a perceptron:
# noise near this teaches more in thirty rounds than less at ε 8 and more at ε 2 do (docs/results/privacy.md).
_NOISE: Final = 0.036
_LR_RANGE: Final = (0.01, 4.0)
_SIGMA_MILLI: Final = (100, 10**9)


@dataclass(frozen=True)
class PeerOutlook:
    """What a peer with so many examples will spend."""

    examples: int
    """n."""
    rate: int
    """q, in billionths."""
    rounds: int
    """For so many rounds it may be charged before its budget is spent; at most those of the circle."""
    epsilon_milli: int
    """ε after these, in thousandths."""


def parse_privacy_terms(text: str, rounds: int, examples: int, *, is_for_all: bool = True) -> PrivacyTerms:
    """Terms from `NAME=VALUE,…` as a person types them, with defaults for the rest.

    Without sigma it is the least, in thousandths, with which a peer of `examples` trains all `rounds` within
    epsilon. Without lr it follows from the noise: the more there is, the less a step may move. is_for_all: whether
    the terms are chosen for peers of `examples`, so that no batch can be more; a single peer may have fewer.
    Raises BadPrivacyTerms.
    """
    chosen = _parse_pairs(text)
    if "epsilon" not in chosen:
        raise BadPrivacyTerms("privacy terms need a budget, such as epsilon=8")
    if examples < 1 or rounds < 1:
        raise BadPrivacyTerms(f"{examples} examples a peer and {rounds} rounds are not both above 0")
    try:
        numbers = {name: read_decimal(value, f"privacy's {name}") for name, value in chosen.items()}
    except ValueError as error:
        raise BadPrivacyTerms(str(error)) from error
    epsilon_milli = _read_epsilon(numbers["epsilon"])
    batch = _read_whole(numbers.get("batch", Decimal(max(1, examples // STEPS))), "batch", BATCH_MAX)
    if is_for_all and batch > examples:
        raise BadPrivacyTerms(
            f"a batch of {batch} is more than the {examples} examples of a peer, and a step takes each of them once"
            f" at most: choose a batch of at most {examples}, or say with --samples how many there are"
        )
    steps = _read_whole(numbers.get("steps", Decimal(STEPS)), "steps", STEPS_MAX)
    delta = numbers.get("delta", Decimal(DELTA))
    terms = PrivacyTerms(
        mechanism=MECHANISM,
        unit=UNIT,
        epsilon_milli=epsilon_milli,
        delta=format_decimal(delta),
        clip=format_decimal(numbers.get("clip", Decimal(CLIP))),
        sigma=format_decimal(numbers.get("sigma", Decimal(1))),
        batch=batch,
        lr=format_decimal(numbers.get("lr", Decimal(1))),
        steps=steps,
        accountant=ACCOUNTANT,
    )
    check_privacy_terms(terms)
    if "sigma" not in numbers:
        sigma = find_sigma(epsilon_milli, delta, compute_rate(batch, examples), rounds * steps)
        terms = replace(terms, sigma=format_decimal(sigma))
    return terms if "lr" in numbers else replace(terms, lr=format_decimal(choose_rate(terms)))


def choose_rate(terms: PrivacyTerms) -> Decimal:
    """The learning rate with which a published step holds the noise that was found to teach most; two digits."""
    least, most = _LR_RANGE
    wanted = _NOISE / sqrt(terms.compute_noise_variance()) * float(terms.lr)
    return Decimal(f"{min(most, max(least, wanted)):.2g}")


def find_sigma(epsilon_milli: int, delta: Decimal, rate: int, steps: int) -> Decimal:
    """The least noise, in thousandths, with which so many steps stay within ε. Raises BadPrivacyTerms for none."""
    low, high = _SIGMA_MILLI
    if find_steps_within(rate, Decimal(high) / 1000, delta, epsilon_milli) < steps:
        raise BadPrivacyTerms(f"no noise keeps {steps} steps within ε {epsilon_milli / 1000:g}: allow more")
    while low < high:
        middle = (low + high) // 2
        if find_steps_within(rate, Decimal(middle) / 1000, delta, epsilon_milli) < steps:
            low = middle + 1
        else:
            high = middle
    return Decimal(low) / 1000


def compute_outlook(terms: PrivacyTerms, rounds: int, examples: int) -> PeerOutlook:
    """What a peer with so many examples will spend in a circle of so many rounds."""
    rate = compute_rate(terms.batch, examples)
    charged = min(rounds, find_rounds_within(terms, rate))
    charge = Charge(charged * terms.steps, rate, terms.sigma_value)
    return PeerOutlook(examples, rate, charged, compute_epsilon_milli([charge], terms.delta_value))


def describe_full_rate(terms: PrivacyTerms, examples: int) -> str | None:
    """What it means for a peer to have fewer examples than the batch, a clause; None where it has as many."""
    if terms.batch <= examples:
        return None
    return (
        f"a batch of {terms.batch:,} is more than {examples:,} examples: each step takes all of them, so the noise"
        f" alone hides one, and still divides by {terms.batch:,}"
    )


def compute_hidden_steps(terms: PrivacyTerms, parameters: int) -> float:
    """How many honest steps, of the most length that cutting allows, are as long as the noise in a published one.

    The noise of a step has length √d · s; its signal at most K · lr · C, where every example taken pulls the same
    way. A push of the noise's length lies no further from others' states than an honest one: so this is the room
    that the noise gives an attacker each round, and, the other way round, noise against signal.
    """
    return sqrt(parameters * terms.compute_noise_variance()) / (terms.steps * float(terms.lr) * float(terms.clip))


def _parse_pairs(text: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        name, is_pair, value = part.strip().partition("=")
        if not is_pair or name not in OPTIONS or name in found:
            raise BadPrivacyTerms(
                f"{part.strip()[:40]!r} is none of {', '.join(OPTIONS)}, each once, as in epsilon=8,delta=1e-5"
            )
        found[name] = value.strip()
    return found


def _read_epsilon(value: Decimal) -> int:
    """In thousandths."""
    if value * 1000 != int(value * 1000) or not 1 <= value * 1000 <= EPSILON_MILLI_MAX:
        raise BadPrivacyTerms(
            f"privacy's epsilon {value} is not in 0.001..{EPSILON_MILLI_MAX // 1000}, with three digits after the"
            " point at most"
        )
    return int(value * 1000)


def _read_whole(value: Decimal, what: str, most: int) -> int:
    if value != int(value) or not 1 <= value <= most:
        raise BadPrivacyTerms(f"privacy's {what} {value} is not a whole number in 1..{most}")
    return int(value)
