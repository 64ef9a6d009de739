"""A page of the docs, walked: its files written, its commands run, and what it quotes of their words looked for.

In a page, a block of code whose line before is "`NAME`:" is a file. In blocks marked `console`, `$ ` begins a
command, and what follows is quoted of what it prints: lines in order, where `…` stands for anything, alone for any
lines. Commands that serve run on until `^C` stands in the page, or its end; a page waits for what it quotes of
them. `cd` alone changes the folder.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from tests.support.shell import WAIT_S
from tests.support.warm_program import WarmProgram

_BLOCK: Final = re.compile(
    r"(?:^`(?P<file>[\w./-]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)
_SERVING: Final = re.compile(r"folkmoot (chain|node|watch|status .*--watch)\b|[\w./-]*\bstart\b")
_POLL_S: Final = 0.05


@dataclass(frozen=True)
class Step:
    """One command, or the end of one that serves (`^C`)."""

    command: str
    """As it is typed."""
    quoted: tuple[str, ...] = ()
    """Of what it prints."""


@dataclass(frozen=True)
class File:
    """What a reader is to write into a file."""

    name: str
    """Seen from where the walk began."""
    text: str
    """Whole."""


def read_page(path: Path) -> list[Step | File]:
    """Files and commands in the order of the page."""
    found: list[Step | File] = []
    for block in _BLOCK.finditer(path.read_text()):
        if block["file"]:
            found.append(File(block["file"], block["text"]))
        elif block["kind"] == "console":
            found += _read_console(block["text"])
    return found


def _read_console(text: str) -> list[Step]:
    steps: list[Step] = []
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif line == "^C":
            steps.append(Step(line))
        else:
            assert steps, f"{line!r} is quoted of no command"
            steps[-1] = Step(steps[-1].command, (*steps[-1].quoted, line))
    return steps


@dataclass
class _Serving:
    process: subprocess.Popen[bytes]
    log: Path

    def end(self) -> None:
        """As Ctrl-C would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Walk:
    """Somebody at a terminal, who follows pages."""

    folder: Path
    """Where it began; logs lie beside it."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """How commands end that are not to end well: beginning → exit status."""
    _here: Path = field(init=False)
    _program: WarmProgram = field(init=False, default_factory=WarmProgram)
    _serving: list[_Serving] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._here = self.folder

    def __enter__(self) -> "Walk":
        self._program.open()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for serving in reversed(self._serving):
            serving.end()
        self._program.close()

    def follow(self, steps: Sequence[Step | File]) -> None:
        """One after the other. Raises AssertionError at the first that does not go as the page says."""
        for step in steps:
            if isinstance(step, File):
                (self.folder / step.name).write_text(step.text)
            elif step.command == "^C":
                serving = self._serving.pop()
                serving.end()
                check_quoted(step.command, step.quoted, serving.log.read_text())
            elif step.command.startswith("cd "):
                self._here = (self._here / step.command.removeprefix("cd ")).resolve()
            elif _SERVING.match(step.command):
                self._serve(step)
            else:
                self._run(step)

    def _environment(self) -> dict[str, str]:
        folders = [str(self._program.folder), str(Path(sys.executable).parent), os.environ["PATH"]]
        return {**os.environ, "PATH": os.pathsep.join(folders), "OMP_NUM_THREADS": "1", "COLUMNS": "80"}

    def _serve(self, step: Step) -> None:
        log = self.folder.parent / f"{self.folder.name}-terminal-{len(list(self.folder.parent.glob('*.log')))}.log"
        with log.open("wb") as out:
            process = self._start(f"exec {step.command}", out)
        self._serving.append(_Serving(process, log))
        deadline = time.monotonic() + WAIT_S
        while not is_quoted(step.quoted, log.read_text()):
            if process.poll() is not None or time.monotonic() > deadline:
                check_quoted(step.command, step.quoted, log.read_text())
                break
            time.sleep(_POLL_S)

    def _start(self, command: str, out: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self._here,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )

    def _run(self, step: Step) -> None:
        # Not a pipe: what a command leaves running would hold it open.
        with tempfile.TemporaryFile() as out:
            shell = self._start(step.command, out)
            try:
                status = shell.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                shell.kill()
                status = shell.wait()
            out.seek(0)
            said = out.read().decode(errors="replace")
        wanted = next((one for start, one in self.statuses.items() if step.command.startswith(start)), 0)
        logs = "\n".join(f"{one.log.name}: {one.log.read_text()[-600:]}" for one in self._serving)
        assert status == wanted, f"{step.command} ended with {status}\n{said}\n{logs}"
        check_quoted(step.command, step.quoted, said)


def is_quoted(quoted: Sequence[str], said: str) -> bool:
    """Whether all lines are there, in order."""
    return find_unsaid(quoted, said) is None


def find_unsaid(quoted: Sequence[str], said: str) -> str | None:
    """The first line quoted that was not said after those before it."""
    lines = iter(said.splitlines())
    for quote in quoted:
        if quote.strip() in ("", "…"):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in quote.strip().split("…")))
        if not any(pattern.fullmatch(line.strip()) for line in lines):
            return quote
    return None


def check_quoted(command: str, quoted: Sequence[str], said: str) -> None:
    """Raises AssertionError naming what a page quotes and the command did not say."""
    missing = find_unsaid(quoted, said)
    assert missing is None, f"{command}\ndid not say {missing!r}, but\n{said}"
