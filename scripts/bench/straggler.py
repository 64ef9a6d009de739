"""Measure what one peer that trains ten times as long as the others costs them.

Real processes: five seats, 784-1024-192-10 on Fashion-MNIST, each peer a process of its own beside a local chain; the
last seat sleeps after each step for nine times what that took. Prints the seconds of a round of the others, without it
and with it: as the program is, with `--train-in-full`, with a window that it cannot keep, and with one that is slow
in every other round.
Usage: python -m scripts.bench.straggler [--rounds 12] [--samples 5000] [--window 12]
"""

import argparse
import itertools
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ledger.chain.deployment.deploy import CircleFile, open_circle
from ledger.circle.history import History
from node.demo.launcher import LocalNetwork
from scripts.bench.wide_task import PARAMETERS

TASK = f"{Path(__file__).with_name('wide_task.py')}:Wide"
SEATS, SLOW, TIMES = 5, 4, 10
_DEADLINE_S, _POLL_S, _LONG_S = 1800.0, 0.05, 300


@dataclass(frozen=True)
class Setting:
    """One row."""

    name: str
    """In words."""
    is_slow: bool = True
    """Whether one of the peers is."""
    one_in: int = 1
    """It is in one of so many rounds."""
    in_full: bool = False
    """It always trains to the end."""
    has_short_window: bool = False
    """The commit window is shorter than it trains."""


SETTINGS = (
    Setting("nobody slow", is_slow=False),
    Setting("one slow"),
    Setting("one slow, trains in full", in_full=True),
    Setting("one slow, trains in full, short window", in_full=True, has_short_window=True),
    Setting("slow every other round", one_in=2),
    Setting("slow every other round, trains in full, short window", one_in=2, in_full=True, has_short_window=True),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one."""

    seconds: list[float]
    """Of each round but the first, as the others had it."""
    taken_part: int
    """The rounds that the last seat committed in, and attested."""
    accuracy: float
    """Mean of the others after the last round."""


def run(setting: Setting, options: argparse.Namespace) -> Outcome:
    """One circle from its start to its last round."""
    window_s = options.window if setting.has_short_window else _LONG_S
    task = ["--task", TASK, "--samples", str(options.samples), "--skew", "0.5", "--option", f"times={TIMES}"]
    task += ["--option", f"slow_seat={SLOW if setting.is_slow else -1}", "--option", f"one_in={setting.one_in}"]
    with tempfile.TemporaryDirectory() as folder, LocalNetwork(Path(folder) / "run") as network:
        network.start_chain(seed=0)
        network.deploy(
            *task,
            *("--peers", str(SEATS), "--quorum", "3", "--rounds", str(options.rounds), "--degree", str(SEATS - 1)),
            *("--codec", "delta", "--commit-window", str(window_s), "--attest-window", str(_LONG_S)),
        )
        for seat in range(SEATS):
            in_full = ["--train-in-full"] if setting.in_full else []
            network.start_peer(network.add_peer(), "--seat", str(seat), "--task", TASK, *in_full)
        ended = follow(network, options.rounds)
        accuracies = [
            [one["figures"]["accuracy"] for one in peer.read_events() if one["event"] == "round"][-1]
            for peer in network.peers[:SLOW]
        ]
        history = read_history(network)
    taken_part = sum(SLOW in round_.attestations for round_ in history.rounds)
    seconds = [later - before for before, later in itertools.pairwise(ended)]
    return Outcome(seconds, taken_part, sum(accuracies) / len(accuracies))


def follow(network: LocalNetwork, rounds: int) -> list[float]:
    """When each round had ended for all but the last seat, by the clock."""
    ended: list[float] = []
    deadline = time.monotonic() + _DEADLINE_S
    while len(ended) < rounds:
        events = [peer.read_events() for peer in network.peers[:SLOW]]
        done = min(max((one["round"] for one in each if one["event"] == "round"), default=0) for each in events)
        ended += [time.monotonic()] * (done - len(ended))
        if time.monotonic() > deadline:
            raise RuntimeError(f"the rounds did not end: see the logs in {network.folder}")
        time.sleep(_POLL_S)
    return ended


def read_history(network: LocalNetwork) -> History:
    """What the chain says in the end."""
    circle = open_circle(CircleFile.read(network.circle_file))
    history = History(circle.terms)
    for placed in circle.fetch_events(0, circle.fetch_head()):
        history.apply(placed.event)
    return history


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--samples", type=int, default=5000, help="examples a peer")
    parser.add_argument("--window", type=int, default=12, help="the short commit window, seconds")
    parser.add_argument("--only", type=int, help="this row alone, counted from 0")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {PARAMETERS:,} parameters, {SEATS} peers")
    print("\n| | s a round, median | longest | all | rounds it took part in | accuracy of the others |")
    print("|---|---|---|---|---|---|")
    for setting in SETTINGS if options.only is None else [SETTINGS[options.only]]:
        found = run(setting, options)
        print(
            f"| {setting.name} | {median(found.seconds):.1f} | {max(found.seconds):.1f} | {sum(found.seconds):.0f} "
            f"| {found.taken_part} of {options.rounds} | {found.accuracy:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
