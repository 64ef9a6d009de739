"""One run of each system, its rounds as they end."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from node.demo.launcher import LocalNetwork
from scripts.bench.large_model.isolation import make_environment, read_loopback_bytes, read_network_cpu_s

TASK = f"{Path(__file__).with_name('training.py')}:Large"
_DEADLINE_S = 1800.0


@dataclass(frozen=True)
class Job:
    """What both systems do."""

    peers: int
    """How many; each hears all others."""
    rounds: int
    """The first is not counted: it holds what is done once."""
    samples: int
    """Examples a peer."""
    skew: float
    """0..1, how differently labels fall to peers."""


@dataclass(frozen=True)
class Round:
    """One round of all peers."""

    number: int
    """From 1."""
    seconds: float
    """Since the round before."""
    bytes: int
    """That the loopback carried in it, for all peers together."""
    cpu_s: float
    """CPU seconds of all processes, training and a chain included."""
    accuracy: float
    """Mean of the peers, 0..1."""


class Laps:
    """Takes time and bytes as rounds end."""

    def __init__(self) -> None:
        self.rounds: list[Round] = []
        self._before = time.monotonic(), read_loopback_bytes(), read_network_cpu_s()

    def end(self, accuracies: list[float]) -> None:
        """Every peer has ended another round."""
        now = time.monotonic(), read_loopback_bytes(), read_network_cpu_s()
        seconds, sent, cpu_s = (float(one) - float(before) for one, before in zip(now, self._before, strict=True))
        accuracy = sum(accuracies) / len(accuracies)
        self.rounds.append(Round(len(self.rounds) + 1, seconds, int(sent), cpu_s, accuracy))
        self._before = now

    def as_json(self) -> str:
        """All of it."""
        return json.dumps([asdict(one) for one in self.rounds])


def run_folkmoot(job: Job, codec: str) -> Laps:
    """A circle of real processes with its chain."""
    with tempfile.TemporaryDirectory() as folder, LocalNetwork(Path(folder) / "run") as network:
        network.start_chain(seed=0)
        network.deploy(
            *("--task", TASK, "--samples", str(job.samples), "--skew", str(job.skew), "--codec", codec),
            *("--peers", str(job.peers), "--rounds", str(job.rounds), "--degree", str(job.peers - 1)),
            *("--commit-window", "300", "--attest-window", "300"),
        )
        for index in range(job.peers):
            network.start_peer(network.add_peer(), "--seat", str(index), "--task", TASK)
        return _follow(job, lambda: [peer.read_events() for peer in network.peers], network.folder)


def run_hivemind(job: Job, python: str, compression: str) -> Laps:
    """Peers that average by all-reduce."""
    with tempfile.TemporaryDirectory() as folder:
        processes: list[subprocess.Popen[str]] = []
        try:
            first: list[str] = []
            for index in range(job.peers):
                process = _start_hivemind(job, python, compression, index, first, Path(folder))
                processes.append(process)
                told = _read_told(Path(folder), index, process)
                first = first or told["addresses"]
            for process in processes:
                _press_enter(process)
            laps = _follow(
                job,
                lambda: [_read_lines(Path(folder) / f"{index}.out") for index in range(job.peers)],
                Path(folder),
            )
            for process in processes:
                _press_enter(process)
            for process in processes:
                process.wait(60)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        return laps


def _start_hivemind(
    job: Job, python: str, compression: str, index: int, first: list[str], folder: Path
) -> "subprocess.Popen[str]":
    command = [python, "-m", "scripts.bench.large_model.hivemind_peer", "--compression", compression]
    for name in ("peers", "rounds", "samples", "skew"):
        command += [f"--{name}", str(getattr(job, name))]
    command += ["--index", str(index), *(["--first", *first] if first else [])]
    with (folder / f"{index}.out").open("w") as out:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, env=make_environment(), text=True)


def _press_enter(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _read_told(folder: Path, index: int, process: "subprocess.Popen[str]") -> dict[str, Any]:
    """A peer's first line."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if lines := _read_lines(folder / f"{index}.out"):
            return lines[0]
        time.sleep(0.1)
    raise RuntimeError(f"peer {index} of hivemind did not start: what it said stands above")


def _read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n")[:-1] if line.startswith("{")]


def _follow(job: Job, read: Callable[[], list[list[dict[str, Any]]]], where: Path) -> Laps:
    """Until every peer has told of the last round. read: each peer's events so far."""
    laps, deadline = Laps(), time.monotonic() + _DEADLINE_S
    while len(laps.rounds) < job.rounds:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the rounds did not end: see the logs in {where}")
        told = [{one["round"]: one for one in events if _is_round(one)} for events in read()]
        if all(len(laps.rounds) + 1 in rounds for rounds in told):
            ended = [rounds[len(laps.rounds) + 1] for rounds in told]
            laps.end([float(one.get("figures", one)["accuracy"]) for one in ended])
        time.sleep(0.02)
    return laps


def _is_round(event: dict[str, Any]) -> bool:
    return "round" in event and ("accuracy" in event or event.get("event") == "round")
