"""A tracker's trouble is its own."""

import logging
import os
import time
from pathlib import Path

import pytest

from node.tracking.destination import Destination
from node.tracking.tracker import Tracker

NOWHERE = Destination("tensorboard", "/nowhere")


def writer(program: str) -> tuple[str, ...]:
    """What Python runs in place of the real one."""
    return "-c", program


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_is_told_arrives_a_line_a_message_and_without_what_is_no_number(tmp_path: Path) -> None:
    file = tmp_path / "told"
    program = f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read())"
    with Tracker(NOWHERE, writer=writer(program), end_patience_s=60) as tracker:
        tracker.start_run("one\n\x1b[2J <two>", {"rule": "tether", "skew": 0.2})
        tracker.log(1, {"accuracy": 0.5, "loss": float("nan"), "gone": None, "a*b": 1})
        tracker.log(2, {"loss": float("inf")})
    lines = file.read_text().splitlines()
    assert lines[0] == '{"kind": "tensorboard", "place": "/nowhere"}'
    assert lines[2:] == ['{"step": 1, "figures": {"accuracy": 0.5, "a_b": 1.0}}']
    assert '"settings": {"rule": "tether", "skew": "0.2"}' in lines[1]
    assert "\\u001b" not in lines[1]
    assert "<" not in lines[1]


def test_one_that_fails_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    program = "import sys; sys.stdin.readline(); print('Broken: no\\x1b[2J room', flush=True); sys.exit(1)"
    with Tracker(NOWHERE, writer=writer(program), end_patience_s=60) as tracker:
        assert tracker._process is not None
        tracker._process.wait(60)
        for step in range(5):
            tracker.log(step, {"accuracy": 0.5})
    (line,) = told(caplog)
    assert line.startswith(
        "tracking given up, its figures are lost from here on tracker=tensorboard reason=Broken: no"
    )
    assert "\x1b" not in line


def test_one_that_fails_at_its_end_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    program = "import sys; sys.stdin.read(); print('Broken: late'); sys.exit(1)"
    with Tracker(NOWHERE, writer=writer(program), end_patience_s=60) as tracker:
        tracker.log(1, {"accuracy": 0.5})
    (line,) = told(caplog)
    assert line.endswith("reason=Broken: late")


def test_one_that_hangs_holds_up_nobody_and_is_gone_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It reads nothing, and has started a process that would outlive it."""
    file = tmp_path / "child"
    program = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(file)!r}, 'w').write(str(child.pid)); print('up', flush=True); time.sleep(600)"
    )
    tracker = Tracker(NOWHERE, writer=writer(program), end_patience_s=0.1)
    process = tracker._process
    assert process is not None
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), True)
    assert process.stdout.readline() == b"up\n"
    figures = {f"figure {number}": 0.5 for number in range(200)}
    for step in range(1000):
        tracker.log(step, figures)
    assert told(caplog) == [
        "tracking given up, its figures are lost from here on tracker=tensorboard reason=it does not keep up"
    ]
    tracker.close()
    assert process.poll() is not None
    wait_until_gone(int(file.read_text()))
    assert len(told(caplog)) == 1


def wait_until_gone(pid: int) -> None:
    """A killed process is gone, or a zombie of whoever inherits it."""
    until = time.monotonic() + 60
    while Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until
        os.sched_yield()


def test_a_program_that_cannot_be_started_is_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with Tracker(NOWHERE) as tracker:
        tracker.log(1, {"accuracy": 0.5})
    assert len(told(caplog)) == 1


def test_no_secret_of_the_environment_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLKMOOT_PASSWORD", "hush")
    file = tmp_path / "told"
    program = f"import os, sys; sys.stdin.read(); open({str(file)!r}, 'w').write(str(dict(os.environ)))"
    with Tracker(NOWHERE, writer=writer(program), end_patience_s=60):
        pass
    assert "PATH" in file.read_text()
    assert "hush" not in file.read_text()
