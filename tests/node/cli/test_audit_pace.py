"""What `folkmoot audit` says while it works."""

import argparse
import io
import sys
from pathlib import Path

import pytest

from ledger.errors import UsageError
from node.cli.audit_pace import ProgressLines, TimeLeft, add_pace, parse_cache, parse_jobs, show_progress


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_follows_from_the_rounds_after_the_first() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    clock.now += 1000
    assert left.describe(1, 101) == "1 of 101 rounds"
    clock.now += 2
    assert left.describe(2, 101) == "2 of 101 rounds, about 3 minutes left"
    clock.now += 1
    assert left.describe(3, 5) == "3 of 5 rounds, about 3 seconds left"
    assert left.describe(5, 5) == "5 of 5 rounds"
    clock.now += 10**5
    assert left.describe(6, 9).endswith("hours left")


def test_a_line_is_said_now_and_then_and_nothing_of_a_short_audit() -> None:
    clock, said = Clock(), list[str]()
    lines = ProgressLines(said.append, clock, every_s=10.0)
    for done in range(1, 12):
        lines(done, 50)
        clock.now += 1
    assert said == ["audit: 11 of 50 rounds, about 39 seconds left"]
    clock.now += 60
    lines(50, 50)
    assert len(said) == 1


def test_where_stderr_is_no_terminal_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with show_progress() as show:
        assert isinstance(show, ProgressLines)


def test_a_number_of_processes_is_above_0() -> None:
    parser = argparse.ArgumentParser()
    add_pace(parser)
    assert parse_jobs(parser.parse_args(["--jobs", "3"])) == 3
    assert parse_jobs(parser.parse_args([])) is None
    with pytest.raises(UsageError, match="--jobs 0 is not above 0"):
        parse_jobs(parser.parse_args(["--jobs", "0"]))


def options(*arguments: str, **others: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_pace(parser)
    about = {"sample": None, "bundle": None, "save": None} | others
    return argparse.Namespace(**(vars(parser.parse_args(arguments)) | about))


def test_a_folder_remembers_whole_audits_of_a_network_alone(tmp_path: Path) -> None:
    folder, file = tmp_path / "cache", tmp_path / "file"
    file.touch()
    assert parse_cache(options("--cache", str(folder))) == folder
    assert parse_cache(options()) is None
    for wrong in (
        options("--cache", str(file)),
        *(options("--cache", str(folder), **{name: 1}) for name in ("sample", "bundle", "save")),
    ):
        with pytest.raises(UsageError, match="--cache"):
            parse_cache(wrong)
