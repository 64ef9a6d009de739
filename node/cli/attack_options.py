"""Options about peers that attack, which several commands share."""

import argparse
from math import isfinite

from ledger.errors import UsageError

# Written out, as the attacks themselves take their time to import; a test compares.
ATTACK_HELP = (
    "sign-flip, label-flip, feature-noise, gaussian, alie, ipm, stall, fang-trim, fang-krum, min-max, min-sum, "
    "dissensus, ride, half-ride, slow-drift, tuned, sleeper (sleeper:NAME wakes into NAME), backdoor, buffer, "
    "copier, lazy, withhold, equivocate, false-verdict, oversize, malformed"
)


def add_attack(parser: argparse.ArgumentParser, default: str, what: str) -> None:
    """--attack and its parameters. what: whom it is about."""
    parser.add_argument("--attack", default=default, metavar="NAME", help=f"{what}: {ATTACK_HELP}")
    parser.add_argument(
        "--attack-parameter",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="e.g. share=0.9 for ride, z=1.5 for alie; repeatable; docs/threat-model.md lists them",
    )


def attack_parameters(texts: list[str]) -> dict[str, float]:
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


def seats_named(text: str) -> tuple[int, ...]:
    """Seats as `6,7`; none for an empty text. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
        raise UsageError(f"--accomplices {text[:60]!r} is no list of seats: give them as 6,7")
    return tuple(sorted({int(part) for part in parts}))
