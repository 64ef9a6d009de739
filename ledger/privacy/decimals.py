"""Decimal numbers as text: one spelling for each, short, and exact wherever they are reckoned with (R30.1)."""

import re
from decimal import Decimal
from typing import Final

DIGITS_MAX: Final = 12
TEXT_MAX: Final = 20
_PLAIN_FROM: Final = Decimal("0.001")
_FORM: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,17})?(?:e-[0-9]{1,2})?")


class BadDecimal(ValueError):
    """A text is no decimal number of the kind that a circle's terms hold."""


def parse_decimal(text: str, what: str, least: str, most: str) -> Decimal:
    """The exact value of a canonical text. what: for the message. Raises BadDecimal, also outside least…most."""
    value = read_decimal(text, what)
    if not Decimal(least) <= value <= Decimal(most):
        raise BadDecimal(f"{what} {text} is not in {least}..{most}")
    if text != (canonical := format_decimal(value)):
        raise BadDecimal(f"{what} {text} is not in its canonical form, {canonical}")
    return value


def read_decimal(text: str, what: str) -> Decimal:
    """The exact value of a text in whatever spelling, as a person types it. Raises BadDecimal."""
    # [REJECT] R7: sizes first. A long text, or a large exponent, would be a number of as many digits.
    if len(text) > TEXT_MAX or not _FORM.fullmatch(text):
        raise BadDecimal(f"{what} {text[:TEXT_MAX]!r} is no decimal number such as 1.25 or 1e-5")
    value = Decimal(text)
    if len(str(_split(value)[0])) > DIGITS_MAX:
        raise BadDecimal(f"{what} {text} has more than {DIGITS_MAX} digits")
    return value


def format_decimal(value: Decimal) -> str:
    """The canonical text of a number from 0: no zero too many, and an exponent below 0.001 alone."""
    digits, exponent = _split(value)
    if exponent >= 0:
        return f"{digits}{'0' * exponent}"
    shown = str(digits)
    if value < _PLAIN_FROM:
        rest = f".{shown[1:]}" if shown[1:] else ""
        return f"{shown[0]}{rest}e{exponent + len(shown) - 1}"
    shown = shown.rjust(1 - exponent, "0")
    return f"{shown[:exponent]}.{shown[exponent:]}"


def _split(value: Decimal) -> tuple[int, int]:
    """(digits, exponent) with value = digits · 10**exponent, and the last digit not 0 but for 0 itself."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    number = int("".join(map(str, digits)))
    if number == 0:
        return 0, 0
    while number % 10 == 0:
        number, exponent = number // 10, exponent + 1
    return number, exponent
