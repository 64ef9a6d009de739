"""Settings that a person types as pairs, such as NAME=NUMBER."""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Final, TypeVar

from ledger.errors import UsageError

N = TypeVar("N")
V = TypeVar("V")
_SHOWN: Final = 60


def parse_finite_numbers(texts: Iterable[str], option: str, example: str) -> dict[str, float]:
    """NAME=NUMBER pairs. option: whose they are. example: of one. Raises UsageError."""
    return parse_pairs(texts, str, "=", _read_finite, f"{option} {{}} is not NAME=NUMBER, e.g. {example}")


def parse_pairs(
    texts: Iterable[str],
    read_name: Callable[[str], N],
    separator: str,
    read_value: Callable[[str], V],
    complaint: str,
) -> dict[N, V]:
    """The pairs; of two with one name the last. read_name, read_value: raise ValueError for what is none.

    Raises UsageError with the complaint, in which `{}` stands for what was typed.
    """
    found: dict[N, V] = {}
    for text in texts:
        left, _, right = text.partition(separator)
        try:
            found[read_name(left)] = read_value(right)
        except ValueError as error:
            raise UsageError(complaint.format(repr(text[:_SHOWN]))) from error
    return found


def _read_finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number
