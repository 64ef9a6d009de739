"""Simulate every rule against every attack and write docs/results/attacks.md, resumable at any time.

Each finished cell is one line of docs/results/attacks.jsonl at once; a cell that is there, simulated by the sources as
they are, is not run again. A cell is named SETTING/RULE/ATTACK/SEED.

    python -m scripts.sweep.attacks --jobs 2 --minutes 120
    python -m scripts.sweep.attacks --only 'main/tether/*' --list
    python -m scripts.sweep.attacks --verify 20
    python -m scripts.sweep.attacks --tables

Exit status 1 where a cell failed, or where --verify found other bits than before.
"""

import argparse
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from math import isnan
from multiprocessing.connection import wait as wait_for_end
from pathlib import Path
from typing import Any

# Before numpy and torch are loaded, here and in the processes that inherit it.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np
import torch

from ledger.errors import SetupError, UsageError
from node.simulator import Results, Scenario, simulate
from scripts.running import run, tell
from scripts.sweep import raw
from scripts.sweep.cells import cells
from scripts.sweep.finished_cells import Shelf
from scripts.sweep.jobs import Job, changed, drawn, jobs_of, missing, show
from scripts.sweep.raw import Line, scenario_digest
from scripts.sweep.sources import ROOT, code_digest
from scripts.sweep.tables import render

FOLDER = ROOT / "docs" / "results"
TABLES = "attacks.md"
# Whatever ails so many cells in a row ails the next ones too.
MOST_FAILURES = 5


def perform(job: Job) -> dict[str, Any]:
    """Simulate a cell. Returns its line's values."""
    started = time.process_time()
    results = simulate(job.scenario)
    found = {
        "cell": job.cell.label,
        "scenario": raw.fields_of(job.scenario),
        "scenario_digest": job.digest,
        "code_digest": job.code,
        "result_digest": results.digest,
        "evaluations": evaluations(results),
        "late_error": late_error(results),
        "summary": results.summary.to_fields(),
        "cpu_s": time.process_time() - started,
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    plain: dict[str, Any] = rounded(json.loads(json.dumps(found)))
    return plain


def evaluations(results: Results) -> list[list[float]]:
    """Round, mean and worst error of the honest peers, for every round that was evaluated."""
    errors: dict[int, list[float]] = {}
    for row in results.rows:
        if row.is_honest and not isnan(row.error):
            errors.setdefault(row.round, []).append(row.error)
    return [[number, float(np.mean(some)), max(some)] for number, some in sorted(errors.items())]


def late_error(results: Results) -> float | None:
    """The mean error at the end of the peers that joined late."""
    last = results.scenario.rounds
    some = [row.error for row in results.rows if row.round == last and row.seat in results.scenario.late]
    return float(np.mean(some)) if some else None


def rounded(value: Any) -> Any:
    """The same with six digits after the point, which is more than the figures are good for."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


class Sweep:
    """Jobs on their way through a pool of processes."""

    def __init__(self, jobs: Sequence[Job], path: Path, processes: int, minutes: float) -> None:
        self._waiting, self._path, self._processes = list(jobs), path, processes
        self._deadline = time.monotonic() + 60 * minutes
        self._count, self._finished, self.failed, self._in_a_row = len(jobs), 0, 0, 0

    def run(self) -> None:
        """Simulate until all is done or time is up, and append a line for each cell."""
        running: dict[Future[dict[str, Any]], Job] = {}
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._processes, context, initializer=_end_with_parent) as pool:
            try:
                self._fill(pool, running)
                while running:
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        self._take(future, running.pop(future))
                    self._fill(pool, running)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if self._waiting:
            tell(f"time is up: {len(self._waiting)} cells are left for the next start")

    def _fill(self, pool: ProcessPoolExecutor, running: dict[Future[dict[str, Any]], Job]) -> None:
        while self._waiting and len(running) < self._processes and time.monotonic() < self._deadline:
            job = self._waiting.pop(0)
            running[pool.submit(perform, job)] = job

    def _take(self, future: Future[dict[str, Any]], job: Job) -> None:
        """Write down a finished cell. A cell that fails is told and left out; the others are worth having."""
        self._finished += 1
        told = f"{self._finished}/{self._count} {job.cell.label}"
        try:
            values = future.result()
        except BrokenProcessPool:
            raise SetupError("a process was killed, perhaps for memory: start again with fewer --jobs") from None
        except SetupError as error:
            self._give_up(job.scenario.task, error)
        except Exception as error:
            self.failed, self._in_a_row = self.failed + 1, self._in_a_row + 1
            tell(f"{told} failed: {type(error).__name__}: {error}")
            if self._in_a_row == MOST_FAILURES:
                raise SetupError(f"{MOST_FAILURES} cells in a row failed: mend what the last one says") from None
        else:
            self._in_a_row = 0
            raw.append(self._path, values)
            mean, worst = (values["summary"][name] for name in ("mean_error", "worst_error"))
            errors = "no error measured" if mean is None else f"{mean:.3f}/{worst:.3f}"
            tell(f"{told} {errors} in {values['cpu_s']:.1f} CPU s")

    def _give_up(self, task: str, error: SetupError) -> None:
        """Leave out all cells of a task that this machine lacks the data for."""
        left = [job for job in self._waiting if job.scenario.task != task]
        dropped = 1 + len(self._waiting) - len(left)
        self._waiting, self.failed = left, self.failed + dropped
        tell(f"{dropped} cells of the task {task} are left out: {error}")


def _end_with_parent() -> None:
    """In a process of the pool: end when the sweep does, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait_for_end([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def write_tables(path: Path, lines: Sequence[Line], changes: Mapping[str, Any], accept_older: bool) -> None:
    """Write the Markdown from the raw lines alone."""
    every = [(cell, cell.scenario(changes)) for cell in cells()]
    digests = {cell: (scenario_digest(scenario), code_digest(scenario)) for cell, scenario in every}
    path.write_text(render(Shelf(digests, raw.by_scenario(lines), accept_older)))
    tell(f"wrote {path}")


def change(text: str) -> tuple[str, Any]:
    """Parse FIELD=VALUE, the value as JSON or else as text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, each of one thread")
    made.add_argument("--minutes", type=float, default=120, metavar="M", help="begin no cell after that time")
    made.add_argument("--only", action="append", default=[], metavar="PATTERN", help="cells of such names")
    made.add_argument("--list", action="store_true", help="print the cells and what there is of them")
    made.add_argument("--tables", action="store_true", help="only write the tables, from the raw file")
    made.add_argument("--verify", type=int, metavar="N", help="simulate N cells again that earlier sources did")
    made.add_argument("--accept-older", action="store_true", help="take cells simulated by other sources too")
    made.add_argument("--folder", type=Path, help="where raw file and tables lie (docs/results)")
    made.add_argument("--set", action="append", default=[], type=change, metavar="FIELD=VALUE", dest="changes")
    return made


def main() -> int:
    """Run, or list, and write the tables."""
    options = parser().parse_args()
    changes = dict(options.changes)
    if options.jobs < 1:
        raise UsageError(f"{options.jobs} processes: give at least 1")
    if options.verify is not None and options.verify < 1:
        raise UsageError(f"--verify {options.verify}: give at least 1 cell")
    if changes and options.folder is None:
        raise UsageError("--set changes what every cell is: name a --folder of its own")
    if unknown := sorted(changes.keys() - Scenario.__dataclass_fields__.keys()):
        raise UsageError(f"--set {unknown[0]}: a scenario has no such field")
    folder = options.folder or FOLDER
    path = folder / raw.FILE
    if options.tables:
        write_tables(folder / TABLES, raw.read(path), changes, options.accept_older)
        return 0
    jobs = jobs_of(options.only, changes)
    if not jobs:
        raise UsageError("no cell has such a name: see --list")
    if options.list:
        show(jobs, raw.read(path))
        return 0
    with raw.held(path):
        lines = raw.read(path)
        if options.verify is not None:
            todo = drawn(jobs, lines, options.verify)
            tell(f"{len(todo)} cells to simulate again")
        else:
            todo = missing(jobs, lines, options.accept_older)
            tell(f"{len(jobs) - len(todo)} of {len(jobs)} cells are done, {len(todo)} to do")
        sweep = Sweep(todo, path, options.jobs, options.minutes)
        sweep.run()
    lines = raw.read(path)
    write_tables(folder / TABLES, lines, changes, options.accept_older or options.verify is not None)
    differing = changed(todo, lines) if options.verify is not None else []
    for label in differing:
        tell(f"{label}: the present sources give other rounds than the earlier ones")
    return 1 if sweep.failed or differing else 0


if __name__ == "__main__":
    sys.exit(run(main))
