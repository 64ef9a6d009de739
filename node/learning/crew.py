"""The processes that train for one peer: torchrun starts them, and they end with the peer, however that ends.

They speak with the peer through a socket in a folder that nobody else can open, and with each other through
torch's own process group on the loopback.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from ledger.errors import SetupError
from node.learning.crew_messages import Hung, receive_message, send_message
from node.learning.layout import Layout, Vector
from node.learning.private_part import PrivatePart
from node.tasks.interface import Task

BASE, CORRECTION, PRIVATE = "base", "correction", "private."
_STARTING_S: Final = 600.0
_POLL_S: Final = 0.1
_ENDING_S: Final = 10.0


@dataclass(frozen=True)
class Assignment:
    """What each process loads before it trains."""

    task: Task
    """Made by `load_task`; each process makes it anew."""
    made_with: Mapping[str, Any]
    """Its `skew`, `seed`, `samples`."""
    layout: Layout
    """Of the shared tensors."""
    seat: int
    """Whose data."""
    seats: int
    """How many data() is told there are."""
    seed: int
    """Of the training."""
    rounds: int | None
    """The circle's last; None where it is not known."""
    data: Path | None = None
    """What the peer trains on, where it says so."""

    def to_fields(self, folder: Path) -> dict[str, Any]:
        """Plain values for JSON. folder: where the processes find each other."""
        frozen = self.task.frozen_values
        return {
            "spec": self.task.spec,
            "made_with": dict(self.made_with),
            "options": dict(self.task.options),
            "device": str(self.task.device),
            "frozen": None if frozen is None else str(frozen.path),
            "data": None if self.data is None else str(self.data),
            "layout": [[one.name, list(one.shape), one.exponent] for one in self.layout.tensors],
            "seat": self.seat,
            "seats": self.seats,
            "seed": self.seed,
            "rounds": self.rounds,
            "group": str(folder / "group"),
        }


class Crew:
    """Several processes that train together; started by the first training."""

    def __init__(self, assignment: Assignment, processes: int) -> None:
        """processes: how many, from 2."""
        self._assignment, self._count = assignment, processes
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._members: list[socket.socket] = []

    def train(
        self, base: Vector, before: PrivatePart, number: int, correction: Vector | None = None
    ) -> tuple[Vector, PrivatePart]:
        """One round of training, as a trainer's, in all processes. base, correction: (d,), float32, as is what it
        gives.

        Raises SetupError where a process says so or ends.
        """
        if not self._members:
            self._start()
        tensors = {BASE: torch.from_numpy(base), **{PRIVATE + name: tensor for name, tensor in before.items()}}
        if correction is not None:
            tensors[CORRECTION] = torch.from_numpy(correction)
        try:
            for member in self._members:
                send_message(member, {"round": number}, tensors)
            answers = [receive_message(member) for member in self._members]
        except (Hung, OSError) as error:
            self.close()
            raise SetupError(
                f"{self._assignment.task.spec}: one of the {self._count} processes that train has ended: what it"
                " said stands above; start the node again"
            ) from error
        if fault := next((head["fault"] for head, _ in answers if "fault" in head), None):
            self.close()
            raise SetupError(fault)
        if len({head["digest"] for head, _ in answers}) > 1:
            self.close()
            raise SetupError(
                f"{self._assignment.task.spec}: train() left other models in its {self._count} processes: wrap the"
                " model in torch.nn.parallel.DistributedDataParallel, or train with --processes 1"
            )
        found = answers[0][1]
        private = {name.removeprefix(PRIVATE): one for name, one in found.items() if name.startswith(PRIVATE)}
        return found[BASE].numpy(), private

    def close(self) -> None:
        """End all processes. Doing it again changes nothing."""
        for member in self._members:
            member.close()
        self._members = []
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDING_S)
            if self._process.poll() is None:
                self._process.terminate()  # torchrun ends what it has started
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_ENDING_S)
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="folkmoot-crew-"))  # its owner's alone
        path = self._folder / "peer"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen(self._count)
            listener.settimeout(_POLL_S)
            # The program itself, from an argument list, never through a shell. What the task's code prints goes to
            # stderr: stdout is the peer's.
            self._process = subprocess.Popen(  # noqa: S603
                _make_command(self._count, self._folder),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                env=_make_environment(self._folder),
            )
            try:
                self._members = self._await_members(listener)
            except SetupError:
                self.close()
                raise

    def _await_members(self, listener: socket.socket) -> list[socket.socket]:
        assert self._process is not None
        assert self._folder is not None
        found: dict[int, socket.socket] = {}
        deadline = time.monotonic() + _STARTING_S
        while len(found) < self._count:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SetupError(
                    f"the {self._count} processes that train did not start: what torchrun said stands above; or"
                    " train with --processes 1"
                )
            with contextlib.suppress(TimeoutError):
                member, _ = listener.accept()
                member.settimeout(_STARTING_S)
                head, _ = receive_message(member)
                found[int(head["rank"])] = member
        members = [found[rank] for rank in sorted(found)]
        for member in members:
            send_message(member, self._assignment.to_fields(self._folder), {})
            member.settimeout(None)  # a round takes as long as it takes; a process that ends is noticed
        return members


def _make_command(count: int, folder: Path) -> list[str]:
    """torchrun, which meets in a file and listens nowhere."""
    meeting = [
        "--rdzv-backend",
        "c10d",
        "--rdzv-endpoint",
        str(folder / "meeting"),
        "--rdzv-conf",
        "store_type=file",
    ]
    launcher = [sys.executable, "-P", "-m", "node.learning.crew_launcher", str(folder)]
    torchrun = [*launcher, "--nnodes", "1", "--nproc-per-node", str(count)]
    return [*torchrun, *meeting, "--max-restarts", "0", "-m", "node.crew_member", str(folder / "peer")]


def _make_environment(folder: Path) -> dict[str, str]:
    # Each imports what this process would, and keeps to one thread.
    places = [str(Path(place or ".").resolve()) for place in sys.path]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    loopback = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    return {
        **os.environ,
        **threads,
        **loopback,
        # Else torchrun offers a store of its own on all addresses of this machine.
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
        "PYTHONPATH": os.pathsep.join(places),
        "TORCHELASTIC_ERROR_FILE": str(folder / "error.json"),
    }
