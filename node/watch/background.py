"""Work that takes long, done by a command of this program in a process of low priority, read a line at a time."""

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final

from node.operating.lifeline import Lifeline

_NICENESS: Final = 19
_STOP_S: Final = 5.0
_TAIL_LINES: Final = 4
_TAIL_BYTES: Final = 4096
LINE_MAX_BYTES: Final = 256 << 20
"""A longer line ends the command: a report of the largest circle has less."""


@dataclass(frozen=True)
class Command:
    """What is run, and what its environment has beside this process's."""

    arguments: tuple[str, ...]
    """Behind `folkmoot`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Endpoints stand here: they may hold a secret, and whoever lists processes sees arguments."""

    def extend(self, *arguments: str) -> "Command":
        """The same with more arguments."""
        return Command((*self.arguments, *arguments), self.environment)


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    status: int
    """Its exit status, negative for a signal."""
    said: str
    """The last that it wrote to stderr, without the program's name; empty where it wrote nothing."""


class BackgroundCommand:
    """One command. Ends with this process, however that ends, and with `close`.

    tell: called with each line, in a thread of its own. end: called there too, once, when no more will come.
    """

    def __init__(
        self,
        command: Command,
        tell: Callable[[bytes], None],
        end: Callable[[Ending], None],
        line_max_bytes: int = LINE_MAX_BYTES,
    ) -> None:
        self._tell, self._end, self._line_max_bytes = tell, end, line_max_bytes
        self._tail: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._lifeline = Lifeline()
        self._is_closed = threading.Event()
        self._process = _start(command, self._lifeline)
        with contextlib.suppress(OSError):
            # What it starts itself has its priority.
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)
        self._listener = threading.Thread(target=self._listen, name="background", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def close(self) -> None:
        """End it; nothing is told any more. Doing it again changes nothing."""
        self._is_closed.set()
        with contextlib.suppress(OSError):
            self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._lifeline.close()
        if threading.current_thread() is not self._listener:
            self._listener.join(_STOP_S)

    def _listen(self) -> None:
        process = self._process
        assert process.stdout is not None
        assert process.stderr is not None
        listener = threading.Thread(target=self._keep_tail, args=(process.stderr,), name="complaints", daemon=True)
        listener.start()
        with process.stdout as lines:
            while line := lines.readline(self._line_max_bytes + 1):
                if len(line) > self._line_max_bytes:
                    self._tail.append(b"it said more than can be shown")
                    process.kill()
                    break
                if not self._is_closed.is_set():
                    self._tell(line)
        listener.join(_STOP_S)
        status = process.wait()
        self._lifeline.close()
        if not self._is_closed.is_set():
            self._end(Ending(status, self._find_last_words()))

    def _keep_tail(self, complaints: IO[bytes]) -> None:
        with complaints as lines:
            while line := lines.readline(_TAIL_BYTES):
                if line.strip():
                    self._tail.append(line)

    def _find_last_words(self) -> str:
        if not self._tail:
            return ""
        return self._tail[-1].decode(errors="replace").strip().removeprefix("folkmoot: ")


def _start(command: Command, lifeline: Lifeline) -> "subprocess.Popen[bytes]":
    """In one thread a library: it takes turns with the nodes of this machine."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(  # noqa: S603  (this program, from an argument list, never through a shell)
        _spell(command.arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, **command.environment, **lifeline.environment},
        pass_fds=lifeline.inherited,
    )


def _spell(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "node.cli.main", *arguments]
