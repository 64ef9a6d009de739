"""An attack's settings as text: its parameters, and the seats that collude."""

from math import isfinite

from ledger.errors import UsageError


def parse_attack_parameters(texts: list[str]) -> dict[str, float]:
    """NAME=NUMBER pairs. Raises UsageError."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = float("nan")
        if not isfinite(found[name]):
            raise UsageError(f"--attack-parameter {text!r} is not NAME=NUMBER, e.g. share=0.9")
    return found


def parse_seats(text: str) -> tuple[int, ...]:
    """Seats as `6,7`; none for an empty text. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
        raise UsageError(f"--accomplices {text[:60]!r} is no list of seats: give them as 6,7")
    return tuple(sorted({int(part) for part in parts}))
