"""Measure `folkmoot demo`: seconds to its first round, its CPU seconds and its peers' memory, by start warm and cold.

The demo's processes are forks of one that has imported the program. The baseline is the same demo, run in turn, whose
processes each import it by themselves, as a user's do. Printed is a Markdown table of medians, and the ratio.

Usage: python -m scripts.bench.demo [--times 3] [--rounds 1]
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.running import run, tell


@dataclass(frozen=True)
class Measured:
    """One demo."""

    first_round_s: float
    """From the command to the line of round 1."""
    whole_s: float
    """To its end, the audit included."""
    cpu_s: float
    """Of all its processes."""
    peers_mb: float
    """Proportional set size (PSS) of the peers and what forked them, at the end, in 10**6 bytes."""


COLUMNS = (
    ("first_round_s", "s to round 1"),
    ("whole_s", "s in all"),
    ("cpu_s", "CPU s in all"),
    ("peers_mb", "MB of its peers"),
)


@contextlib.contextmanager
def open_none() -> Iterator[None]:
    """No nursery."""
    yield None


def be_demo(rounds: int, *, warm: bool) -> int:
    """In a process of its own: run the demo."""
    import node.demo.run
    from node.cli.main import main

    if not warm:
        vars(node.demo.run)["open_nursery"] = open_none
    return main(["demo", "--json", "--rounds", str(rounds)])


def measure(rounds: int, *, warm: bool) -> Measured:
    """Run one demo. Raises RuntimeError where it fails."""
    kind = "warm" if warm else "cold"
    command = [sys.executable, "-m", "scripts.bench.demo", "--be", kind, "--rounds", str(rounds)]
    with tempfile.TemporaryFile() as out:
        since, first, said = time.monotonic(), None, io.StringIO()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            said.write(line)
            if line.startswith("round") and first is None:
                first = time.monotonic() - since
        _, status, used = os.wait4(process.pid, 0)
        whole = time.monotonic() - since
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or first is None:
            raise RuntimeError(f"the demo ended with {process.returncode}: {said.getvalue()[-500:]}")
        out.seek(0)
        usage = json.loads(out.read())["usage"]
    return Measured(first, whole, used.ru_utime + used.ru_stime, usage.get("peers_pss_bytes", 0.0) / 1e6)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3, help="demos of each kind (default 3)")
    parser.add_argument("--rounds", type=int, default=1, help="of each demo (default 1)")
    parser.add_argument("--be", choices=("warm", "cold"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be is not None:
        return be_demo(options.rounds, warm=options.be == "warm")
    found: dict[bool, list[Measured]] = {True: [], False: []}
    for turn in range(options.times):
        for warm in (False, True):
            found[warm].append(measure(options.rounds, warm=warm))
            tell(f"{turn + 1} of {options.times}: {'forked' if warm else 'each by itself'} {found[warm][-1]}")
    medians = {
        warm: [statistics.median(getattr(one, name) for one in several) for name, _ in COLUMNS]
        for warm, several in found.items()
    }
    print("| processes | " + " | ".join(title for _, title in COLUMNS) + " |")
    print("|---|" + "---:|" * len(COLUMNS))
    for warm, name in ((False, "each imports by itself"), (True, "forks of one that has")):
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in medians[warm]) + " |")
    ratios = [new / old if old else float("nan") for new, old in zip(medians[True], medians[False], strict=True)]
    print("| ratio | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
