"""Decimal text: one spelling a number, and nothing that explodes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.privacy.decimals import DIGITS_MAX, TEXT_MAX, BadDecimal, format_decimal, parse_decimal, read_decimal

pytestmark = pytest.mark.rule("R30.1")

numbers = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(0, 10**6), st.integers(0, 9)
)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("250", "250"),
        ("001.50", "1.5"),
        ("0.00001", "1e-5"),
        ("1e-5", "1e-5"),
        ("12e-6", "1.2e-5"),
        ("0.001", "0.001"),
        ("0.000999", "9.99e-4"),
        ("100e-2", "1"),
        ("0.0", "0"),
    ],
)
def test_what_a_person_types_has_one_canonical_text(typed: str, canonical: str) -> None:
    assert format_decimal(read_decimal(typed, "x")) == canonical
    assert parse_decimal(canonical, "x", "0", "1000") == Decimal(typed)


@given(numbers)
def test_a_number_comes_back_from_its_text_exactly(number: Decimal) -> None:
    text = format_decimal(number)
    assert len(text) <= TEXT_MAX
    assert parse_decimal(text, "x", "0", "1000000") == number


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".5",
            "5.",
            "-1",
            "+1",
            "1e5",
            "1e+5",
            "1E-5",
            "nan",
            "inf",
            "1_0",
            " 1",
            "1\n",
            "1e-100",
            "0x1",
            "1,5",
        ),
        *("1e-999999999", "9" * 21, "1." + "0" * 19, "٣"),
    ],
)
def test_what_is_no_short_decimal_is_refused(text: str) -> None:
    with pytest.raises(BadDecimal, match="is no decimal number"):
        read_decimal(text, "x")


def test_too_many_digits_are_refused() -> None:
    with pytest.raises(BadDecimal, match=f"more than {DIGITS_MAX} digits"):
        read_decimal("1.000000000001", "x")


@pytest.mark.parametrize("text", ["1.0", "01", "0.00001", "10e-1", "1.50"])
def test_another_spelling_is_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(BadDecimal, match="canonical form"):
        parse_decimal(text, "x", "1e-9", "1000")


def test_a_number_outside_its_bounds_is_refused_with_them() -> None:
    with pytest.raises(BadDecimal, match=r"x 1001 is not in 1\.\.1000"):
        parse_decimal("1001", "x", "1", "1000")


@given(st.text(max_size=40) | st.from_regex(r"[0-9.e-]{0,24}", fullmatch=True))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        value = parse_decimal(text, "x", "0", "1000000")
    except BadDecimal:
        return
    assert format_decimal(value) == text
