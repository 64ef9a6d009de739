"""Processes of this program that start warm: forked from one that has imported the program already.

`folkmoot` imports torch and web3, which takes a process seconds of processor time. A network of a test has up to
nine processes and kills and starts some again, so the first start here makes one process, the nursery, that imports
everything once. Every later start is a fork of it that runs the command as `python -m node.cli.main` would: a real
process with its own memory, files, signals and end. What differs is that it draws no hash seed of its own.
Starting cold stays under test where starting is the matter: README, guides, demo, lifeline, the chain's own tests.
"""

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO, Any, NoReturn

PROGRAM = "folkmoot"
_HIGH = 256
_LENGTH = 4
_MOST_FDS = 8
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def start(
    command: Sequence[str],
    *,
    stdout: IO[bytes],
    stderr: IO[bytes],
    env: Mapping[str, str],
    cwd: str | os.PathLike[str] | None = None,
    pass_fds: Sequence[int] = (),
) -> "WarmProcess":
    """Start a command with nothing on its stdin. The rest as `subprocess.Popen` has it.

    command: `folkmoot` or the name of a module, as for `python -m`, and its arguments.
    """
    request = {
        "command": list(command),
        "env": dict(env),
        "cwd": os.fspath(cwd) if cwd is not None else os.getcwd(),
        "fds": [1, 2, *pass_fds],
    }
    return _nursery().start(request, [stdout.fileno(), stderr.fileno(), *pass_fds])


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str] | None = None,
    pass_fds: Sequence[int] = (),
) -> "subprocess.CompletedProcess[str]":
    """Run a command, as `start` has it, to its end and keep what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(command, stdout=out, stderr=err, env=env, cwd=cwd, pass_fds=pass_fds)
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


class WarmProcess:
    """A process that the nursery forked. What is here is as `subprocess.Popen` has it."""

    def __init__(self, nursery: "_Nursery", pid: int, end: int) -> None:
        self.pid, self.returncode = pid, None
        self._nursery, self._end = nursery, end

    returncode: int | None

    def poll(self) -> int | None:
        """The status if it has ended."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the status, negative for a signal. Raises subprocess.TimeoutExpired."""
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"warm process {self.pid}", timeout or 0.0)
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
            told = os.read(self._end, 64)
            os.close(self._end)
            # Nothing told: the nursery itself was killed.
            self.returncode = int(told) if told else -signal.SIGKILL
        return self.returncode

    def __del__(self) -> None:
        if self.returncode is None:
            with contextlib.suppress(OSError):
                os.close(self._end)


class _Nursery:
    """The other end of the nursery's socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            # One thread a process, as networks have it; the libraries look when they are imported.
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **dict.fromkeys(_THREADS, "1")},
                pass_fds=(theirs.fileno(),),
            )
        atexit.register(self.close)

    def start(self, request: dict[str, Any], fds: Sequence[int]) -> WarmProcess:
        reading, writing = os.pipe()
        try:
            answer = self.ask(request, [writing, *fds])
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return WarmProcess(self, int(answer), reading)

    def ask(self, request: dict[str, Any], fds: Sequence[int]) -> bytes:
        with self._lock:
            message = json.dumps(request).encode()
            socket.send_fds(self._socket, [len(message).to_bytes(_LENGTH, "big")], fds)
            self._socket.sendall(message)
            answer = self._socket.recv(64)
        if not answer:
            raise ChildProcessError(f"the nursery is gone, status {self._process.wait()}")
        return answer

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def _nursery() -> _Nursery:
    return _Nursery()


# ---------------------------------------------------------------------------------------- inside the nursery


def _import_all() -> None:
    for name in ("node", "ledger"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)


def _serve(handle: int) -> None:
    """Fork at every request until the other end is closed."""
    asked = socket.socket(fileno=handle)
    ends: dict[int, int] = {}
    seeing, seen = os.pipe()
    os.set_blocking(seen, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(seen)
    while True:
        watched: list[socket.socket | int] = [asked, seeing]
        ready = select.select(watched, [], [])[0]
        if seeing in ready:
            os.read(seeing, 4096)
            _tell_ends(ends)
        if asked not in ready:
            continue
        length, fds, _, _ = socket.recv_fds(asked, _LENGTH, _MOST_FDS)
        if not length:
            return
        request = json.loads(asked.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))
        if "stopped" in request:
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, request["stopped"], os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            asked.send(b"stopped")
            continue
        pid = os.fork()
        if pid == 0:
            for mine in (handle, seeing, seen, fds[0], *ends.values()):
                os.close(mine)
            asked.detach()
            _become(request, fds[1:])
        ends[pid] = fds[0]
        for given in fds[1:]:
            os.close(given)
        asked.send(str(pid).encode())


def _tell_ends(ends: dict[int, int]) -> None:
    for pid in list(ends):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            end = ends.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)


def _become(request: dict[str, Any], fds: Sequence[int]) -> NoReturn:
    """In the fork: take on the files, the folder and the environment that were asked for, run the command, end."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # First out of the way: a number that is wanted may be another's.
    high = [fcntl.fcntl(given, fcntl.F_DUPFD, _HIGH) for given in fds]
    for given in fds:
        os.close(given)
    for given, number in zip(high, request["fds"], strict=True):
        os.dup2(given, number)
        os.close(given)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv[:] = request["command"]
    try:
        _run_command()
    except SystemExit as ending:
        # As Python ends, but without taking a thousand modules apart, which takes a second.
        threading._shutdown()  # type: ignore[attr-defined]  # private
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ending.code if isinstance(ending.code, int) else 1)


def _run_command() -> NoReturn:
    program, *arguments = sys.argv
    if program == PROGRAM:
        from node.cli.main import main

        sys.exit(main(arguments))
    runpy.run_module(program, run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    _import_all()
    gc.collect()
    gc.freeze()
    _serve(int(sys.argv[1]))
