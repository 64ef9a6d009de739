"""Runs as a Markdown table: one line for those that differ in their seed alone."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, nan
from typing import Final

from node.operating.figures import NONE
from node.operating.merit import ACCURACY, MainFigure
from node.simulator.columns import describe_run
from node.simulator.results import Results, Summary
from node.simulator.runs import Cell, Runs

_ESTIMATED: Final[Mapping[str, Callable[[Summary], float]]] = {
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
    summaries = [summary for cell in cells for summary in cell.summaries]
    mains = {column: value for main in _find_mains(summaries) for column, value in _tell_main(main).items()}
    known = {main.name for main in _find_mains(summaries)}
    figures = [name for name in dict.fromkeys(f for s in summaries for f in s.figures) if name not in known]
    headings = [name.replace("_", " ") for name in ("rule", *varying)] + ["n"] * has_seeds
    measured = [*mains, *_ESTIMATED, *_COUNTED, *figures]
    lines = [_line([*headings, *measured]), _line(["---"] * len(headings) + ["---:"] * len(measured))]
    for cell in cells:
        told = describe_run(cell.scenario)
        named = [_show(told[name]) for name in ("rule", *varying)] + [str(len(cell.runs))] * has_seeds
        merits = [str(cell.estimate(value)) for value in mains.values()]
        lines.append(_line([*named, *merits, *_cells(cell), *(_figure(cell, name) for name in figures)]))
    return "\n".join([*lines, *(["", _NOTE] if has_seeds else [])]) + "\n"


def _find_mains(summaries: Sequence[Summary]) -> list[MainFigure]:
    """What the tasks are judged by, each once."""
    return list(dict.fromkeys(summary.main for summary in summaries if summary.main is not None))


def _tell_main(main: MainFigure) -> dict[str, Callable[[Summary], float]]:
    """Heading → what stands below it: of accuracy the error, as the literature has it; of others their own."""
    if main.name == ACCURACY:
        return {"mean error": lambda one: one.mean_error, "worst error": lambda one: one.worst_error}
    found = {f"mean {main.heading}": lambda one: one.mean if one.main == main else nan}
    if main.direction is not None:
        found[f"worst {main.name}"] = lambda one: one.worst if one.main == main else nan
    return found


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
