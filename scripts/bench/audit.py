"""Measure how fast an audit recomputes and folds, and what memory it takes, and print it as Markdown, beside goals.

A circle of 32 peers learns Fashion-MNIST with an MLP 784-128-10 (101,770 parameters) at degree 6 under the default
rule and codec; its blobs are on this disk. Each measurement runs in a process of its own with one thread. A
peer-round is one judge's round: its own update checked, its neighbours screened over again, its record compared.

Usage: python -m scripts.bench.audit [--cache DIR] [--rounds 24] [--history 10000] [--profile] [--without-numba]
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ledger.arithmetic.compiled import expect, loops_for
from ledger.arithmetic.exact import GridState
from ledger.audit.findings import Report
from ledger.audit.round_checks import RoundAuditor
from ledger.audit.spill import Spill
from ledger.audit.working_set import CarriedStates, Holder, SpilledStates
from ledger.blobs.contents.records import decode_genesis
from ledger.circle.events import Settled
from ledger.circle.history import History
from ledger.judging.frame_chains import Commit, StateCache
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
    peer_rounds: int
    """Attestations recomputed."""
    cpu_s: float
    """Of this process."""
    wall_s: float
    """On the clock."""
    compile_s: float
    """CPU seconds of compiling loops before, once a process; an audit that would not win them back does not compile."""
    peak_mb: float
    """The process's peak of resident memory, in 10**6 bytes."""
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


def recompute(made: MadeCircle, rounds: int) -> Recomputed:
    """All of a circle's first rounds, as an audit does with blobs that are there."""
    history = made.fold(rounds)
    genesis, report = read_genesis(made, history), Report(0, made.network.contract, 0)
    with Spill[Commit](MEMORY_BYTES // 4) as states, Spill[tuple[Holder, str]](0) as carried:
        auditor = RoundAuditor(
            history,
            made.network,
            genesis,
            report,
            states=StateCache(genesis, MEMORY_BYTES // 4, beyond=SpilledStates(states, 2 * PEERS)),
            carried=CarriedStates(carried, MEMORY_BYTES // 4),
        )
        compiling = time.process_time()
        expect(1 << 62)
        loops_for(history.manifest.state_size)
        compile_s = time.process_time() - compiling
        started = time.process_time(), time.perf_counter()
        for number in range(1, rounds + 1):
            round_ = history.rounds[number - 1]
            blobs: Mapping[bytes, bytes | None] = made.read_round(history, number)
            auditor.examine(round_, blobs)
            auditor.take_up(round_, blobs)
        cpu_s, wall_s = time.process_time() - started[0], time.perf_counter() - started[1]
    said = {check.name: count for check, count in report.examined.items()}
    found = f"{len(report.findings)} findings; looked at {said}"
    return Recomputed(rounds, report.recomputed, cpu_s, wall_s, compile_s, peak_mb(), found)


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
    """Of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def run_alone(what: str, folder: Path, rounds: int, options: argparse.Namespace) -> dict[str, Any]:
    """One measurement in a process of its own with one thread."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "scripts.bench.audit", "--alone", what, str(folder), str(rounds)]
    command += ["--without-numba"] * options.without_numba
    done = subprocess.run(command, env={**os.environ, **alone}, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure_alone(what: str, folder: Path, rounds: int) -> None:
    """In that process: measure and print JSON."""
    made = MadeCircle(folder)
    found = recompute(made, rounds) if what == "recompute" else fold(made, rounds)
    print(json.dumps(vars(found)))


def profile(made: MadeCircle, rounds: int) -> None:
    """Print which functions recomputing spends its time in."""
    watched = cProfile.Profile()
    watched.runcall(recompute, made, rounds)
    pstats.Stats(watched).sort_stats("tottime").print_stats(35)


def print_recomputing(made: MadeCircle, options: argparse.Namespace) -> None:
    """Speed, and memory at two lengths."""
    print(
        "\n| rounds | peer-rounds | peer-rounds / s / core | of the goal | CPU s | wall s | compiling, CPU s | peak MB |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for rounds in (options.rounds // 3, options.rounds):
        found = Recomputed(**run_alone("recompute", made.folder, rounds, options))
        print(
            f"| {rounds} | {found.peer_rounds:,} | {found.rate:.1f} | {found.rate / GOAL_PEER_ROUNDS:.2f} "
            f"| {found.cpu_s:.1f} | {found.wall_s:.1f} | {found.compile_s:.1f} | {found.peak_mb:.0f} |",
            flush=True,
        )
    print(f"\n{found.report}")


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
    parser.add_argument("--only", choices=("recompute", "fold"), help="leave the other out")
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.without_numba:
        sys.modules["numba"] = None  # type: ignore[assignment]  # so it cannot be imported
    if options.alone is not None:
        what, folder, rounds = options.alone
        measure_alone(what, Path(folder), int(rounds))
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
