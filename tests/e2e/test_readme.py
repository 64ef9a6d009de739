"""The README's commands, run as they stand there."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shell import WAIT_S, run_to_its_end

README = Path(__file__).parents[2] / "README.md"
SECTION = "By hand, in four terminals"
# Goes on with the circle of the former.
NEXT = "Taking the model out"
SERVING = ("folkmoot chain", "folkmoot node")


def commands_of(section: str) -> list[str]:
    """The lines after `$ ` in a section's console blocks, in order; a line that ends in a backslash goes on."""
    text = README.read_text()
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the README has no section {section!r}"
    blocks = re.findall(r"^```console\n(.*?)^```", found[1], re.MULTILINE | re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


@contextlib.contextmanager
def background(command: str, folder: Path, environment: dict[str, str], log: Path) -> Iterator[None]:
    """One long-running command of a terminal; ended as Ctrl-C would."""
    with log.open("w") as out:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_readmes_commands_by_hand_do_what_it_says(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 8545))
        except OSError:
            pytest.fail("port 8545, which the README's commands use, is taken on this machine: stop what has it")
    scripts = Path(sys.executable).parent
    assert shutil.which("folkmoot", path=str(scripts)), "folkmoot is not installed beside this Python"
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    commands = commands_of(SECTION) + commands_of(NEXT)
    assert sum(command.startswith("folkmoot node") for command in commands) >= 2
    assert any(command.startswith("folkmoot audit") for command in commands)
    assert any(command.startswith("folkmoot model verify") for command in commands)
    with contextlib.ExitStack() as terminals:
        for number, command in enumerate(commands):
            log = tmp_path / f"terminal-{number}.log"
            if command.startswith(SERVING):
                terminals.enter_context(background(command.rstrip("& "), tmp_path, environment, log))
                if command.startswith("folkmoot chain"):
                    wait_for_chain(log)
            else:
                run_to_its_end(command, tmp_path, environment)


def wait_for_chain(log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while "chain" not in log.read_text():
        assert time.monotonic() < deadline, f"the chain does not start: {log.read_text()}"
        time.sleep(0.1)
