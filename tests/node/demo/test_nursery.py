"""What a nursery forks is a process like any other: its own files, folder, environment, signals and end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.demo.nursery import ForkedProcess, Nursery, open_nursery
from node.demo.nursery_server import PROGRAM

# Started as a module; says where it is, and goes on as it is told.
_SAYS = """
import os, signal, sys
print(os.getcwd(), os.environ.get("MARK"), *sys.argv[1:], "json" in sys.modules, flush=True)
print("to stderr", file=sys.stderr)
if "wait" in sys.argv:
    signal.pause()
sys.exit(7)
"""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "made").mkdir()
    (folder / "made" / "says.py").write_text(_SAYS)
    (folder / "made" / "__init__.py").write_text("")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([before] if before else [])])
    opened = Nursery(("json",))
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before
    yield opened
    opened.close()


def start(nursery: Nursery, folder: Path, *arguments: str) -> ForkedProcess:
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        return nursery.start(
            ["made.says", *arguments], stdout=out, stderr=err, env={**os.environ, "MARK": "seen"}, cwd=folder
        )


def test_a_fork_has_the_files_folder_environment_and_status_that_were_asked_for(
    nursery: Nursery, tmp_path: Path
) -> None:
    process = start(nursery, tmp_path, "one", "two")
    assert process.wait(60) == 7
    assert (tmp_path / "out").read_text() == f"{tmp_path} seen one two True\n"
    assert (tmp_path / "err").read_text() == "to stderr\n"
    assert process.pid != nursery.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_and_is_its_status(nursery: Nursery, tmp_path: Path, number: signal.Signals) -> None:
    process = start(nursery, tmp_path, "wait")
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.send_signal(number)
    assert process.wait(60) == -number
    process.kill()  # of what has ended: nothing


def test_the_program_runs_as_in_a_process_of_its_own(nursery: Nursery) -> None:
    forked = nursery.run([PROGRAM, "--version"], env=os.environ)
    command = [sys.executable, "-m", "node.cli.main", "--version"]
    alone = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (forked.returncode, forked.stdout, forked.stderr) == (0, alone.stdout, "")
    wrong = nursery.run([PROGRAM, "no-such-command"], env=os.environ)
    assert wrong.returncode == 2
    assert "no-such-command" in wrong.stderr


def test_a_nursery_that_was_killed_is_said_and_what_it_forked_counts_as_ended(tmp_path: Path) -> None:
    opened = Nursery(("json",))
    with (tmp_path / "out").open("wb") as out:
        running = opened.start([PROGRAM, "chain", "--port", "0"], stdout=out, stderr=out, env=os.environ)
        os.kill(opened.pid, signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        os.kill(running.pid, signal.SIGKILL)
        with pytest.raises(ChildProcessError, match="is gone, status -9"):
            opened.start([PROGRAM, "--version"], stdout=out, stderr=out, env=os.environ)
    opened.close()


def test_elsewhere_than_on_linux_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with open_nursery() as nursery:
        assert nursery is None
