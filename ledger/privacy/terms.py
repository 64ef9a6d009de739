"""What a circle agreed on about its members' privacy: the `privacy` field of a manifest (R30)."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from ledger.privacy.decimals import parse_decimal

MECHANISM: Final = "dp-sgd"
UNIT: Final = "example"
ACCOUNTANT: Final = "rdp-1"
EPSILON_MILLI_MAX: Final = 100_000
BATCH_MAX: Final = 1 << 27
STEPS_MAX: Final = 10_000
# With a σ this small a step costs more than any budget, and the accountant's exponentials stay numbers.
SIGMA_RANGE: Final = ("0.1", "1000000")
DELTA_RANGE: Final = ("1e-20", "0.01")
_SCALE_RANGE: Final = ("1e-9", "1000000")


class BadPrivacyTerms(ValueError):
    """No circle can have these terms; the message says why."""


class PrivacyTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The mechanism that all members train with, and what each of them may spend.

    From a base, `steps` times: each of a peer's examples is taken with the peer's rate, by itself; the gradients of
    those taken are cut to length `clip` each and summed; noise of deviation sigma · clip is added to each value;
    the model moves by −lr / batch times that. Numbers with a fraction are decimal text in canonical form, so that
    everybody reckons with the same ones.
    """

    mechanism: str
    """How noise is added: `dp-sgd`."""
    unit: str
    """What is hidden: whether any one `example` was there."""
    epsilon_milli: int
    """The most that a peer may spend, ε in thousandths, at `delta`."""
    delta: str
    """δ: the probability that the bound ε may fail with."""
    clip: str
    """C: the length that each example's gradient is cut to, over all parameters together."""
    sigma: str
    """σ: the noise of a step, in lengths C; a peer may add more."""
    batch: int
    """B: what a step divides by, however many examples it took."""
    lr: str
    """The learning rate."""
    steps: int
    """K: steps in a round."""
    accountant: str
    """How spending is reckoned: `rdp-1` (ledger.privacy.accountant)."""

    @property
    def delta_value(self) -> Decimal:
        """δ, exactly."""
        return Decimal(self.delta)

    @property
    def sigma_value(self) -> Decimal:
        """σ, exactly."""
        return Decimal(self.sigma)

    def compute_noise_variance(self, sigma: Decimal | None = None) -> Fraction:
        """s² = K · (lr · σ · C / B)²: the variance of the noise in each value of a published step (R30.5), exactly.

        sigma: the peer's, where it adds more noise than it must. In the model's own units, not in the grid's.
        """
        chosen = self.sigma_value if sigma is None else sigma
        deviation = Fraction(self.lr) * Fraction(chosen) * Fraction(self.clip) / self.batch
        return self.steps * deviation**2


def check_privacy_terms(terms: PrivacyTerms) -> None:
    """Raises BadPrivacyTerms where a number or a name is outside what a circle can have (R30.1)."""
    known = (("mechanism", MECHANISM), ("unit", UNIT), ("accountant", ACCOUNTANT))
    for name, only in known:
        if (given := getattr(terms, name)) != only:
            raise BadPrivacyTerms(f"privacy's {name} {given[:20]!r} is unknown, this program knows {only!r}")
    _check_range("epsilon_milli", terms.epsilon_milli, EPSILON_MILLI_MAX)
    _check_range("batch", terms.batch, BATCH_MAX)
    _check_range("steps", terms.steps, STEPS_MAX)
    try:
        parse_decimal(terms.delta, "privacy's delta", *DELTA_RANGE)
        parse_decimal(terms.sigma, "privacy's sigma", *SIGMA_RANGE)
        parse_decimal(terms.clip, "privacy's clip", *_SCALE_RANGE)
        parse_decimal(terms.lr, "privacy's lr", *_SCALE_RANGE)
    except ValueError as error:
        raise BadPrivacyTerms(str(error)) from error


def _check_range(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise BadPrivacyTerms(f"privacy's {name} {value} is not in 1..{most}")
