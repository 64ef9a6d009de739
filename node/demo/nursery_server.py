"""The nursery's own process (`node.demo.nursery`): import, then fork at every request.

    python -m node.demo.nursery_server SOCKET MODULE...

A request is its length, four bytes, big-endian, with the files that it hands over, and JSON. It comes from the
process that started this one, over a socket that nobody else has.
"""

import atexit
import contextlib
import fcntl
import gc
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from node.operating.late_bls import load_bls_late

PROGRAM: Final = "folkmoot"
"""What a command begins with; another first word is a module's name, as for `python -m`."""
LENGTH_BYTES: Final = 4
"""Of a request's length."""
_FDS_MAX: Final = 8
# Above all numbers that a command wants for its files.
_HIGH: Final = 256
_ENTRY: Final = ("node.cli.main", "main")


def import_modules(names: Sequence[str]) -> None:
    """Import modules, and of `PACKAGE.*` all there are, however deep."""
    for name in names:
        package = import_module(name.removesuffix(".*"))
        if name.endswith(".*"):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                import_module(module.name)


def serve(handle: int) -> None:
    """Fork at every request that comes by a socket, until its other end is closed."""
    asked = socket.socket(fileno=handle)
    ends: dict[int, int] = {}
    seeing, seen = os.pipe()
    os.set_blocking(seen, False)
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
        length, fds, _, _ = socket.recv_fds(asked, LENGTH_BYTES, _FDS_MAX)
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
        module, function = _ENTRY
        sys.exit(getattr(import_module(module), function)(arguments))
    runpy.run_module(program, run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    # Ctrl-C reaches all of a terminal's processes; this one ends with who started it, when that has ended the rest.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load_bls_late()
    import_modules(sys.argv[2:])
    gc.collect()
    # Nobody looks through these objects for garbage any more, so their pages stay shared.
    gc.freeze()
    serve(int(sys.argv[1]))
