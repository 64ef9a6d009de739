"""States to screen, and what came of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.rules.interface import ScreeningResult


def array(values: Any) -> NDArray[np.int32]:
    """Values as states have them."""
    return np.array(values, np.int32)


def accepted(outcome: ScreeningResult) -> set[int]:
    """The seats that a judge accepted."""
    return {seat for seat, judgement in outcome.judgements.items() if judgement.accepted}
