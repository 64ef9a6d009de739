"""How `folkmoot audit` goes about its work: in how many processes, and what it says of that meanwhile."""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ledger.errors import UsageError
from node.operating.wording import format_count

Progress = Callable[[int, int], None]

# Where no terminal shows a bar, a line is said so often, in seconds; a short audit says nothing.
_LINE_EVERY_S: Final = 10.0
_ROUNDED: Final = ((90.0, 1.0, "second"), (5400.0, 60.0, "minute"), (float("inf"), 3600.0, "hour"))


def add_pace(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes that recompute (default: as many as cores, where there is enough to do); the report is the"
        " same whatever N",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="a folder of your own where what was recomputed is remembered, so that the next audit does the new"
        " rounds alone; who can write there can hide a finding from you",
    )


def parse_jobs(options: argparse.Namespace) -> int | None:
    """How many processes; None for what is worth it. Raises UsageError."""
    jobs: int | None = options.jobs
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs} is not above 0: give a number of processes")
    return jobs


def parse_cache(options: argparse.Namespace) -> Path | None:
    """Where rounds are remembered; None for nowhere. Raises UsageError where that cannot be."""
    cache: Path | None = options.cache
    if cache is None:
        return None
    if options.sample is not None:
        raise UsageError("--cache remembers whole rounds, --sample takes some of them: give one")
    if options.bundle is not None or options.save is not None:
        raise UsageError("--cache leaves out what a bundle needs whole: give it without a bundle")
    if cache.exists() and not cache.is_dir():
        raise UsageError(f"--cache {cache} is no folder: name another")
    return cache


class TimeLeft:
    """Says of rounds that take their time how much is left, by how long the ones before took."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: seconds."""
        self._clock = clock
        self._first: tuple[int, float] | None = None

    def describe(self, done: int, total: int) -> str:
        """done: rounds of the total, ascending from call to call."""
        now = self._clock()
        if self._first is None:
            self._first = (done, now)
        first, since = self._first
        said = f"{done} of {format_count(total, 'round')}"
        # What came before the first round was over is reading and starting, and says nothing about the others.
        if done <= first or done >= total:
            return said
        return f"{said}, about {_format_span((now - since) / (done - first) * (total - done))} left"


class ProgressLines:
    """Says now and then how far an audit is, in a line of its own."""

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        every_s: float = _LINE_EVERY_S,
    ) -> None:
        self._say, self._clock, self._every_s = say, clock, every_s
        self._left, self._last = TimeLeft(clock), clock()

    def __call__(self, done: int, total: int) -> None:
        sentence = self._left.describe(done, total)
        if self._clock() - self._last >= self._every_s and done < total:
            self._last = self._clock()
            self._say(f"audit: {sentence}")


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Progress | None]:
    """On stderr: a bar on a terminal, gone at the end; elsewhere a line now and then. quiet: neither."""
    from rich.progress import Progress as Bar

    from node.operating.console import CleanConsole
    from node.operating.printing import say_progress

    console = CleanConsole(stderr=True)
    if quiet:
        yield None
        return
    if not console.is_terminal:
        yield ProgressLines(say_progress)
        return
    with Bar(console=console, transient=True) as bar:
        rounds, left = bar.add_task("reading the chain", total=None), TimeLeft(time.monotonic)

        def show(done: int, total: int) -> None:
            bar.update(rounds, description=left.describe(done, total), completed=done, total=total)

        yield show


def _format_span(seconds: float) -> str:
    """Rounded, in the unit that people would take."""
    size, unit = next((size, unit) for below, size, unit in _ROUNDED if seconds < below)
    return format_count(max(1, round(seconds / size)), unit)
