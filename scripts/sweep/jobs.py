"""Which cells of the sweep there are to simulate, by what the raw file has of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import zip_longest
from random import Random
from typing import Any

from node.simulator import Scenario
from scripts.sweep import raw
from scripts.sweep.cells import Cell, cells
from scripts.sweep.finished_cells import Shelf
from scripts.sweep.raw import Line, scenario_digest
from scripts.sweep.sources import code_digest


@dataclass(frozen=True)
class Job:
    """A cell to simulate."""

    cell: Cell
    """The first that comes to the scenario."""
    scenario: Scenario
    """What to simulate."""
    digest: str
    """The scenario's, by which it will be found."""
    code: str
    """The digest of all that its result follows from."""


def jobs_of(patterns: Sequence[str], changes: Mapping[str, Any]) -> list[Job]:
    """The cells that match a pattern (all without one), each scenario once. Raises UsageError, SetupError."""
    found: dict[str, Job] = {}
    for cell in cells():
        if patterns and not any(fnmatchcase(cell.label, f"*{pattern}*") for pattern in patterns):
            continue
        scenario = cell.scenario(changes)
        digest = scenario_digest(scenario)
        if digest not in found:
            found[digest] = Job(cell, scenario, digest, code_digest(scenario))
    return list(found.values())


def missing(jobs: Sequence[Job], lines: Sequence[Line], accept_older: bool) -> list[Job]:
    """The jobs that no line answers: by the sources as they are, or by any with accept_older."""
    done = {(line.scenario, None if accept_older else line.code) for line in lines}
    return [job for job in jobs if (job.digest, None if accept_older else job.code) not in done]


def drawn(jobs: Sequence[Job], lines: Sequence[Line], count: int) -> list[Job]:
    """So many of the jobs that only earlier sources have done, by chance but always the same, rules by turns."""
    now = {(line.scenario, line.code) for line in lines}
    older = {line.scenario for line in lines}
    by_rule: dict[str, list[Job]] = {}
    for job in Random(0).sample(jobs, len(jobs)):
        if job.digest in older and (job.digest, job.code) not in now:
            by_rule.setdefault(job.cell.rule, []).append(job)
    turns = zip_longest(*by_rule.values())
    return [job for turn in turns for job in turn if job is not None][:count]


def changed(jobs: Sequence[Job], lines: Sequence[Line]) -> list[str]:
    """The cells of these jobs whose rounds differ from what earlier sources made of them."""
    shelf = Shelf({job.cell: (job.digest, job.code) for job in jobs}, raw.by_scenario(lines))
    return [cell.label for cell, is_same in shelf.simulated_again().items() if not is_same]


def show(jobs: Sequence[Job], lines: Sequence[Line]) -> None:
    """Print what there is of each cell."""
    now = {(line.scenario, line.code) for line in lines}
    older = {line.scenario for line in lines}
    for job in jobs:
        state = "done" if (job.digest, job.code) in now else "older" if job.digest in older else "to do"
        print(f"{state:6} {job.cell.label}")
