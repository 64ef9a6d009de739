"""A server under test: its process, what it takes, and what it complains of."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ledger.errors import SetupError
from node.demo.usage import read_cpu_s

_COMPLAINTS: Final = (
    "Traceback",
    "was never",
    "died reason",
    "internal error",
    "ended by a bug",
    "answering failed",
)
_END_S: Final = 20.0


class Server:
    """One kind of `scripts.fuzz.live.serving`; use it with `with`."""

    def __init__(self, kind: str, folder: Path) -> None:
        """folder: for what the server keeps, and for its log."""
        folder.mkdir(parents=True, exist_ok=True)
        self._log, self._read_to = folder / "log", 0
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scripts.fuzz.live.serving", kind, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SetupError(f"the server {kind} does not start: {self._log.read_text()[-400:]}")
        self.told: dict[str, Any] = json.loads(line)
        """Where it listens, and what it has."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return "127.0.0.1", self.told["port"]

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    @property
    def cpu_s(self) -> float:
        """CPU seconds that it took so far."""
        return read_cpu_s(self._process.pid) or 0.0

    @property
    def memory_bytes(self) -> int:
        """In memory now; 0 where it died."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def take_complaints(self) -> list[str]:
        """What it wrote since the last time of what nobody foresaw: a line each, the end of it in its place."""
        with self._log.open("rb") as file:
            file.seek(self._read_to)
            said = file.read()
        self._read_to += len(said)
        text = said.decode(errors="replace")
        if not any(word in text for word in _COMPLAINTS):
            return []
        lines = [line for line in text.splitlines() if line.strip()]
        places = [at for at, line in enumerate(lines) if any(word in line for word in _COMPLAINTS)]
        told = [" | ".join(lines[at : at + 1] + _find_end(lines[at + 1 :])) for at in places]
        return [one for one in told if not _is_strangers(one)][:5]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _is_strangers(told: str) -> bool:
    """What aiohttp writes of requests that are none, and of connections that are cut."""
    return told.startswith("Traceback") and ("| aiohttp." in told or "| ConnectionResetError" in told)


def _find_end(lines: list[str]) -> list[str]:
    """The place and the exception that a traceback ends with."""
    for at, line in enumerate(lines[:200]):
        if not line.startswith((" ", "Traceback", "\t")):
            return [lines[max(at - 2, 0)].strip(), line]
    return lines[-1:]
