"""Pictures of simulations: how good the honest peers' models are, and everyone's reputation, round by round.

One axis is of one figure: where tasks are judged by several, it is that of the first run, and the others' lines are
left out.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Final

import numpy as np

from node.operating.merit import ACCURACY, HIGHER, LOWER
from node.operating.pictures import two_panels
from node.own_code.class_files import names_a_file
from node.own_code.own_objects import label_of
from node.simulator.columns import describe_run
from node.simulator.results import Results, Row
from node.simulator.runs import Cell, Runs

PLOT_FILE: Final = "rounds.png"
_NAMED_AT_MOST: Final = 24
_WORST: Final[Mapping[str | None, Callable[[list[float]], float]]] = {HIGHER: np.min, LOWER: np.max}


def plot(results: Sequence[Results], path: Path) -> None:
    """Write a PNG: one colour a cell, over its seeds. Solid: honest mean; dashed: their worst, or the attackers."""
    runs = Runs(results)
    cells = runs.cells
    varying = ["rule", *(name for name in runs.varying if name != "rule")]
    with two_panels(path) as (_, left, right):
        main = next((found for one in results if (found := one.summary.main) is not None), None)
        is_error = main is None or main.name == ACCURACY
        merit = _error if is_error else _merit
        worst = np.max if is_error else None if main is None else _WORST.get(main.direction)
        for place, cell in enumerate(cells):
            colour, label = f"C{place % 10}", _name(cell, varying)
            is_judged_alike = all(one.main in (None, main) for one in cell.summaries)
            if is_judged_alike:
                left.plot(*_by_round(cell, merit, np.mean), color=colour, label=f"{label}, mean")
            if is_judged_alike and worst is not None:
                left.plot(*_by_round(cell, merit, worst), color=colour, linestyle="--", label=f"{label}, worst")
            if cell.scenario.baseline is None:
                right.plot(*_by_round(cell, _reputation, np.mean), color=colour, label=f"{label}, honest")
            points = _by_round(cell, _reputation, np.mean, is_honest=False)
            if points[0]:
                label = f"{label}, {_brief(label_of(cell.scenario.attack))}"
                right.plot(*points, color=colour, linestyle="--", label=label)
        if main is None or is_error:
            left.set(title="error of honest peers", xlabel="round", ylabel="1 − test accuracy", ylim=(0, None))
        else:
            left.set(title=f"{main.name} of honest peers", xlabel="round", ylabel=main.heading)
        right.set(title="mean reputation after the round", xlabel="round", ylim=(0, 1.02))
        if cells and cells[0].scenario.reputation:
            right.axhline(cells[0].scenario.reputation_floor / 65535, color="#888888", linewidth=0.8, linestyle=":")
        for axes in (left, right):
            if 0 < len(axes.get_legend_handles_labels()[1]) <= _NAMED_AT_MOST:
                axes.legend(frameon=False, fontsize=8)


def _name(cell: Cell, varying: Sequence[str]) -> str:
    told = describe_run(cell.scenario)
    return " ".join(
        f"{told[name]:g}" if isinstance(told[name], float) else _brief(str(told[name])) for name in varying
    )


def _brief(label: str) -> str:
    """A file without its folders, which would leave the panels no room."""
    return label.rpartition("/")[2] if names_a_file(label) else label


def _error(row: Row) -> float:
    return row.error


def _merit(row: Row) -> float:
    return row.merit


def _reputation(row: Row) -> float:
    return row.reputation


def _by_round(
    cell: Cell,
    value: Callable[[Row], float],
    gather: Callable[[list[float]], float],
    *,
    is_honest: bool = True,
) -> tuple[list[int], list[float]]:
    """Rounds, and what `gather` makes of the peers' values in each, as a mean over the seeds."""
    found: dict[int, list[float]] = {}
    for one in cell.runs:
        peers: dict[int, list[float]] = {}
        for row in one.rows:
            if row.is_honest == is_honest and not isnan(value(row)):
                peers.setdefault(row.round, []).append(value(row))
        for number, values in peers.items():
            found.setdefault(number, []).append(float(gather(values)))
    return list(found), [float(np.mean(values)) for values in found.values()]
