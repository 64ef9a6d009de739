"""Runs as a Markdown table: one line for those that differ in their seed alone."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Final

from node.operating.figures import NONE
from node.simulator.columns import describe_run
from node.simulator.results import Results, Summary
from node.simulator.runs import Cell, Runs

_ESTIMATED: Final[Mapping[str, Callable[[Summary], float]]] = {
    "mean error": lambda summary: summary.mean_error,
    "worst error": lambda summary: summary.worst_error,
    "false accept": lambda summary: summary.false_accept,
    "false reject": lambda summary: summary.false_reject,
    "hostile mixed": lambda summary: summary.hostile_mixed,
}
_COUNTED: Final = ("attackers out", "after rounds", "honest quarantined", "kB an update")
_NOTE: Final = "± is half of the 95 % confidence interval of the mean over n seeds (Student's t)."


def markdown_table(results: Sequence[Results]) -> str:
    """One line a cell: the rule or baseline, what else differs between cells, and the means over seeds."""
    runs = Runs(results)
    cells, varying = runs.cells, [name for name in runs.varying if name != "rule"]
    has_seeds = any(len(cell.runs) > 1 for cell in cells)
    figures = list(dict.fromkeys(f for cell in cells for s in cell.summaries for f in s.figures if f != "accuracy"))
    headings = [name.replace("_", " ") for name in ("rule", *varying)] + ["n"] * has_seeds
    measured = [*_ESTIMATED, *_COUNTED, *figures]
    lines = [_line([*headings, *measured]), _line(["---"] * len(headings) + ["---:"] * len(measured))]
    for cell in cells:
        told = describe_run(cell.scenario)
        named = [_show(told[name]) for name in ("rule", *varying)] + [str(len(cell.runs))] * has_seeds
        lines.append(_line([*named, *_cells(cell), *(_figure(cell, name) for name in figures)]))
    return "\n".join([*lines, *(["", _NOTE] if has_seeds else [])]) + "\n"


def _cells(cell: Cell) -> list[str]:
    known = [number for one in cell.summaries for number in one.out_after.values()]
    out, after = sum(number is not None for number in known), cell.estimate(lambda one: one.mean_out_after)
    ever = cell.estimate(lambda one: one.honest_quarantined).mean
    end = cell.estimate(lambda one: one.honest_quarantined_end).mean
    size = cell.estimate(lambda one: one.bytes_per_update).mean
    return [
        *(str(cell.estimate(value)) for value in _ESTIMATED.values()),
        f"{out} of {len(known)}" if known else NONE,
        f"{after.mean:.1f}" if isfinite(after.mean) else NONE,
        f"{ever:.3g} ({end:.3g} at the end)" if cell.scenario.baseline is None else NONE,
        f"{size / 1000:.1f}" if isfinite(size) else NONE,
    ]


def _figure(cell: Cell, name: str) -> str:
    return str(cell.estimate(lambda summary: summary.figures.get(name)))


def _show(value: object) -> str:
    if value is None or value == "":
        return NONE
    return f"{value:g}" if isinstance(value, float) else str(value)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
