"""A circle's processes on this machine: chain, deployment, peers, audit, each a command line of its own."""

# ruff: noqa: S603  (every process is this program, started from an argument list, never through a shell)

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from ledger.errors import SetupError, UsageError
from ledger.files import PRIVATE, make_folder, write_new
from node.demo.nursery import ONE_THREAD, ForkedProcess, Nursery
from node.demo.nursery_server import PROGRAM
from node.operating.lifeline import Lifeline

if TYPE_CHECKING:
    from ledger.chain.deployment.circle_file import CircleFile

_READY_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.05
# The keys of a run live as long as its folder and guard test coin: a light scrypt keeps the start short.
_KEYSTORE_COST: Final = 1 << 12
Process = subprocess.Popen[bytes] | ForkedProcess
"""One of a network."""


@dataclass
class PeerProcess:
    """One peer: its folder, and its process while there is one."""

    index: int
    """Its number in the network, from 0."""
    folder: Path
    """Where its key and its files are."""
    address: str
    """Of its key."""
    attack: str
    """`honest` or what it does wrong."""
    process: Process | None = None
    """While there is one."""

    @property
    def events_file(self) -> Path:
        """One JSON object a line, as `folkmoot node --json` prints them."""
        return self.folder / "events.jsonl"

    @property
    def log_file(self) -> Path:
        """What the peer wrote to stderr."""
        return self.folder / "node.log"

    def read_events(self) -> list[dict[str, Any]]:
        """Every whole event the peer has printed so far."""
        if not self.events_file.exists():
            return []
        lines = self.events_file.read_text().split("\n")
        return [json.loads(line) for line in lines[:-1]]


@dataclass
class LocalNetwork:
    """Processes under one run folder; `close` (or `with`) ends every one of them, and only them."""

    folder: Path
    """The run folder."""
    rpc: str = ""
    """The chain's endpoint; empty before the chain runs."""
    peers: list[PeerProcess] = field(default_factory=list)
    """In the order in which they were made."""
    chain: Process | None = None
    """The chain's process, while there is one."""
    watch: Process | None = None
    """The live page's process, while there is one."""
    nursery: Nursery | None = None
    """Forks the processes; None where each starts by itself. It is closed by whoever opened it."""
    lifeline: Lifeline = field(default_factory=Lifeline)
    """Ends the processes where this one dies."""

    def __enter__(self) -> "LocalNetwork":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def circle_file(self) -> Path:
        """What `folkmoot deploy` writes."""
        return self.folder / "circle.json"

    @property
    def password_file(self) -> Path:
        """The password of all keys of this run."""
        return self.folder / "password"

    def start_chain(self, port: int = 0, seed: int | None = None, *options: str) -> str:
        """Start the local test chain, with further options of `folkmoot chain`, and return its URL.

        Raises SetupError.
        """
        make_folder(self.folder)
        seeded = [] if seed is None else ["--seed", str(seed)]
        output = self.folder / "chain.out"
        self.chain = self._spawn(
            ["chain", "--folder", str(self.folder / "chain"), "--port", str(port), *seeded, *options],
            output,
            "chain.log",
        )
        chain = self.chain
        line = _wait_for(
            lambda: output.read_text().partition("\n")[0] if "\n" in output.read_text() else None,
            lambda: chain.poll() is not None,
            lambda: f"the local chain did not start: {_read_last_line(self.folder / 'chain.log')}",
        )
        self.rpc = line.rpartition(" ")[2]
        return self.rpc

    def deploy(self, *options: str) -> "CircleFile":
        """Run `folkmoot deploy` with these options. Raises UsageError or SetupError with what it said."""
        command = ["deploy", "--rpc", self.rpc, "--out", str(self.circle_file), *options]
        done = self._run(command)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["folkmoot deploy failed"])[-1].removeprefix("folkmoot: ")
            raise UsageError(said) if done.returncode == 2 else SetupError(said)
        return self._read_circle_file()

    def add_peer(self, attack: str = "honest") -> PeerProcess:
        """Make a peer's folder and key, and fund it."""
        index = len(self.peers)
        folder = self.folder / f"peer-{index}"
        folder.mkdir(mode=0o700, parents=True)
        peer = PeerProcess(index, folder, self.add_key(folder / "key.json"), attack)
        self.peers.append(peer)
        return peer

    def add_key(self, keystore: Path) -> str:
        """Make a key under the run's password, fund it and return its address."""
        from ledger.chain.rpc.client import Rpc
        from ledger.chain.transactions.sender import Sender
        from node.seat.accounts import open_deployer_key
        from node.seat.keys import new_key

        if not self.password_file.exists():
            write_new(self.password_file, f"{secrets.token_hex(16)}\n".encode())
        address = new_key(keystore, self.password_file.read_text().strip(), _KEYSTORE_COST)
        rpc = Rpc(self.rpc)
        chain_id = rpc.fetch_number("eth_chainId")
        Sender(rpc, open_deployer_key(None, None, chain_id), chain_id).transfer(address, 10**19)
        return address

    def start_watch(self, port: int = 0, *options: str) -> str:
        """Start the live page of the circle, with the peers' own figures; returns its URL. Raises SetupError."""
        output = self.folder / "watch.out"
        # The circle is gone with the demo.
        command = ["watch", "--json", "--no-cache", "--circle", str(self.circle_file), "--port", str(port)]
        command += options
        for peer in self.peers:
            # A peer makes its own folder in a moment, or finds it.
            make_folder(peer.folder / "data")
            command += ["--folder", str(peer.folder / "data")]
        self.watch = self._spawn(command, output, "watch.log")
        watch = self.watch
        line = _wait_for(
            lambda: output.read_text().partition("\n")[0] if "\n" in output.read_text() else None,
            lambda: watch.poll() is not None,
            lambda: f"the live page did not start: {_read_last_line(self.folder / 'watch.log')}",
        )
        return str(json.loads(line)["url"])

    def start_peer(self, peer: PeerProcess, *options: str) -> None:
        """Start its process, or start it again after its end."""
        command = ["--log", "info", "node", "--json", "--circle", str(self.circle_file)]
        command += ["--keystore", str(peer.folder / "key.json"), "--password-file", str(self.password_file)]
        command += ["--folder", str(peer.folder / "data"), "--attack", peer.attack, *options]
        peer.process = self._spawn(command, peer.events_file, f"{peer.folder.name}/node.log")

    def audit(self, *options: str) -> dict[str, Any]:
        """Run `folkmoot audit` in its own process, with RPC and contract address and nothing else."""
        file = self._read_circle_file()
        command = ["audit", "--json", "--rpc", self.rpc, "--contract", file.contract, *options]
        done = self._run(command)
        if done.returncode not in (0, 1):
            said = (done.stderr.strip().splitlines() or ["folkmoot audit failed"])[-1]
            raise SetupError(said.removeprefix("folkmoot: "))
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def close(self) -> None:
        """End every process of this network: politely first, at once if this is interrupted."""
        processes = [peer.process for peer in self.peers] + [self.watch, self.chain]
        running = [process for process in processes if process is not None and process.poll() is None]
        try:
            for process in running:
                process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + _STOP_TIMEOUT_S
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, deadline - time.monotonic()))
        finally:
            for process in running:
                process.kill()
                process.wait()
            self.lifeline.close()

    def _read_circle_file(self) -> "CircleFile":
        # web3 comes with it, and takes a second that the processes started first need not wait for.
        from ledger.chain.deployment.circle_file import CircleFile

        return CircleFile.read(self.circle_file)

    def _run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run to its end. A process that is interrupted here ends it too."""
        if self.nursery is not None:
            return self.nursery.run([PROGRAM, *command], **self._lifeline_options())
        return subprocess.run(
            _make_command(command), capture_output=True, text=True, check=False, **self._lifeline_options()
        )

    def _spawn(self, command: Sequence[str], output: Path, log: str) -> Process:
        with contextlib.ExitStack() as files:
            out, err = (
                files.enter_context(open(path, "ab", opener=_open_private)) for path in (output, self.folder / log)
            )
            return self._start(command, out, err)

    def _start(self, command: Sequence[str], out: IO[bytes], err: IO[bytes]) -> Process:
        if self.nursery is not None:
            return self.nursery.start([PROGRAM, *command], stdout=out, stderr=err, **self._lifeline_options())
        return subprocess.Popen(
            _make_command(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, **self._lifeline_options()
        )

    def _lifeline_options(self) -> dict[str, Any]:
        """Options of a process that does not outlive this one."""
        return {"env": {**_make_environment(), **self.lifeline.environment}, "pass_fds": self.lifeline.inherited}


def failure_of(peer: PeerProcess) -> str:
    """The last thing a dead peer said."""
    return _read_last_line(peer.log_file)


def _make_command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "node.cli.main", *arguments]


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)


def _make_environment() -> dict[str, str]:
    return {**os.environ, **ONE_THREAD}


def _wait_for(found: Callable[[], str | None], is_over: Callable[[], bool], complaint: Callable[[], str]) -> str:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        value = found()
        if value is not None:
            return value
        if is_over():
            break
        time.sleep(_POLL_S)
    raise SetupError(complaint())


def _read_last_line(path: Path) -> str:
    lines = path.read_text().strip().splitlines() if path.exists() else []
    return lines[-1].removeprefix("folkmoot: ") if lines else f"it wrote nothing to {path}"
