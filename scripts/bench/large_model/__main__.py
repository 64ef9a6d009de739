"""Measure a round of a large model, 40 MB on four peers, beside hivemind's all-reduce, and print it as Markdown.

Each system runs in a network of its own, whose loopback is counted. hivemind comes from PyPI into .cache/.
Usage: python -m scripts.bench.large_model [--rounds 6] [--only hivemind]
"""

import argparse
import os
import platform
import statistics
import sys
from typing import Any

from ledger.errors import UsageError
from scripts.bench.large_model.isolation import ready_hivemind, run_isolated
from scripts.bench.large_model.runs import Job, run_folkmoot, run_hivemind
from scripts.running import run, tell

HIVEMIND = "1.1.12"
SYSTEMS = ("folkmoot int8-zstd", "folkmoot delta", "hivemind float32", "hivemind float16")


def measure(system: str, job: Job, python: str) -> int:
    """In a network of its own: run one system and print its rounds."""
    name, _, how = system.partition(" ")
    laps = run_folkmoot(job, how) if name == "folkmoot" else run_hivemind(job, python, how)
    print(laps.as_json())
    return 0


def make_row(system: str, rounds: list[dict[str, Any]], peers: int) -> str:
    """A line of the table: median and range of all rounds but the first."""
    cells = [
        [one["seconds"] for one in rounds[1:]],
        [one["cpu_s"] / peers for one in rounds[1:]],
        [one["bytes"] / peers / 1e6 for one in rounds[1:]],
    ]
    shown = [f"{statistics.median(cell):.1f} ({min(cell):.1f}–{max(cell):.1f})" for cell in cells]
    return f"| {system} | {' | '.join(shown)} | {rounds[-1]['accuracy']:.3f} |"


def main() -> int:
    """Run all, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.large_model", description=__doc__)
    parser.add_argument("--peers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--samples", type=int, default=256, help="examples a peer, each used once a round")
    parser.add_argument("--skew", type=float, default=0.2)
    parser.add_argument("--only", default="", metavar="WORD", help="systems with this in their name")
    parser.add_argument("--measure", choices=SYSTEMS, help="run this one here, as the bench itself does")
    parser.add_argument("--python", default="", help="with --measure: the Python that has hivemind")
    options = parser.parse_args()
    if options.peers < 2 or options.rounds < 2:
        raise UsageError("it takes two peers and two rounds at least: give larger --peers and --rounds")
    job = Job(options.peers, options.rounds, options.samples, options.skew)
    if options.measure:
        return measure(options.measure, job, options.python)
    chosen = [system for system in SYSTEMS if options.only in system]
    python = ready_hivemind(HIVEMIND) if any("hivemind" in system for system in chosen) else ""
    same = [f"--{name}={getattr(job, name)}" for name in ("peers", "rounds", "samples", "skew")]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, hivemind {HIVEMIND}\n"
    )
    print("| system | s a round | CPU s a peer-round | MB a peer-round | accuracy |\n|---|---:|---:|---:|---:|")
    for system in chosen:
        tell(f"{system}: {job.rounds} rounds of {job.peers} peers")
        rounds = run_isolated(f"--measure={system}", f"--python={python}", *same)
        print(make_row(system, rounds, job.peers), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
