"""`folkmoot status --watch` in a real terminal and through a pipe, while its chain goes away and comes back."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from node.cli.main import main
from tests.support.network.local_run import WarmNetwork
from tests.support.seat_commands import Scene

_PATIENCE_S = 60.0


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with WarmNetwork(tmp_path / "run") as network:
        rpc = network.start_chain()
        deploy = ["deploy", "--rpc", rpc, "--out", str(network.circle_file), "--task", "digits", "--peers", "3"]
        assert main([*deploy, "--degree", "2", "--bond", "1"]) == 0
        made = Scene(network)
        made.add_keys("first", "second")
        made.join("first", "first")
        yield made


class Terminal:
    """`folkmoot status --watch` in a terminal of a size."""

    def __init__(self, scene: Scene, columns: int) -> None:
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            os.environ["TERM"] = "xterm"
            command = scene.command("status --watch 0.5")
            os.execv(sys.executable, [sys.executable, "-m", "node.cli.main", *command])
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Until the terminal was sent this."""
        until = time.monotonic() + _PATIENCE_S
        while text not in self.seen:
            assert time.monotonic() < until, self.seen
            if select.select([self._master], [], [], 0.2)[0]:
                self.seen += os.read(self._master, 1 << 16).decode(errors="replace")

    def interrupt(self) -> int:
        """Ctrl-C. Returns the exit status."""
        os.write(self._master, b"\x03")
        self.wait_for("\x1b[?25h")
        _, status = os.waitpid(self._pid, 0)
        os.close(self._master)
        return os.waitstatus_to_exitcode(status)


def _read_until(event: str, stream: IO[str], lines: list[str]) -> None:
    """Append what is told, until this event is."""
    while json.loads(lines[-1])["event"] != event:
        lines.append(stream.readline())


def test_a_terminal_shows_what_changes_and_survives_a_chain_that_is_away(scene: Scene) -> None:
    place = "wss://127.0.0.1:1 http://127.0.0.1:1 name="
    piped = subprocess.Popen(  # as a pipe, beside the terminal
        [sys.executable, "-m", "node.cli.main", *scene.command("status --watch 0.5 --json")],
        stdout=subprocess.PIPE,
        text=True,
    )
    terminal = Terminal(scene, 80)
    assert piped.stdout is not None
    lines = [piped.stdout.readline()]
    terminal.wait_for("0.500")
    scene.call("first", "move", f"{place}Klinik%20Nord")
    lines.append(piped.stdout.readline())
    terminal.wait_for('"Klinik Nord"')
    scene.call("first", "move", f"{place}%1B%5B31m%E2%80%AEseat%203")
    scene.join("second", "second")
    terminal.wait_for("│ 1    │")
    while len(json.loads(lines[-1])["seats"]) < 2:
        lines.append(piped.stdout.readline())
    assert "\x1b[31m" not in terminal.seen
    assert "\u202e" not in terminal.seen

    network = scene.network
    port = int(network.rpc.rpartition(":")[2])
    assert network.chain is not None
    network.chain.send_signal(signal.SIGTERM)
    network.chain.wait()
    terminal.wait_for("the chain cannot be read, and is tried again")
    _read_until("away", piped.stdout, lines)
    (network.folder / "chain.out").unlink()
    network.start_chain(port)
    terminal.seen = ""
    terminal.wait_for("as of block")
    assert terminal.interrupt() == 130

    _read_until("back", piped.stdout, lines)
    piped.send_signal(signal.SIGINT)
    said, _ = piped.communicate(timeout=_PATIENCE_S)
    assert piped.returncode == 130
    events = [json.loads(line) for line in [*lines, *said.splitlines()]]
    assert [event["event"] for event in events][-2:] == ["away", "back"], events
    names = [event["seats"][0]["name"] for event in events if event["event"] == "status"]
    assert names[:2] == [None, "Klinik Nord"]
    assert names[-1] is None
