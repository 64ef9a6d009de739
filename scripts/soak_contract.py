"""Run random calls against the contract and its twin until a count is reached or they differ.

Usage: python scripts/soak_contract.py [CIRCLES] [STEPS]     (default 500 circles of up to 100 steps; `dev` extra)
Exit status 1 and the shortest sequence of calls that shows it where contract and twin differ.
"""

import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "contracts"))

from circle_random import RandomCircle
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

CIRCLES_A_REPORT = 25


def soak(circles: int, steps: int) -> int:
    """Returns how many differences were found: 0, or 1 and stops."""
    started = time.monotonic()
    for done in range(0, circles, CIRCLES_A_REPORT):
        chosen = settings(
            max_examples=min(CIRCLES_A_REPORT, circles - done),
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(RandomCircle, settings=chosen)
        except AssertionError:
            traceback.print_exc()
            return 1
        elapsed = time.monotonic() - started
        print(f"{RandomCircle.steps} calls in {elapsed:.0f} s, no difference", flush=True)
    return 0


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:3]]
    found = soak(*[*numbers, *(500, 100)[len(numbers) :]])
    print(f"differences: {found}")
    sys.exit(found)
