"""Simulations as files: tidy CSV, Parquet, JSON, a Markdown table and a picture. Equal seeds give equal bytes."""

import csv
import importlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ledger.errors import SetupError
from node.operating.figures import dump_json
from node.simulator.columns import describe_run, plain, row_columns, row_values, summary_columns
from node.simulator.markdown import markdown_table
from node.simulator.plots import PLOT_FILE, plot
from node.simulator.results import Results
from node.simulator.runs import Runs, mean_columns, mean_lines, summary_lines

CSV_FILE, PARQUET_FILE, SUMMARY_FILE, TABLE_FILE = "rounds.csv", "rounds.parquet", "summary.json", "table.md"
RUNS_FILE, MEANS_FILE = "runs.csv", "means.csv"


def write_files(runs: Runs, folder: Path | str, *, with_parquet: bool = False) -> None:
    """All of them, in a folder that is made where there is none. Raises SetupError for Parquet without pyarrow."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(row_columns(runs), row_lines(runs), folder / CSV_FILE)
    write_csv(summary_columns(runs), summary_lines(runs), folder / RUNS_FILE)
    write_csv(mean_columns(runs), mean_lines(runs), folder / MEANS_FILE)
    if with_parquet:
        write_parquet(runs, folder / PARQUET_FILE)
    write_summary(runs, folder / SUMMARY_FILE)
    (folder / TABLE_FILE).write_text(markdown_table(runs))
    plot(runs, folder / PLOT_FILE)


def write_csv(columns: Sequence[str], lines: Iterable[Sequence[Any]], path: Path) -> None:
    """Lines under their columns' names; what is no number stays empty."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(lines)


def row_lines(results: Sequence[Results]) -> Iterator[list[Any]]:
    """A line a simulation, round and peer, by row_columns."""
    columns = row_columns(results)
    for one in results:
        told = describe_run(one.scenario)
        for row in one.rows:
            values = told | row_values(row)
            yield [plain(values.get(name)) for name in columns]


def write_parquet(results: Sequence[Results], path: Path) -> None:
    """The same lines, typed. Raises SetupError where pyarrow is not installed."""
    try:
        pyarrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise SetupError(
            "Parquet needs pyarrow, which is not installed: pip install 'folkmoot[simulate]', or use the CSV file"
        ) from error
    values = list(zip(*row_lines(results), strict=True))
    parquet.write_table(pyarrow.table([list(column) for column in values], names=row_columns(results)), path)


def write_summary(results: Sequence[Results], path: Path) -> None:
    """What was simulated and what came of it, as JSON; without what it took, which is never twice the same."""
    told = [{name: value for name, value in fields_of(one).items() if name != "cpu_s"} for one in results]
    path.write_text(dump_json(told, indent=2) + "\n")


def fields_of_means(runs: Runs) -> list[dict[str, Any]]:
    """A line a cell by mean_columns, as plain values."""
    columns = mean_columns(runs)
    return [dict(zip(columns, line, strict=True)) for line in mean_lines(runs)]


def fields_of(results: Results) -> dict[str, Any]:
    """Scenario, summary, what the grid did not hold, digest, what privacy was spent, and processor seconds."""
    return {
        "scenario": results.scenario.to_fields(),
        "summary": results.summary.to_fields(),
        "misfits": [{"round": number} | misfit.to_fields() for number, misfit in results.misfits],
        "digest": results.digest,
        **({"epsilon_spent": spent} if (spent := results.epsilon_spent) else {}),
        "cpu_s": {section: round(seconds, 3) for section, seconds in results.seconds.items()},
    }
