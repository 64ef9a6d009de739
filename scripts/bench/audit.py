"""Measure how fast an audit recomputes and folds, and what memory it takes, and print it as Markdown, beside goals.

A circle of 32 peers learns Fashion-MNIST with an MLP 784-128-10 (101,770 parameters) at degree 6 under the default
rule and codec; its blobs are on this disk. Each measurement runs in a process of its own with one thread. A
peer-round is one judge's round: its own update checked, its neighbours screened over again, its record compared.

Usage: python -m scripts.bench.audit [--cache DIR] [--rounds 24] [--history 10000] [--jobs 2] [--without-numba]
       python -m scripts.bench.audit --profile
--cache: where the circles are kept; they are made once. --profile: where the time of recomputing goes, by function.
"""

import argparse
import cProfile
import json
import os
import platform
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from ledger.arithmetic.compiled import expect, loops_for
from ledger.arithmetic.exact import GridState
from ledger.audit.crew import appoint
from ledger.audit.findings import Report
from ledger.audit.plan import plan_from
from ledger.blobs.contents.records import decode_genesis
from ledger.circle.events import Settled
from ledger.circle.history import History
from scripts.bench.made_circle import MadeCircle, make_circle, make_long_history

PEERS: Final = 32
DEGREE: Final = 6
TASK: Final = "fashion-mnist"
SAMPLES: Final = 300
# What an auditor gives it by default.
MEMORY_BYTES: Final = 1 << 30
GOAL_PEER_ROUNDS: Final = 100.0
GOAL_HISTORY: Final = 10_000
GOAL_FOLD_S: Final = 60.0
# Rounds of events read before the clock starts.
FOLD_BATCH: Final = 50


@dataclass(frozen=True)
class Recomputed:
    """What recomputing a circle took."""

    rounds: int
    """How many."""
    jobs: int
    """Processes that recomputed."""
    peer_rounds: int
    """Attestations recomputed."""
    cpu_s: float
    """Of this process and those that it started."""
    busiest_s: float
    """CPU seconds of the process that had the most to do: it takes no less on the clock, however many cores are free.
    Of more than two processes, those that were started count as equal."""
    wall_s: float
    """On the clock."""
    compile_s: float
    """CPU seconds of compiling loops before, once a process; an audit that would not win them back does not compile."""
    peak_mb: float
    """The process's peak of resident memory, in 10**6 bytes; with several, those that it started each count as the
    largest of them."""
    report: str
    """What was found, and how much was looked at: the same whatever the speed."""

    @property
    def rate(self) -> float:
        """Peer-rounds a CPU second."""
        return self.peer_rounds / self.cpu_s


@dataclass(frozen=True)
class Folded:
    """What folding a history took."""

    rounds: int
    """How many."""
    events: int
    """How many."""
    cpu_s: float
    """Of this process, without reading the events."""
    peak_mb: float
    """As of Recomputed; it holds the history, not the events."""


def read_genesis(made: MadeCircle, history: History) -> GridState:
    """The circle's first state, (d,), int32."""
    return decode_genesis(made.read_blob(history.manifest.genesis_digest), history.manifest)


def recompute(made: MadeCircle, rounds: int, jobs: int) -> Recomputed:
    """All of a circle's first rounds, as an audit does with blobs that are there."""
    history = made.fold(rounds)
    genesis, report, compile_s = read_genesis(made, history), Report(0, made.network.contract, 0), 0.0
    plan = plan_from(history, 1)
    if jobs == 1:
        compiling = time.process_time()
        expect(1 << 62)
        loops_for(history.manifest.state_size)
        compile_s = time.process_time() - compiling
    started = time.process_time(), time.perf_counter()
    with appoint(jobs, history, made.network, genesis, report, plan, MEMORY_BYTES // 2) as auditor:
        for round_ in plan.find_rounds(history):
            blobs: Mapping[bytes, bytes | None] = made.read_round(history, round_.number)
            auditor.examine(round_, blobs)
            auditor.take_up(round_, blobs)
    wall_s = time.perf_counter() - started[1]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours_s, theirs_s = time.process_time() - started[0], children.ru_utime + children.ru_stime
    busiest_s = max(ours_s, theirs_s / max(1, jobs - 1))
    digest = sha256(json.dumps(asdict(report), sort_keys=True, default=str).encode()).hexdigest()
    found = (
        f"{len(report.findings)} findings, {sum(report.examined.values()):,} things looked at, report {digest[:16]}"
    )
    peak = peak_mb() + (jobs - 1) * children.ru_maxrss * 1024 / 1e6
    return Recomputed(rounds, jobs, report.recomputed, ours_s + theirs_s, busiest_s, wall_s, compile_s, peak, found)


def fold(made: MadeCircle, rounds: int) -> Folded:
    """A history's first rounds; the clock stands still while events are read."""
    history, events, cpu_s = History(made.terms), 0, 0.0
    for batch in batches(made, rounds):
        events += len(batch)
        started = time.process_time()
        for event in batch:
            history.apply(event)
        cpu_s += time.process_time() - started
    return Folded(rounds, events, cpu_s, peak_mb())


def batches(made: MadeCircle, rounds: int) -> Iterator[list[Any]]:
    """Events of some rounds at a time."""
    batch: list[Any] = []
    for event in made.read_events():
        batch.append(event)
        if isinstance(event, Settled):
            if event.round == rounds:
                break
            if event.round % FOLD_BATCH == 0:
                yield batch
                batch = []
    yield batch


def peak_mb() -> float:
    """Of this process so far. Not getrusage's, which begins with that of the process that started this one."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def run_alone(what: str, folder: Path, rounds: int, options: argparse.Namespace, jobs: int = 1) -> dict[str, Any]:
    """One measurement in a process of its own with one thread."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "scripts.bench.audit", "--alone", what, str(folder), str(rounds), str(jobs)]
    command += ["--without-numba"] * options.without_numba
    done = subprocess.run(command, env={**os.environ, **alone}, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure_alone(what: str, folder: Path, rounds: int, jobs: int) -> None:
    """In that process: measure and print JSON."""
    made = MadeCircle(folder)
    found = recompute(made, rounds, jobs) if what == "recompute" else fold(made, rounds)
    print(json.dumps(vars(found)))


def profile(made: MadeCircle, rounds: int) -> None:
    """Print which functions recomputing spends its time in."""
    watched = cProfile.Profile()
    watched.runcall(recompute, made, rounds, 1)
    pstats.Stats(watched).sort_stats("tottime").print_stats(35)


def print_recomputing(made: MadeCircle, options: argparse.Namespace) -> None:
    """Speed, and memory at two lengths; then in several processes."""
    print(
        "\n| rounds | processes | peer-rounds | peer-rounds / s / core | of the goal | CPU s | busiest process, CPU s | wall s"
        " | compiling before, CPU s | peak MB |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    reports = set[str]()
    for rounds, jobs in ((options.rounds // 3, 1), (options.rounds, 1), (options.rounds, options.jobs)):
        found = Recomputed(**run_alone("recompute", made.folder, rounds, options, jobs))
        reports |= {found.report} if rounds == options.rounds else set()
        print(
            f"| {rounds} | {jobs} | {found.peer_rounds:,} | {found.rate:.1f} | {found.rate / GOAL_PEER_ROUNDS:.2f} "
            f"| {found.cpu_s:.1f} | {found.busiest_s:.1f} | {found.wall_s:.1f} | {found.compile_s:.1f} | {found.peak_mb:.0f} |",
            flush=True,
        )
    print("\nAll rounds: " + ("; BUT ALSO ".join(sorted(reports))))


def print_folding(made: MadeCircle, options: argparse.Namespace) -> None:
    """Speed, and memory at two lengths; the goal is reckoned for its own length."""
    print("\n| rounds | events | events / s | µs an event | CPU s | of the goal | peak MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for rounds in (options.history // 10, options.history):
        found = Folded(**run_alone("fold", made.folder, rounds, options))
        whole_s = found.cpu_s * GOAL_HISTORY / rounds
        print(
            f"| {rounds:,} | {found.events:,} | {found.events / found.cpu_s:,.0f} "
            f"| {1e6 * found.cpu_s / found.events:.1f} | {found.cpu_s:.1f} | {GOAL_FOLD_S / whole_s:.2f} "
            f"| {found.peak_mb:.0f} |",
            flush=True,
        )


def main() -> None:
    """Make what is lacking, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="folder of the circles; a temporary one by default")
    parser.add_argument("--rounds", type=int, default=24, help="of the circle that is recomputed")
    parser.add_argument("--history", type=int, default=GOAL_HISTORY, help="rounds of the history that is folded")
    parser.add_argument("--profile", action="store_true", help="only say where recomputing spends its time")
    parser.add_argument("--without-numba", action="store_true", help="leave the compiled loops out")
    parser.add_argument("--codec", default="int8-zstd")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes of the last line")
    parser.add_argument("--only", choices=("recompute", "fold"), help="leave the other out")
    parser.add_argument("--alone", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.without_numba:
        sys.modules["numba"] = None  # type: ignore[assignment]  # so it cannot be imported
    if options.alone is not None:
        what, folder, rounds, jobs = options.alone
        measure_alone(what, Path(folder), int(rounds), int(jobs))
        return
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or Path(folder)
        if options.only != "fold":
            made = make_circle(
                cache,
                peers=PEERS,
                rounds=options.rounds,
                degree=DEGREE,
                task=TASK,
                samples=SAMPLES,
                codec=options.codec,
            )
            if options.profile:
                profile(made, options.rounds)
                return
            loops = "without numba" if options.without_numba else "numba where it is installed"
            print(
                f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
                f"numpy {np.__version__}, {loops}; codec {options.codec}, {PEERS} peers, degree {DEGREE}"
            )
            print_recomputing(made, options)
        if options.only != "recompute":
            print_folding(make_long_history(cache, seats=PEERS, rounds=options.history, degree=DEGREE), options)


if __name__ == "__main__":
    main()
