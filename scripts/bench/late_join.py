"""Measure what it takes to join a circle of a million parameters in an early and in a late round.

Real processes: eight seats, 784-1024-192-10 on Fashion-MNIST, degree 4, each peer a process of its own beside a local
chain. Two peers come later. Prints accuracies round by round, and what a newcomer took until it sat and until it had
taken part, beside a peer that was there from the beginning.
Usage: python -m scripts.bench.late_join [--early 10] [--late 40] [--after 15] [--codec delta] [--skew 0.5]
"""

import argparse
import os
import platform
import re
import socket
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.demo.launcher import LocalNetwork, PeerProcess
from node.demo.usage import read_cpu_s
from scripts.bench.wide_task import PARAMETERS

TASK = f"{Path(__file__).with_name('wide_task.py')}:Wide"
SEATS, DEGREE = 8, 4
_DEADLINE_S, _POLL_S = 3600.0, 0.1
_RECEIVED = re.compile(r'^folkmoot_received_bytes_total\{kind="(\w+)"\} (\S+)', re.MULTILINE)


@dataclass(frozen=True)
class Spent:
    """What a process had taken at a moment."""

    at_s: float
    """By the clock."""
    cpu_s: float
    """User and system seconds."""
    received: float
    """Bytes of blobs and gossip; what the chain said is not among them."""


class Watched:
    """One peer's process and its figures."""

    def __init__(self, network: LocalNetwork, peer: PeerProcess) -> None:
        self.peer, self.port = peer, find_free_port()
        self.begun_s = time.monotonic()
        network.start_peer(peer, "--task", TASK, "--metrics", f"127.0.0.1:{self.port}")
        self.at: dict[str, Spent] = {}

    def note(self, moment: str) -> None:
        """Once for each moment."""
        if moment not in self.at:
            assert self.peer.process is not None
            cpu_s = read_cpu_s(self.peer.process.pid) or float("nan")
            self.at[moment] = Spent(time.monotonic(), cpu_s, self._read_received())

    def rounds(self) -> dict[int, dict[str, Any]]:
        """Its round events, by number."""
        return {one["round"]: one for one in self.peer.read_events() if one["event"] == "round"}

    def is_seated(self) -> bool:
        """It has told of its seat."""
        return any(one["event"] == "joined" for one in self.peer.read_events())

    def has_ended(self) -> bool:
        """Its process is over."""
        return self.peer.process is None or self.peer.process.poll() is not None

    def between(self, before: str, after: str) -> tuple[float, float, float]:
        """Seconds, CPU seconds and MB from one moment to another."""
        one, two = self.at[before], self.at[after]
        return two.at_s - one.at_s, two.cpu_s - one.cpu_s, (two.received - one.received) / 1e6

    def _read_received(self) -> float:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                return sum(float(value) for _, value in _RECEIVED.findall(answer.read().decode()))
        except OSError:
            return 0.0


def find_free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run(network: LocalNetwork, options: argparse.Namespace) -> tuple[list[Watched], dict[int, Watched]]:
    """The circle from its start to its last round. Returns the founders, and the newcomers by when they came."""
    last = options.late + options.after
    network.start_chain(seed=0)
    network.deploy(
        *("--task", TASK, "--samples", str(options.samples), "--skew", str(options.skew), "--codec", options.codec),
        *("--peers", str(SEATS - 2), "--rounds", str(last), "--degree", str(DEGREE), "--rule", options.rule),
        *("--commit-window", "300", "--attest-window", "300"),
    )
    founders = [Watched(network, network.add_peer()) for _ in range(SEATS - 2)]
    late: dict[int, Watched] = {}
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        done = min(max(one.rounds(), default=0) for one in founders)
        for number in (options.early, options.late):
            # A process takes some seconds to start, and a round here is as short.
            if done >= number - 3 and number not in late:
                late[number] = Watched(network, network.add_peer())
                founders[0].note(f"start {number}")
        for number, one in late.items():
            if one.is_seated():
                one.note("seated")
                founders[0].note(f"seated {number}")
            if one.rounds():
                one.note("first")
                founders[0].note(f"first {number}")
            if len(one.rounds()) > 1:
                one.note("second")
        if done >= last and all(last in one.rounds() for one in late.values()):
            return founders, late
        if time.monotonic() > deadline or any(one.has_ended() for one in late.values()):
            raise RuntimeError(f"the rounds did not end: see the logs in {network.folder}")
        time.sleep(_POLL_S)


def print_accuracies(founders: list[Watched], late: dict[int, Watched]) -> None:
    """From the first newcomer's round on, leaving out what lies between."""
    told = [one.rounds() for one in founders]
    for number, one in late.items():
        mine = one.rounds()
        print(
            f"\n| round | the newcomer of round {number} | mean of the founders | least | most |\n|---|---|---|---|---|"
        )
        for round_ in sorted(mine)[:8]:
            others = [rounds[round_]["figures"]["accuracy"] for rounds in told if round_ in rounds]
            mean = sum(others) / len(others)
            own = mine[round_]["figures"]["accuracy"]
            print(f"| {round_} | {own:.3f} | {mean:.3f} | {min(others):.3f} | {max(others):.3f} |")


def print_costs(founders: list[Watched], late: dict[int, Watched]) -> None:
    """What coming cost, and what a founder spent in the same time."""
    print("\n| | s | CPU s | MB of blobs and gossip |\n|---|---|---|---|")
    for number, one in late.items():
        seated = one.at["seated"]
        print(
            f"| newcomer of round {number}, until it sat | {seated.at_s - one.begun_s:.1f} "
            f"| {seated.cpu_s:.1f} | {seated.received / 1e6:.2f} |"
        )
        for before, after, what in (
            ("seated", "first", "its first round"),
            ("first", "second", "its second round"),
        ):
            seconds, cpu_s, received = one.between(before, after)
            print(f"| {what} | {seconds:.1f} | {cpu_s:.1f} | {received:.2f} |")
        seconds, cpu_s, received = founders[0].between(f"seated {number}", f"first {number}")
        print(f"| a founder, while the newcomer had its first | {seconds:.1f} | {cpu_s:.1f} | {received:.2f} |")


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--early", type=int, default=10)
    parser.add_argument("--late", type=int, default=40)
    parser.add_argument("--after", type=int, default=15, help="rounds that are run after the late one")
    parser.add_argument("--samples", type=int, default=2000, help="examples a peer")
    parser.add_argument("--skew", type=float, default=0.5)
    parser.add_argument("--codec", default="delta")
    parser.add_argument("--rule", default="tether")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalNetwork(Path(folder) / "run") as network:
        founders, late = run(network, options)
        report = network.audit()
        print(
            f"{platform.machine()}, {os.cpu_count()} cores, {PARAMETERS:,} parameters, {options.codec},"
            f" {options.rule}; audit {'clean' if report['clean'] else 'with findings'}"
        )
        print_accuracies(founders, late)
        print_costs(founders, late)


if __name__ == "__main__":
    main()
