"""What a process started ends with it, whatever ends it; its end is seen by the end of what it could write to."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from node.demo.launcher import LocalNetwork
from node.operating.lifeline import end_with_parent

# Says its name and waits for ever.
CHILD = """
import signal
from node.operating.lifeline import end_with_parent
end_with_parent()
print("child", flush=True)
while True:
    signal.pause()
"""
# Starts such a child, which inherits its stdout, and waits.
PARENT = f"""
import os, signal, subprocess, sys
from node.operating.lifeline import Lifeline, ended_in_order
line = Lifeline()
options = dict(pass_fds=line.inherited, env={{**os.environ, **line.environment}})
with ended_in_order():
    child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], **options)
    try:
        while True:
            signal.pause()
    finally:
        print("in order", flush=True)
"""


def start(program: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_child_ends_with_its_parent_however_that_ends(ending: signal.Signals) -> None:
    with start(PARENT) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "child\n"
        parent.send_signal(ending)
        rest = parent.stdout.read()  # comes to an end when nobody can write any more
    assert rest == ("" if ending == signal.SIGKILL else "in order\n")
    assert parent.returncode == (-ending if ending == signal.SIGKILL else 128 + ending)


def test_who_ignores_hangups_goes_on_ignoring_them() -> None:
    program = """
    import os, signal
    from node.operating.lifeline import ended_in_order
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ended_in_order():
        os.kill(os.getpid(), signal.SIGHUP)
        print("goes on", flush=True)
    """
    with start(program) as process:
        assert process.communicate(timeout=60)[0] == "goes on\n"
    assert process.returncode == 0


@pytest.mark.parametrize("named", ["", "nonsense", "999999", str(sys.__stdin__.fileno() if sys.__stdin__ else 0)])
def test_without_a_lifeline_nothing_happens(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("FOLKMOOT_LIFELINE", named)
    end_with_parent()
    assert "FOLKMOOT_LIFELINE" not in os.environ


def test_a_networks_processes_hang_on_its_lifeline_and_its_files_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with LocalNetwork(tmp_path / "run") as network:
            network.start_chain()
            assert network.chain is not None
            chain = network.chain
            network.add_key(network.folder / "key.json")
            network.lifeline.close()
            assert chain.wait(60) == 0, "it ends in order when its parent is gone"
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "run").iterdir()}
    assert modes == {
        "chain": 0o700, "chain.out": 0o600, "chain.log": 0o600, "key.json": 0o600, "password": 0o600
    }  # fmt: skip
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
