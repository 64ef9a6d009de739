"""An attack's settings as text: its parameters, and the seats that collude."""

from ledger.errors import UsageError
from node.operating.pairs import parse_finite_numbers


def parse_attack_parameters(texts: list[str]) -> dict[str, float]:
    """NAME=NUMBER pairs. Raises UsageError."""
    return parse_finite_numbers(texts, "--attack-parameter", "share=0.9")


def parse_seats(text: str) -> tuple[int, ...]:
    """Seats as `6,7`; none for an empty text. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isascii() and part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts):
        raise UsageError(f"--accomplices {text[:60]!r} is no list of seats: give them as 6,7")
    return tuple(sorted({int(part) for part in parts}))
