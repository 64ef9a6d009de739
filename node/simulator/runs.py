"""Several simulations together: the runs of a grid, and its cells, whose runs differ in their seed alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from node.simulator.columns import SUMMARY_WORDS, describe_run, find_varying, plain, summary_columns, summary_values
from node.simulator.estimates import Estimate, estimate
from node.simulator.results import Results, Summary
from node.simulator.scenario import Scenario


@dataclass(frozen=True)
class Cell:
    """Runs that differ in their seed alone."""

    scenario: Scenario
    """Of its first run."""
    runs: Sequence[Results]
    """One a seed."""
    summaries: Sequence[Summary]
    """Theirs."""

    def estimate(self, value: Callable[[Summary], float | None]) -> Estimate:
        """The mean over the seeds of what `value` reads from a summary."""
        return estimate(map(value, self.summaries))


class Runs(Sequence[Results]):
    """Finished simulations in the order in which they were asked for."""

    def __init__(self, results: Sequence[Results]) -> None:
        self._results = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, place: int) -> Results: ...
    @overload
    def __getitem__(self, place: slice) -> "Runs": ...
    def __getitem__(self, place: int | slice) -> "Results | Runs":
        return Runs(self._results[place]) if isinstance(place, slice) else self._results[place]

    def __iter__(self) -> Iterator[Results]:
        return iter(self._results)

    def __str__(self) -> str:
        from node.simulator.markdown import markdown_table

        return markdown_table(self).rstrip("\n")

    @property
    def cells(self) -> list[Cell]:
        """The runs by all but their seed, in order."""
        found: dict[str, list[Results]] = {}
        for one in self:
            found.setdefault(repr(replace(one.scenario, seed=0)), []).append(one)
        return [Cell(some[0].scenario, some, [one.summary for one in some]) for some in found.values()]

    @property
    def varying(self) -> list[str]:
        """The columns in which the runs differ, the seed left out."""
        return find_varying([one.scenario for one in self])

    def to_frame(self) -> Any:
        """A pandas data frame with a line a run, round and peer. Raises SetupError without pandas."""
        from node.simulator.frames import frame_of_rows

        return frame_of_rows(self)

    def summary_frame(self) -> Any:
        """The same with a line a run: what its rows add up to."""
        from node.simulator.frames import make_frame

        return make_frame(summary_columns(self), summary_lines(self))

    def mean_frame(self) -> Any:
        """The same with a line a cell: means over seeds, half of their 95 % intervals (`…_ci95`) and n, `seeds`."""
        from node.simulator.frames import make_frame

        return make_frame(mean_columns(self), mean_lines(self))


def summary_lines(runs: Runs) -> Iterator[list[Any]]:
    """A line a run, by summary_columns."""
    columns = summary_columns(runs)
    for one in runs:
        values = describe_run(one.scenario) | summary_values(one.summary)
        yield [plain(values.get(name)) for name in columns]


def mean_columns(runs: Runs) -> list[str]:
    """The columns of a line a cell: its runs', but for the seed; how many seeds; each figure and its interval."""
    told, figures = _split(runs)
    return [*told, *SUMMARY_WORDS, "seeds", *(name for figure in figures for name in (figure, f"{figure}_ci95"))]


def mean_lines(runs: Runs) -> Iterator[list[Any]]:
    """A line a cell, by mean_columns."""
    told, figures = _split(runs)
    for cell in runs.cells:
        run, values = describe_run(cell.scenario), [summary_values(one) for one in cell.summaries]
        found = [estimate(one.get(name) for one in values) for name in figures]
        pairs = [plain(number) for one in found for number in (one.mean, one.half_width)]
        words = [values[0].get(name) for name in SUMMARY_WORDS]
        yield [*(plain(run[name]) for name in told), *words, len(cell.runs), *pairs]


def _split(runs: Runs) -> tuple[list[str], list[str]]:
    """The columns of what was simulated, without the seed, and of what came of it."""
    columns = summary_columns(runs)
    told = [name for name in describe_run(runs[0].scenario) if name != "seed"] if len(runs) else []
    return told, [name for name in columns if name not in (*told, *SUMMARY_WORDS, "seed")]
