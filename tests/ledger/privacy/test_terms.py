"""Privacy terms: what a circle can have, and how large the noise is."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.privacy.terms import BadPrivacyTerms, PrivacyTerms, check_privacy_terms
from tests.support.privacy import TERMS

pytestmark = pytest.mark.rule("R30.1")


def changed(**fields: Any) -> PrivacyTerms:
    terms: PrivacyTerms = msgspec.structs.replace(TERMS, **fields)
    return terms


def test_the_terms_of_the_guide_may_be() -> None:
    check_privacy_terms(TERMS)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"mechanism": "dp-ftrl"}, "mechanism 'dp-ftrl' is unknown"),
        ({"mechanism": "x" * 5000}, r"mechanism 'x{20}' is unknown"),
        ({"unit": "peer"}, "unit 'peer' is unknown"),
        ({"accountant": "pld"}, "accountant 'pld' is unknown"),
        ({"epsilon_milli": 0}, "epsilon_milli 0 is not in"),
        ({"epsilon_milli": 100_001}, "epsilon_milli 100001 is not in"),
        ({"batch": 0}, "batch 0 is not in"),
        ({"batch": (1 << 27) + 1}, "batch 134217729 is not in"),
        ({"steps": 0}, "steps 0 is not in"),
        ({"steps": 10_001}, "steps 10001 is not in"),
        ({"delta": "0"}, "delta 0 is not in"),
        ({"delta": "1e-21"}, "delta 1e-21 is not in"),
        ({"delta": "0.5"}, "delta 0.5 is not in"),
        ({"delta": "0.00001"}, "canonical form, 1e-5"),
        ({"sigma": "0.09"}, "sigma 0.09 is not in"),
        ({"sigma": "1e-99"}, "sigma 1e-99 is not in"),
        ({"sigma": "1e999999"}, "sigma '1e999999' is no decimal"),
        ({"sigma": "1" * 5000}, "is no decimal"),
        ({"sigma": "NaN"}, "is no decimal"),
        ({"clip": "0"}, "clip 0 is not in"),
        ({"clip": "1.0"}, "canonical form, 1"),
        ({"lr": "-1"}, "is no decimal"),
        ({"lr": "1000001"}, "lr 1000001 is not in"),
    ],
)
def test_terms_that_cannot_be_are_refused_with_the_reason(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadPrivacyTerms, match=says):
        check_privacy_terms(changed(**fields))


@pytest.mark.parametrize("field", sorted(PrivacyTerms.__struct_fields__))
def test_every_field_is_required_and_none_may_be_added(field: str) -> None:
    fields = msgspec.to_builtins(TERMS)
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({name: value for name, value in fields.items() if name != field}, PrivacyTerms)
    with pytest.raises(msgspec.ValidationError, match="surprise"):
        msgspec.convert(fields | {"surprise": 1}, PrivacyTerms)


@given(st.sampled_from(["delta", "clip", "sigma", "lr"]), st.text(max_size=24))
def test_any_text_in_a_number_s_place_is_a_number_or_refused(field: str, text: str) -> None:
    try:
        check_privacy_terms(changed(**{field: text}))
    except BadPrivacyTerms:
        return
    assert Decimal(text) > 0


@pytest.mark.rule("R30.5")
def test_the_noise_of_a_published_step_is_that_of_its_steps_together() -> None:
    """s = √4 · 1.6 · 1.958 · 1 / 250."""
    assert TERMS.compute_noise_variance() == 4 * Fraction("1.6") ** 2 * Fraction("1.958") ** 2 / 250**2
    assert float(TERMS.compute_noise_variance()) ** 0.5 == pytest.approx(0.0250624)
    assert TERMS.compute_noise_variance(Decimal("3.916")) == 4 * TERMS.compute_noise_variance()
