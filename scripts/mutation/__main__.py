"""Put single faults into the code, one at a time, and see whether the unit tests notice.

Usage: python -m scripts.mutation run [SUBJECT...] [--limit N] [--workers N]
       python -m scripts.mutation list [SUBJECT...]
       python -m scripts.mutation report

Needs the `dev` extra and `pip install cosmic-ray`, which makes the faults (scripts/mutation/mutants.py). Which subjects there
are, their sources and tests: scripts/mutation/subjects.toml. Of all mutants of all subjects, the same ones are drawn each time:
those whose names' hashes are the smallest, so a change of one function moves only its own.

Results are kept in docs/results/mutation.jsonl by the mutant's name and the hash of its module, and of its subject's tests for
one that survived: a run goes on where another ended, and after a change makes only what that touched. A module that is
moved keeps its results where scripts/mutation/subjects.toml says what it was called: they are of its code, whatever its
comments and docstrings are and wherever it imports our own modules from. Every worker has a copy of the sources; the
tests of one mutant run in one process, which a parent that has loaded the libraries forks.
`report` writes docs/results/mutation.md and keeps the reasons that are written there.
"""

import argparse
import contextlib
import ctypes
import difflib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from scripts.mutation.mutants import (
    ROOT,
    Mutant,
    Subject,
    configuration,
    hash_of,
    mutated,
    operators,
    sample,
    subjects,
)

RESULTS = ROOT / "docs" / "results" / "mutation.jsonl"
REPORT = ROOT / "docs" / "results" / "mutation.md"
COPIED = ("ledger", "node", "contracts", "tests", "scripts", "pyproject.toml", ".cache")
# A mutant has so many times as long as the sources took, and so many seconds more.
PATIENCE, SLACK_S = 3.0, 20.0


@dataclass(frozen=True)
class Result:
    """What came of a mutant."""

    name: str
    """The mutant's."""
    subject: str
    """Name of the part of the code."""
    path: str
    """From the root."""
    line: int
    """From 1."""
    within: str
    """The definition that it lies in, or `module`."""
    operator: str
    """What was changed how."""
    source: str
    """Hash of the module, without comments and docstrings."""
    tests: str
    """Hash of the subject's tests."""
    outcome: str
    """killed, survived or timeout."""
    seconds: float
    """That the tests took."""
    diff: str
    """What was changed, without context."""
    killer: str = ""
    """The test that failed, or the last words where none did."""


@cache
def _tests_hash(tests: tuple[str, ...]) -> str:
    files = sorted(file for path in tests for file in [ROOT / path, *(ROOT / path).rglob("*.py")] if file.is_file())
    return hash_of("".join(file.read_text() for file in files))


# ------------------------------------------------------------------------------------------------- running


class Worker:
    """One copy of the sources, in which one mutant after the other is tested."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True)
            elif source.exists():
                shutil.copy(source, folder / name)
        subprocess.run(
            [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "ledger", "node"],
            cwd=folder, check=True,
        )  # fmt: skip

    def try_out(self, subject: Subject, mutant: Mutant | None, limit_s: float) -> tuple[str, float, str]:
        """Outcome, seconds, and the test that failed. Without a mutant: of the sources as they are."""
        started = time.monotonic()
        target = None
        try:
            if mutant is not None:
                target = self.folder / mutant.path
                before, after = mutated(mutant, self.folder)
                try:
                    compile(after, mutant.path, "exec")
                except SyntaxError:
                    return "killed", 0.0, "does not compile"
                target.write_text(after)
            status, said = self._run_tests(subject, limit_s)
        finally:
            if target is not None:
                target.write_text(before)
        outcome = {None: "timeout", 0: "survived"}.get(status, "killed")
        failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.M)
        return outcome, time.monotonic() - started, failed[0] if failed else said[-300:] if status else ""

    def _run_tests(self, subject: Subject, limit_s: float) -> tuple[int | None, str]:
        output = self.folder / "output.txt"
        child = os.fork()
        if not child:
            os.setsid()
            _die_with_parent()
            _become_pytest(self.folder, output, [*subject.tests, *subject.options])
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status), output.read_text(errors="replace")
            time.sleep(0.05)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None, ""


def _die_with_parent() -> None:
    """Linux: a run that is stopped leaves nothing behind."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _become_pytest(folder: Path, output: Path, arguments: list[str]) -> None:
    """In a forked child: never returns."""
    status = 99
    try:
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.chdir(folder)
        sys.path[:] = [str(folder), *[path for path in sys.path if path and Path(path).resolve() != ROOT]]
        sys.dont_write_bytecode = True
        os.environ["PYTHONPATH"] = str(folder)
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / ".hypothesis")
        import pytest
        from hypothesis import Phase, settings

        import ledger

        assert Path(ledger.__file__).is_relative_to(folder), ledger.__file__
        # One counterexample is enough, it need not be a small one. The parent has loaded hypothesis already.
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutation", deadline=None, database=None, phases=phases)
        quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider"]
        quiet.append("--hypothesis-profile=mutation")
        status = int(pytest.main(["-x", "-q", "--no-header", "--tb=line", *quiet, *arguments]))
    except BaseException as error:
        print(repr(error), flush=True)
    finally:
        sys.stdout.flush()
        os._exit(status)


def run(chosen: list[str], limit: int | None, workers: int) -> int:
    """Try what has no result yet. Returns the exit status."""
    found, all_subjects = results(), subjects()
    todo = [mutant for mutant in sample(chosen) if not _is_known(mutant, found, all_subjects)][:limit]
    todo.sort(key=lambda mutant: list(all_subjects).index(mutant.subject))
    print(f"{len(todo)} to try", flush=True)
    if not todo:
        return 0
    for library in configuration()["libraries"]:
        importlib.import_module(library)
    operators()
    RESULTS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        pool = _Pool(todo, all_subjects)
        children = []
        for number in range(workers):
            # Processes, not threads: each forks, and forks must not copy another's locks.
            child = os.fork()
            if not child:
                _die_with_parent()
                try:
                    pool.work(Worker(Path(folder) / str(number)), number, workers)
                    os._exit(0)
                except BaseException as error:
                    print(repr(error), flush=True)
                    os._exit(3)
            children.append(child)
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return max(statuses)


class _Pool:
    """What is to be tried. Each worker takes every so-manieth."""

    def __init__(self, todo: list[Mutant], all_subjects: dict[str, Subject]) -> None:
        self._todo, self._subjects = todo, all_subjects
        self._limits: dict[str, float | None] = {}

    def work(self, worker: Worker, number: int, workers: int) -> None:
        for mutant in self._todo[number::workers]:
            subject = self._subjects[mutant.subject]
            limit_s = self._limit_s(worker, subject)
            if limit_s is None:
                continue
            outcome, seconds, killer = worker.try_out(subject, mutant, limit_s)
            if outcome == "timeout":
                # A busy machine is no finding: what really hangs does so again.
                outcome, seconds, killer = worker.try_out(subject, mutant, limit_s)
            before, after = mutated(mutant, worker.folder)
            diff = "\n".join(
                line for line in difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=0)
            ).split("\n", 2)[2]
            fields = asdict(mutant)
            del fields["occurrence"]
            result = Result(
                **fields, tests=_tests_hash(subject.tests), outcome=outcome, seconds=round(seconds, 2), diff=diff,
                killer=killer,
            )  # fmt: skip
            with RESULTS.open("a") as file:
                file.write(json.dumps(asdict(result)) + "\n")
            where = f"{mutant.path}:{mutant.line} {mutant.operator}"
            print(f"{outcome:9} {seconds:6.1f} s  {mutant.name} {where}", flush=True)

    def _limit_s(self, worker: Worker, subject: Subject) -> float | None:
        """From a run of the sources as they are; None where that does not pass, so that nothing can be learnt."""
        if subject.name not in self._limits:
            outcome, seconds, said = worker.try_out(subject, None, 600.0)
            passes = outcome == "survived"
            print(
                f"{subject.name}: " + (f"{seconds:.1f} s" if passes else f"fails: {said}") + " without a fault",
                flush=True,
            )
            self._limits[subject.name] = PATIENCE * seconds + SLACK_S if passes else None
        return self._limits[subject.name]


# ------------------------------------------------------------------------------------------------- results


def results() -> dict[str, Result]:
    """Name → the last result."""
    if not RESULTS.exists():
        return {}
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    return {line["name"]: Result(**line) for line in lines}


def _is_known(mutant: Mutant, found: dict[str, Result], all_subjects: dict[str, Subject]) -> bool:
    result = found.get(mutant.name)
    if result is None or result.source != mutant.source:
        return False
    return result.outcome == "killed" or result.tests == _tests_hash(all_subjects[mutant.subject].tests)


def report() -> int:
    """Write docs/results/mutation.md."""
    drawn, found, reasons = sample(subjects()), results(), _reasons()
    had = [
        replace(found[mutant.name], path=mutant.path, line=mutant.line)
        for mutant in drawn
        if mutant.name in found and found[mutant.name].source == mutant.source
    ]
    counts = {name: Counter(one.outcome for one in had if one.subject == name) for name in subjects()}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    noticed = sum(one.outcome != "survived" for one in had)
    lines = [
        "# Mutation run",
        "",
        "`python -m scripts.mutation run`, then `report` (see the script for what is drawn, and what is left out).",
        f"Commit {commit.stdout.strip()}: of a sample of {len(drawn)}, {len(had)} were run in "
        f"{sum(one.seconds for one in had) / 60:.0f} minutes of tests, {noticed} noticed "
        f"({100 * noticed / max(len(had), 1):.1f} %).",
        "Results are of modules as they are now. A survivor for which a test was written was tried again, some with that",
        "test alone.",
        "",
        "| Subject | drawn | run | killed | timeout | survived |",
        "|---|---|---|---|---|---|",
    ]
    for name, count in counts.items():
        of = sum(mutant.subject == name for mutant in drawn)
        row = [name, of, count.total(), count["killed"], count["timeout"], count["survived"]]
        lines.append("| " + " | ".join(map(str, row)) + " |")
    lines += ["", "## Survivors", ""]
    for one in sorted(had, key=lambda result: (list(counts).index(result.subject), result.path, result.line)):
        if one.outcome == "survived":
            lines += [f"### {one.name}: {one.path}, {one.within}", "", "```diff", one.diff, "```", ""]
            lines += [f"Reason: {reasons.get(one.name, 'none given yet.')}", ""]
    REPORT.write_text("\n".join(lines).rstrip() + "\n")
    print("\n".join(lines[: 7 + len(counts)]))
    return 0


def _reasons() -> dict[str, str]:
    """Those written into the report by hand."""
    if not REPORT.exists():
        return {}
    found = re.findall(r"^### (\w+):.*?^Reason: (.*?)(?=\n\n|\Z)", REPORT.read_text(), re.M | re.S)
    return {name: reason.strip() for name, reason in found if not reason.startswith("none given")}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("command", choices=["run", "list", "report"])
    parser.add_argument("subjects", nargs="*")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    chosen = arguments.subjects or list(subjects())
    if unknown := set(chosen) - set(subjects()):
        parser.error(f"no such subject: {', '.join(sorted(unknown))}; there are {', '.join(subjects())}")
    if arguments.command == "report":
        return report()
    if arguments.command == "list":
        for mutant in sample(chosen):
            print(f"{mutant.name} {mutant.path}:{mutant.line} {mutant.operator} {mutant.occurrence}")
        return 0
    return run(chosen, arguments.limit, arguments.workers)


if __name__ == "__main__":
    sys.exit(main())
