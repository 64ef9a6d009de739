"""Faults injected at a named step, so that a failure in a test replays."""

import os
import signal
from dataclasses import dataclass
from typing import Final

from ledger.errors import UsageError

STEPS: Final = ("train", "charged", "commit", "exchange", "attest")


@dataclass(frozen=True)
class FailAt:
    """Die by SIGKILL when this round reaches this step."""

    round: int
    step: str

    def fail_if_reached(self, round_number: int, step: str) -> None:
        """Called by the peer at each step."""
        if (round_number, step) == (self.round, self.step):
            os.kill(os.getpid(), signal.SIGKILL)


def parse_fail_at(text: str) -> FailAt:
    """`ROUND:STEP`, e.g. `3:exchange`. Raises UsageError."""
    number, _, step = text.partition(":")
    if not number.isdigit() or step not in STEPS:
        raise UsageError(f"{text!r} is not ROUND:STEP with STEP one of {', '.join(STEPS)}")
    return FailAt(int(number), step)
