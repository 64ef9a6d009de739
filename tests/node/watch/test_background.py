"""A command of this program behind the page: heard a line at a time, of low priority, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from node.watch import background
from node.watch.background import BackgroundCommand, Command, Ending

WAIT_S = 60.0


class Heard:
    """What a command said, and how it ended."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.ending: Ending | None = None
        self.has_ended = threading.Event()
        self.has_spoken = threading.Event()

    def tell(self, line: bytes) -> None:
        self.lines.append(line)
        self.has_spoken.set()

    def end(self, ending: Ending) -> None:
        self.ending = ending
        self.has_ended.set()


@pytest.fixture(name="script")
def _script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are Python's own, so that a test says what they do."""
    monkeypatch.setattr(background, "_spell", lambda arguments: [sys.executable, "-c", *arguments])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while is_alive(pid):
        assert time.monotonic() < deadline
        os.sched_yield()


@pytest.mark.usefixtures("script")
def test_lines_are_heard_as_they_come_and_then_how_it_ended() -> None:
    heard = Heard()
    BackgroundCommand(
        Command(("print('one'); print('two'); raise SystemExit('folkmoot: it is over')",)), heard.tell, heard.end
    )
    assert heard.has_ended.wait(WAIT_S)
    assert heard.lines == [b"one\n", b"two\n"]
    assert heard.ending == Ending(1, "it is over")


@pytest.mark.usefixtures("script")
def test_it_has_the_lowest_priority_and_its_endpoints_in_its_environment_alone() -> None:
    heard = Heard()
    # It waits to be given its priority, which it has once it is lower than that of this process.
    text = "import os\nwhile os.nice(0) < 19: pass\nprint(os.nice(0), os.environ['FOLKMOOT_RPC'])"
    running = BackgroundCommand(Command((text,), {"FOLKMOOT_RPC": "http://secret@h"}), heard.tell, heard.end)
    assert heard.has_ended.wait(WAIT_S)
    assert heard.lines == [b"19 http://secret@h\n"]
    running.close()


@pytest.mark.usefixtures("script")
def test_closing_ends_it_and_nothing_is_told_any_more() -> None:
    heard = Heard()
    running = BackgroundCommand(
        Command(("import time; print(1, flush=True); time.sleep(600)",)), heard.tell, heard.end
    )
    assert heard.has_spoken.wait(WAIT_S)
    running.close()
    running.close()
    assert not is_alive(running.pid)
    assert heard.ending is None


@pytest.mark.usefixtures("script")
def test_a_line_that_never_ends_ends_the_command() -> None:
    heard = Heard()
    text = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    BackgroundCommand(Command((text,)), heard.tell, heard.end, line_max_bytes=1 << 20)
    assert heard.has_ended.wait(WAIT_S)
    assert heard.lines == []
    assert heard.ending == Ending(-signal.SIGKILL, "it said more than can be shown")


def test_a_command_does_not_outlive_a_page_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves nobody time to end anything."""
    pid_file = tmp_path / "pid"
    text = f"""
import sys, time
from pathlib import Path
from node.watch import background
from node.watch.background import BackgroundCommand, Command
child = "from node.operating.lifeline import *; end_with_parent(); print(1, flush=True); time.sleep(600)"
background._spell = lambda arguments: [sys.executable, "-c", *arguments]
def tell(line):
    Path({str(pid_file)!r} + ".new").write_text(str(running.pid))
    Path({str(pid_file)!r} + ".new").rename({str(pid_file)!r})
running = BackgroundCommand(Command((child,)), tell, print)
time.sleep(600)
"""
    page = subprocess.Popen([sys.executable, "-c", text])
    deadline = time.monotonic() + WAIT_S
    while not pid_file.exists():
        assert time.monotonic() < deadline
        assert page.poll() is None
        os.sched_yield()
    page.kill()
    page.wait()
    wait_gone(int(pid_file.read_text()))
