"""Measure the CPU seconds that commands take to start, and print them as a Markdown table.

User and system time of the process, the best and the median of some runs, on a circle of three peers and three rounds
of digits whose chain runs beside. A node is measured up to its first line and up to the line that says it has joined,
in a circle with room, where nobody trains yet. Two lines of Python are the scale.

Usage: python -m scripts.bench.start [--times 7] [--only node] [--checkout FOLDER]
"""

import argparse
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from node.cli.main import COMMANDS
from node.demo.launcher import LocalNetwork
from node.demo.usage import read_cpu_s

ROUNDS = 3
PEERS = 3
# Seats of the circle that nodes join one after another: more than are measured, so that none is the last.
SEATS = 64
DEADLINE_S = 120.0


@dataclass
class Measured:
    """CPU seconds of one kind of start."""

    name: str
    """What was typed, or what a node said by then."""
    seconds: list[float] = field(default_factory=list)
    """One of each run."""

    def as_row(self) -> str:
        """A line of the table."""
        return f"| {self.name} | {min(self.seconds):.2f} | {statistics.median(self.seconds):.2f} |"


def measure_ending(command: Sequence[str], folder: Path, statuses: Sequence[int]) -> float:
    """CPU seconds of a process up to its end. Raises RuntimeError where it ends otherwise than it should."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in statuses:
            said.seek(0)
            raise RuntimeError(
                f"{' '.join(command)} ended with {process.returncode}: {said.read().decode()[-500:]}"
            )
    return used.ru_utime + used.ru_stime


def measure_node(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """CPU seconds of a node up to its first line, and up to the one that says that it has its seat."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, text=True
    )
    assert process.stdout is not None
    first = None
    try:
        for line in process.stdout:
            now = read_cpu_s(process.pid)
            assert now is not None
            first = now if first is None else first
            if line.startswith("seat "):
                return first, now
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE_S)
    raise RuntimeError(f"{' '.join(command)} ended before it had a seat")


def list_endings(
    folder: Path, circle: Path, rpc: str, contract: str
) -> Iterator[tuple[str, list[str], tuple[int, ...]]]:
    """What is typed, the arguments, and the statuses it may end with."""
    named = ["--circle", str(circle), "--rpc", rpc]
    yield "folkmoot --help", ["--help"], (0,)
    yield "folkmoot --version", ["--version"], (0, 2)  # 2: of a checkout that had none yet
    yield "a command that is none", ["nod"], (2,)
    yield "an option that is none", ["node", "--keystore", "k", "--folder", "d", "--no-such"], (2,)
    yield "a missing argument", ["node"], (2,)
    for name in COMMANDS:
        yield f"folkmoot {name} --help", [name, "--help"], (0,)
    yield "folkmoot keys show", ["keys", "show", str(folder / "peer-0" / "key.json")], (0,)
    yield "folkmoot status", ["status", *named], (0,)
    yield "folkmoot status --json", ["status", "--json", *named], (0,)
    yield "folkmoot seat show 0", ["seat", "show", "0", *named], (0,)
    yield "folkmoot disputes", ["disputes", *named], (0,)
    yield "folkmoot audit --contract", ["audit", "--rpc", rpc, "--contract", contract], (0,)
    yield "folkmoot audit BUNDLE", ["audit", str(folder / "circle.car")], (0,)


def run_to_the_end(network: LocalNetwork) -> None:
    """A whole small circle, whose peers stay to serve blobs, and its bundle."""
    network.deploy(
        *("--task", "digits", "--samples", "100", "--peers", str(PEERS), "--rounds", str(ROUNDS), "--degree", "2")
    )
    for index in range(PEERS):
        network.start_peer(network.add_peer(), "--seat", str(index))
    deadline = time.monotonic() + DEADLINE_S
    while not all(any(event["event"] == "finished" for event in peer.read_events()) for peer in network.peers):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the circle did not finish: see the logs in {network.folder}")
        time.sleep(0.2)
    network.audit("--save", str(network.folder / "circle.car"))


def measure_all(
    folder: Path, program: Sequence[str], checkout: Path, times: int, only: str
) -> Mapping[str, Measured]:
    """Name → seconds, in the order of the table."""
    found: dict[str, Measured] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, Measured(name)).seconds.append(seconds)

    with LocalNetwork(folder) as network:
        network.start_chain(seed=0)
        run_to_the_end(network)
        first, contract = network.circle_file, network.audit()["contract"]
        for code in ("pass", "import torch", "import web3", "import numpy"):
            for _ in range(times):
                note(f"python -c '{code}'", measure_ending([sys.executable, "-c", code], checkout, (0,)))
        for name, arguments, statuses in list_endings(folder, first, network.rpc, contract):
            for _ in range(times if only in name else 0):
                note(name, measure_ending([*program, *arguments], checkout, statuses))
        if "node" in only or not only:
            measure_nodes(network, program, checkout, times, note)
    return found


def measure_nodes(
    network: LocalNetwork, program: Sequence[str], checkout: Path, times: int, note: Callable[[str, float], None]
) -> None:
    """Nodes that join a circle with room, each started again at once."""
    network.circle_file.rename(network.folder / "first.json")
    network.deploy("--task", "digits", "--samples", "100", "--peers", str(SEATS), "--rounds", "2", "--degree", "2")
    for _ in range(times):
        peer = network.add_peer()
        command = [
            *program, "node", "--circle", str(network.circle_file), "--keystore", str(peer.folder / "key.json"),
            "--password-file", str(network.password_file), "--folder", str(peer.folder / "data"),
        ]  # fmt: skip
        for start in ("node", "node, started again"):
            said, seated = measure_node(command, checkout)
            note(f"folkmoot {start}: first line", said)
            note(f"folkmoot {start}: seated", seated)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7, help="runs of each")
    parser.add_argument("--only", default="", metavar="WORDS", help="only what has these words in its name")
    parser.add_argument("--checkout", type=Path, default=Path.cwd(), help="measure the program in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure_all(
            Path(folder) / "run",
            [sys.executable, "-m", "node.cli.main"],
            options.checkout,
            options.times,
            options.only,
        )
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {options.times} runs\n"
    )
    print("| start | best, CPU s | median |\n|---|---:|---:|")
    print("\n".join(measured.as_row() for measured in found.values()))


if __name__ == "__main__":
    main()
