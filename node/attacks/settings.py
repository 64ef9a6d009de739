"""An attack's settings as text: its parameters, and the seats that collude."""

from math import isfinite

from ledger.errors import UsageError
from node.operating.pairs import parse_pairs


def parse_attack_parameters(texts: list[str]) -> dict[str, float]:
    """NAME=NUMBER pairs. Raises UsageError."""
    return parse_pairs(texts, str, "=", _read_finite, "--attack-parameter {} is not NAME=NUMBER, e.g. share=0.9")


def parse_seats(text: str) -> tuple[int, ...]:
    """Seats as `6,7`; none for an empty text. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
        raise UsageError(f"--accomplices {text[:60]!r} is no list of seats: give them as 6,7")
    return tuple(sorted({int(part) for part in parts}))


def _read_finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number
