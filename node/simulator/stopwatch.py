"""Processor time by what it went into."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the processor seconds of sections by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, section: str) -> Iterator[None]:
        """Add what the block takes, in this process alone, to the section."""
        started = time.process_time()
        yield
        self.seconds[section] = self.seconds.get(section, 0.0) + time.process_time() - started
