"""A simulation's rows and summary as files: tidy CSV, Parquet, JSON and a Markdown table."""

import csv
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from math import isfinite, isnan
from pathlib import Path
from typing import Any

from ledger.errors import SetupError
from node.operating.figures import dump_json, format_figure
from node.simulator.results import Results, Row, Summary

CSV_FILE, PARQUET_FILE, SUMMARY_FILE, TABLE_FILE = "rounds.csv", "rounds.parquet", "summary.json", "table.md"
_HEADINGS = (
    "rule",
    "mean error",
    "worst error",
    "false accept",
    "false reject",
    "hostile mixed",
    "attackers out",
    "after rounds",
    "honest quarantined",
    "kB an update",
)


def write_csv(results: Sequence[Results], path: Path) -> None:
    """One line a simulation, round and peer; figures that were not taken stay empty."""
    columns = _columns(results)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(_records(results, columns))


def write_parquet(results: Sequence[Results], path: Path) -> None:
    """The same lines, typed. Raises SetupError where pyarrow is not installed."""
    try:
        pyarrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise SetupError(
            "Parquet needs pyarrow, which is not installed: pip install 'folkmoot[simulate]', or use the CSV file"
        ) from error
    columns = _columns(results)
    values = list(zip(*_records(results, columns), strict=True))
    parquet.write_table(pyarrow.table([list(column) for column in values], names=columns), path)


def write_summary(results: Sequence[Results], path: Path) -> None:
    """What was simulated and what came of it, as JSON."""
    path.write_text(dump_json([fields_of(one) for one in results], indent=2) + "\n")


def fields_of(results: Results) -> dict[str, Any]:
    """Scenario, summary, what the grid did not hold, digest and processor seconds as plain values."""
    return {
        "scenario": results.scenario.to_fields(),
        "summary": results.summary.to_fields(),
        "misfits": [{"round": number} | misfit.to_fields() for number, misfit in results.misfits],
        "digest": results.digest,
        "cpu_s": {section: round(seconds, 3) for section, seconds in results.seconds.items()},
    }


def markdown_table(results: Sequence[Results]) -> str:
    """One line a simulation."""
    figures = list(dict.fromkeys(name for one in results for name in one.summary.figures if name != "accuracy"))
    lines = [_line([*_HEADINGS, *figures]), _line(["---"] + ["---:"] * (len(_HEADINGS) - 1 + len(figures)))]
    for one in results:
        summary = one.summary
        extra = [format_figure(summary.figures.get(name)) for name in figures]
        lines.append(_line([*_cells(one.scenario.rule, summary), *extra]))
    return "\n".join(lines) + "\n"


def _cells(rule: str, summary: Summary) -> list[str]:
    shares = (summary.mean_error, summary.worst_error, summary.false_accept, summary.false_reject)
    hostile, after = len(summary.out_after), summary.mean_out_after
    out = sum(number is not None for number in summary.out_after.values())
    return [
        rule,
        *map(format_figure, shares),
        format_figure(summary.hostile_mixed),
        f"{out} of {hostile}" if hostile else "–",
        "–" if isnan(after) else f"{after:.1f}",
        f"{summary.honest_quarantined} ({summary.honest_quarantined_end} at the end)",
        "–" if isnan(summary.bytes_per_update) else f"{summary.bytes_per_update / 1000:.1f}",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _columns(results: Sequence[Results]) -> list[str]:
    names = [field.name for field in fields(Row) if field.name != "figures"]
    figures = dict.fromkeys(name for one in results for row in one.rows for name in row.figures)
    return ["rule", *names, *(name for name in figures if name not in names)]


def _records(results: Sequence[Results], columns: Sequence[str]) -> Iterator[list[Any]]:
    for one in results:
        for row in one.rows:
            found = {"rule": one.scenario.rule, **row.figures}
            values = [found[name] if name in found else getattr(row, name, None) for name in columns]
            yield [None if isinstance(value, float) and not isfinite(value) else value for value in values]
