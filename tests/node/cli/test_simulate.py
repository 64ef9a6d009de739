"""`folkmoot simulate` as a user meets it."""

import json
from pathlib import Path

import pytest

from node.cli.main import main

QUICK = ["simulate", "--task", "digits", "--peers", "6", "--rounds", "2", "--degree", "3", "--samples", "30"]


def test_it_prints_a_markdown_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--attack", "alie", "--malicious", "0.2", "--compare", "balance, tether,none"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| rule | mean error | worst error |")
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| balance", "| tether", "| none"]


def test_it_writes_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "runs" / "one"
    assert main([*QUICK, "--out", str(folder), "--late", "2:2", "--churn", "0.1"]) == 0
    assert {path.name for path in folder.iterdir()} == {"rounds.csv", "rounds.png", "summary.json", "table.md"}
    assert (folder / "table.md").read_text() == capsys.readouterr().out


def test_json_is_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--json", "--malicious", "seats:1,4", "--attack", "ipm"]) == 0
    found = json.loads(capsys.readouterr().out)["simulations"][0]
    assert set(found["summary"]["out_after"]) == {"1", "4"}
    assert found["scenario"]["malicious"] == [1, 4]


def test_a_larger_sent_share_costs_more_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = []
    for share in ("0.03", "0.1"):
        assert main([*QUICK, "--codec", "delta", "--sent-share", share, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["simulations"][0]
        assert found["scenario"]["sent_share"] == float(share)
        sizes.append(found["summary"]["bytes_per_update"])
    assert sizes[0] < sizes[1]


def test_with_privacy_terms_it_says_what_peers_spend(capsys: pytest.CaptureFixture[str]) -> None:
    private = [*QUICK, "--privacy", "epsilon=8"]
    assert main(private) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("privacy  ε 7.9")
    assert last.endswith("of 8 spent by seats 0 to 5; simulated noise")
    assert main([*private, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["simulations"][0]["scenario"]["privacy"]["epsilon"] == 8
    assert 7.9 < found["epsilon_spent"]["5"] <= 8


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--engine", "dask"], "engine 'dask'"),
        (["--privacy", "epsilon=8", "--compare", "tether,ubar"], "cannot have rule ubar"),
        (["--privacy", "epsilon=8", "--codec", "delta"], "cannot have codec delta"),
        (["--privacy", "sigma=1"], "need a budget"),
        (["--malicious", "some"], "--malicious 'some'"),
        (["--malicious", "seats:x"], "--malicious 'seats:x'"),
        (["--late", "7"], "--late '7'"),
        (["--option", "learning_rate"], "--option 'learning_rate' is not NAME=VALUE"),
        (["--option", "patience=1"], "no option 'patience'"),
        (["--compare", "balance,magic"], "rule 'magic'"),
        (["--compare", "balance,none", "--rule-parameter", "gamma_milli=1"], "--rule-parameter"),
        (["--test-examples", "few"], "--test-examples 'few'"),
        (["--parquet"], "--out FOLDER"),
        (["--attack", "magic"], "no attack is called 'magic'"),
        (["--codec", "magic"], "codec 'magic'"),
        (["--sent-share", "0.1"], "for codec 'delta' alone, not for 'int8-zstd': leave it out"),
        (["--codec", "delta", "--sent-share", "0"], "sent share is 0: give a number above 0"),
        (["--codec", "delta", "--sent-share", "1.5"], "sent share is 1.5: give a number above 0"),
        (["--codec", "delta", "--sent-share", "nan"], "sent share is nan: give a number above 0"),
    ],
)
def test_a_usage_error_is_one_sentence(options: list[str], fact: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, *options]) == 2
    said = capsys.readouterr().err
    assert fact in said
    assert len(said.splitlines()) == 1
