"""Processes of this program that start warm: forked from one, the nursery, that has imported the program already.

A process of `folkmoot` imports torch and web3, which takes seconds of processor time and a hundred megabytes. A
network on one machine has the nursery import them once: every other process is a fork of it that runs its command
as `python -m node.cli.main` would, with its own memory, files, signals and end. What it imported stays shared until
somebody writes to it. What differs is that a fork draws no hash seed of its own.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final

from node.demo.nursery_server import LENGTH_BYTES

PRELOADED: Final = (
    "torch", "ledger.audit.run", "ledger.chain.deployment.deploy", "node.attacks.plugged", "node.peer",
    "node.cli.audit", "node.cli.deploy", "node.cli.node",
)  # fmt: skip
"""What the processes of a network import, and takes long."""
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of a peer on a machine with others: more threads than cores only get in each other's way."""
_ANSWER_BYTES: Final = 64


@contextlib.contextmanager
def open_nursery() -> Iterator["Nursery | None"]:
    """A nursery for the block, or None where a process may not go on as a fork: on systems other than Linux."""
    if sys.platform != "linux":
        yield None
        return
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()


class ForkedProcess:
    """A process that the nursery forked. What is here is as `subprocess.Popen` has it."""

    def __init__(self, nursery: "Nursery", pid: int, end: int) -> None:
        self.pid, self.returncode = pid, None
        self._nursery, self._end = nursery, end

    pid: int
    returncode: int | None
    """Negative for a signal; None while it runs."""

    def poll(self) -> int | None:
        """The status if it has ended."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the status, negative for a signal. Raises subprocess.TimeoutExpired."""
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"forked process {self.pid}", timeout or 0.0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            # The nursery, whose child it is, may have seen its end since.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def wait_stopped(self) -> None:
        """Wait until all of it stands still after a SIGSTOP."""
        self._nursery.ask({"stopped": self.pid}, [])

    def _look(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], timeout_s)[0]:
            told = os.read(self._end, _ANSWER_BYTES)
            os.close(self._end)
            # Nothing told: the nursery itself was killed.
            self.returncode = int(told) if told else -signal.SIGKILL
        return self.returncode

    def __del__(self) -> None:
        if self.returncode is None:
            with contextlib.suppress(OSError):
                os.close(self._end)


class Nursery:
    """The process that forks the others. It is started at once, imports meanwhile, and ends with this one.

    modules: what it imports, or packages followed by `.*` of which it imports all.
    """

    def __init__(self, modules: Sequence[str] = PRELOADED) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            # The libraries look at these variables when they are imported.
            self._process = subprocess.Popen(  # noqa: S603  (this program's own module)
                [sys.executable, "-m", "node.demo.nursery_server", str(theirs.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD},
                pass_fds=(theirs.fileno(),),
            )
        atexit.register(self.close)

    @property
    def pid(self) -> int:
        """Of the nursery itself."""
        return self._process.pid

    def start(
        self,
        command: Sequence[str],
        *,
        stdout: IO[bytes],
        stderr: IO[bytes],
        env: Mapping[str, str],
        cwd: str | os.PathLike[str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> ForkedProcess:
        """Start a command with nothing on its stdin, once all is imported. The rest as `subprocess.Popen` has it.

        command: `folkmoot` or the name of a module, as for `python -m`, and its arguments.

        Raises ChildProcessError.
        """
        request = {
            "command": list(command),
            "env": dict(env),
            "cwd": os.fspath(cwd) if cwd is not None else os.getcwd(),
            "fds": [1, 2, *pass_fds],
        }
        reading, writing = os.pipe()
        try:
            answer = self.ask(request, [writing, stdout.fileno(), stderr.fileno(), *pass_fds])
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return ForkedProcess(self, int(answer), reading)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | os.PathLike[str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command, as `start` has it, to its end and keep what it printed."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(command, stdout=out, stderr=err, env=env, cwd=cwd, pass_fds=pass_fds)
            try:
                status = process.wait()
            except BaseException:
                process.kill()
                process.wait()
                raise
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess(command, status, *texts)

    def ask(self, request: dict[str, Any], fds: Sequence[int]) -> bytes:
        """The answer to a request that carries these files. Raises ChildProcessError if it is gone."""
        message = json.dumps(request).encode()
        with self._lock:
            try:
                socket.send_fds(self._socket, [len(message).to_bytes(LENGTH_BYTES, "big")], fds)
                self._socket.sendall(message)
                answer = self._socket.recv(_ANSWER_BYTES)
            except OSError:
                answer = b""
        if not answer:
            raise ChildProcessError(f"the process that starts the others is gone, status {self._process.wait()}")
        return answer

    def close(self) -> None:
        """Let it end; what it forked goes on. Doing it again changes nothing."""
        self._socket.close()
        self._process.wait()
        atexit.unregister(self.close)
