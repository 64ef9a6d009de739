"""Which values of a tensor mean anything."""

from collections.abc import Mapping
from typing import Final

# The last part of a tensor's name → the least value that means anything. A square root is taken of a variance.
_LEAST: Final[Mapping[str, float]] = {"running_var": 0.0}


def find_least(name: str) -> float | None:
    """The least value of a tensor of this name that means anything; None where all do."""
    return _LEAST.get(name.rpartition(".")[2])
