"""A program `folkmoot` for shells that starts warm: each call of it runs as a fork of the nursery (`warm_start`).

What a shell starts is a small client in the program's place. It hands its arguments, folder, environment, stdout
and stderr to the test's process, passes SIGINT and SIGTERM on, and ends as the real process does. That one has a
number of its own, the one that it writes into its data folder's lock.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from node.demo.nursery import ForkedProcess
from node.demo.nursery_server import PROGRAM
from tests.support.warm_start import nursery

_LENGTH: Final = 4
_NUMBER: Final = 16
_CLIENT: Final = """#!{python} -IS
import json, os, signal, socket, sys
passed = (signal.SIGINT, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_BLOCK, passed)
there = socket.socket(socket.AF_UNIX)
there.connect({place!r})
request = {{"command": ["folkmoot", *sys.argv[1:]], "cwd": os.getcwd(), "env": dict(os.environ)}}
message = json.dumps(request).encode()
socket.send_fds(there, [len(message).to_bytes({length}, "big")], [1, 2])
there.sendall(message)
pid = int(there.recv({status}, socket.MSG_WAITALL) or sys.exit("the test's process is gone"))
def pass_on(number, _):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
for number in passed:
    signal.signal(number, pass_on)
signal.pthread_sigmask(signal.SIG_UNBLOCK, passed)
status = int(there.recv({status}, socket.MSG_WAITALL) or 1)
os._exit(status if status >= 0 else 128 - status)
"""


class WarmProgram:
    """The program."""

    def __init__(self) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="folkmoot-warm-")
        self.folder = Path(self._made.name)
        """For a PATH."""
        self._running: set[ForkedProcess] = set()
        self._listening = socket.socket(socket.AF_UNIX)

    def open(self) -> None:
        """Make it; it can be started from now on."""
        place = str(self.folder / "socket")
        self._listening.bind(place)
        self._listening.listen(64)
        program = self.folder / PROGRAM
        program.write_text(_CLIENT.format(python=sys.executable, place=place, length=_LENGTH, status=_NUMBER))
        program.chmod(0o755)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Kill what still runs of it, and remove it."""
        # Closing alone does not wake an accept.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for process in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        self._made.cleanup()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                asked, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(asked,), daemon=True).start()

    def _serve(self, asked: socket.socket) -> None:
        with asked:
            length, fds, _, _ = socket.recv_fds(asked, _LENGTH, 2)
            request = json.loads(asked.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))
            with os.fdopen(fds[0], "wb") as out, os.fdopen(fds[1], "wb") as err:
                process = nursery().start(
                    request["command"], stdout=out, stderr=err, env=request["env"], cwd=request["cwd"]
                )
            self._running.add(process)
            # A client that was killed hears nothing any more.
            with contextlib.suppress(BrokenPipeError):
                asked.sendall(_write(process.pid))
                asked.sendall(_write(process.wait()))
            self._running.discard(process)


def _write(number: int) -> bytes:
    return str(number).encode().ljust(_NUMBER)
