"""Small numbers for a poisoner to look at."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from node.attacks import choose_attack
from node.attacks.view import PeerView

BASE = np.array([1.0, 2.0, -3.0], np.float32)
TRAINED = np.array([1.5, 2.0, -4.0], np.float32)


def chosen(name: str, parameters: Mapping[str, float] | None = None, accomplices: Sequence[int] = ()) -> Any:
    """An attack with what its own class has."""
    return choose_attack(name, dict(parameters or {}), tuple(accomplices))


def vector(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def sight(base: Any = BASE, trained: Any = TRAINED, **fields: Any) -> PeerView:
    """In round 1 of 10, from seat 6."""
    known = {"round": 1, "rounds": 10, "seat": 6, "rng": np.random.default_rng(0)}
    return PeerView(**{**known, "base": base, "trained": trained, **fields})


def sight_of(states: Sequence[Sequence[float]], base: Sequence[float], **fields: Any) -> PeerView:
    """Honest peers in seats 0, 1, … that all began with the same base; oneself did not train."""
    honest: Mapping[int, Any] = {seat: vector(*state) for seat, state in enumerate(states)}
    bases = {seat: vector(*base) for seat in honest}
    return sight(vector(*base), vector(*base), honest=honest, bases=bases, **fields)
