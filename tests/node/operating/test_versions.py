"""Which program this is: told cheaply, and nothing told that is not known."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from node.cli.main import main
from node.operating import versions
from node.operating.versions import find_commit, find_version


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"folkmoot {version('folkmoot')}\n"


def test_with_verbose_it_says_what_it_runs_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version", "--verbose"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"folkmoot {version('folkmoot')}"
    assert f"torch {version('torch')}" in lines
    assert any(line.startswith("CPython 3.") for line in lines)


def test_what_is_not_installed_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(versions, "version", lack)
    assert find_version() == "that is not installed as a package"
    assert "numba not installed" in list(versions.describe_versions())


def test_the_commit_is_the_checkouts_own_and_says_what_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    file = tmp_path / "node" / "operating" / "versions.py"
    file.parent.mkdir(parents=True)
    file.write_text("one\n")
    monkeypatch.setattr(versions, "__file__", str(file))
    assert find_commit() is None, "there is no checkout"
    git("init", "--quiet")
    assert find_commit() is None, "there is no commit"
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    git("tag", "v9")
    assert find_commit() == git("rev-parse", "HEAD")[:12]
    file.write_text("two\n")
    assert find_commit() == f"{git('rev-parse', 'HEAD')[:12]} (with changes)"
    monkeypatch.setenv("PATH", "")
    assert find_commit() is None, "there is no git"


def test_a_log_begins_with_the_version(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    assert main(["--log", "info", "keys", "show", str(tmp_path / "none.json")]) == 3
    first = caplog.records[0].getMessage()
    assert first.startswith("begun command=keys pid=")
    assert first.endswith(f" version={version('folkmoot')}")
