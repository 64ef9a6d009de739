"""Privacy terms as tests have them."""

from typing import Final

from ledger.privacy.terms import PrivacyTerms

TERMS: Final = PrivacyTerms(
    mechanism="dp-sgd",
    unit="example",
    epsilon_milli=8000,
    delta="1e-5",
    clip="1",
    sigma="1.958",
    batch=250,
    lr="1.6",
    steps=4,
    accountant="rdp-1",
)
"""Of a circle whose peers with 1,000 examples train thirty rounds of an epoch at ε = 8."""
