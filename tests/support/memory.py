"""How much memory something takes."""

import tracemalloc
from collections.abc import Callable
from typing import Any


def peak_bytes(work: Callable[..., Any]) -> int:
    """The most memory that Python and numpy held at a time while `work` ran, above what they held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
