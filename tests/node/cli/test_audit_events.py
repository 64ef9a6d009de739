"""`folkmoot audit --json-lines`: what a machine that reads along is told."""

import json
from pathlib import Path

import pytest

from ledger.audit.findings import Report
from node.cli import audit
from node.cli.audit_events import ProgressEvents
from node.cli.main import main
from tests.support.saved_bundle import make_circle, save_bundle


def test_of_a_bundle_it_says_how_far_it_is_and_then_what_json_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "circle.car"
    save_bundle(path, make_circle())
    assert main(["audit", str(path), "--json"]) == 1
    whole = json.loads(capsys.readouterr().out)
    assert main(["audit", str(path), "--json-lines", "--jobs", "1"]) == 1
    out, err = capsys.readouterr()
    *progress, last = map(json.loads, out.splitlines())
    assert progress[-1] == {"progress": {"done": 3, "total": 3}}
    assert last == {"report": whole}
    assert err == ""
    assert whole["headline"].startswith("not clean: seat 4")


def test_while_it_follows_each_report_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = iter((1, 2, 3))
    monkeypatch.setattr(audit, "_audit", lambda *_: Report(1, "0x", next(heads)))
    settled = iter((True, True, False))
    settlements = type("Settlements", (), {"wait": lambda _: next(settled)})()
    monkeypatch.setattr(audit, "make_settlements", lambda *_: settlements)
    assert main(["audit", "--contract", "0x" + "11" * 20, "--follow", "--json-lines"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["report"]["head"] for one in told if "report" in one] == [1, 2, 3]
    assert sum("waiting for the next round" in one["note"] for one in told if "note" in one) == 3


@pytest.mark.parametrize("other", [["--json"], ["--statement"]])
def test_it_takes_the_place_of_other_forms(other: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--contract", "0x" + "11" * 20, "--json-lines", *other]) == 2
    assert "--json-lines" in capsys.readouterr().err


def test_many_rounds_in_no_time_are_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    tell = ProgressEvents(lambda: now)
    for done in range(1, 101):
        now += 0.01
        tell(done, 100)
    told = [json.loads(line)["progress"]["done"] for line in capsys.readouterr().out.splitlines()]
    assert told == [1, 51, 100]
