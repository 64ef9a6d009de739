"""Run random calls against the contract and its twin until a count is reached or they differ.

Usage: python -m scripts.contracts.soak [STEPS [FIRST]]     (default 100,000 calls from circle 0 on; `dev` extra)
Each circle is numbered, and its number decides everything in it: a run goes on where another ended with FIRST, and
where contract and twin differ the circle's number is printed. Exit status 1 then.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from random import Random

from tests.support.contract.walk import Walk, random_terms

CALLS_A_CIRCLE = 400
# One circle in so many has nearly all its seats used up, so that they are taken again.
CROWDED_EVERY = 25
CROWDED_CALLS = 1500
CHECK_EVERY = 16
REPORT_EVERY_S = 20.0


def walk(number: int) -> Walk:
    """Live a circle's life. Raises AssertionError where contract and twin differ."""
    chance = Random(number)
    is_crowded = number % CROWDED_EVERY == CROWDED_EVERY - 1
    terms = random_terms(chance)
    circle = Walk(terms.but(last_round=300) if is_crowded else terms, CHECK_EVERY * (8 if is_crowded else 1))
    if is_crowded:
        circle.crowd()
    while circle.steps < (CROWDED_CALLS if is_crowded else CALLS_A_CIRCLE):
        circle.take(chance)
    circle.circle.check()
    return circle


def soak(steps: int, first: int) -> int:
    """Returns how many differences were found: 0, or 1 and stops."""
    accepted, refused = Counter[str](), Counter[str]()
    started = reported = time.monotonic()
    number = first
    while accepted.total() + refused.total() < steps:
        try:
            circle = walk(number)
        except Exception:
            traceback.print_exc()
            print(f"contract and twin differ in circle {number}: python -m scripts.contracts.soak 1 {number}")
            return 1
        accepted, refused, number = accepted + circle.accepted, refused + circle.refused, number + 1
        if time.monotonic() - reported > REPORT_EVERY_S:
            reported = time.monotonic()
            print(_line(accepted, refused, reported - started, number), flush=True)
    print(_line(accepted, refused, time.monotonic() - started, number))
    for name in sorted({*accepted, *refused}):
        print(f"{name:20} {accepted[name]:8,} accepted {refused[name]:8,} refused")
    return 0


def _line(accepted: Counter[str], refused: Counter[str], seconds: float, number: int) -> str:
    steps = accepted.total() + refused.total()
    return (
        f"{steps:,} calls ({accepted.total():,} accepted) in {seconds:.0f} s, {steps / seconds:.0f} a second, "
        f"0 differences; next circle: {number}"
    )


def main() -> int:
    """How many differences were found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="?", type=int, metavar="STEPS", default=100_000)
    parser.add_argument("first", nargs="?", type=int, metavar="FIRST", default=0)
    options = parser.parse_args()
    found = soak(options.steps, options.first)
    print(f"differences: {found}")
    return found


if __name__ == "__main__":
    sys.exit(main())
