"""`folkmoot simulate` as a user meets it."""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from node.cli.bench_options import PARTITION_HELP, TOPOLOGY_HELP
from node.cli.main import main
from node.cli.scenarios import make_scenarios
from node.cli.simulate import add_parser
from node.partitions import PARTITIONS
from node.simulator import Scenario
from node.topologies import TOPOLOGIES
from tests.support.imports import ROOT

QUICK = ["simulate", "--task", "digits", "--peers", "6", "--rounds", "2", "--degree", "3", "--samples", "30"]

FILES = {"rounds.csv", "runs.csv", "means.csv", "rounds.png", "summary.json", "table.md"}


def test_it_prints_a_markdown_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--attack", "alie", "--malicious", "0.2", "--compare", "balance, tether,none"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| rule | mean error | worst error |")
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| balance", "| tether", "| none"]


def test_it_writes_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "runs" / "one"
    assert main([*QUICK, "--out", str(folder), "--late", "2:2", "--churn", "0.1"]) == 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert (folder / "table.md").read_text() == capsys.readouterr().out


def test_seeds_rules_and_baselines_make_one_table_with_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "--seeds",
        "0-1",
        "--compare",
        "none,tether",
        "--baseline",
        "fedavg,central,alone",
        "--grid",
        "skew=0.2,0.9",
    ]
    assert main([*QUICK, *asked]) == 0
    head, _, *lines, blank, note = capsys.readouterr().out.splitlines()
    assert head.startswith("| rule | skew | n | mean error |")
    assert [line.split(" | ")[:3] for line in lines] == [
        [f"| {rule}", skew, "2"]
        for skew in ("0.2", "0.9")
        for rule in ("none", "tether", "fedavg", "central", "alone")
    ]
    assert all(" ± " in line for line in lines)
    assert (blank, note[:9]) == ("", "± is half")


def test_the_command_simulates_by_default_what_a_scenario_is_by_default() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    assert make_scenarios(parser.parse_args(["simulate"])) == [Scenario()]


def run_here(folder: Path, *options: str) -> dict[str, bytes]:
    """The files of a run, by name."""
    assert main([*QUICK, "--out", str(folder), "--parquet", *options]) == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run_apart(folder: Path, *options: str) -> dict[str, bytes]:
    """The same in a process of its own, whose hashes are other ones."""
    command = [sys.executable, "-m", "node.cli.main", *QUICK, "--out", str(folder), "--parquet", *options]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=ROOT, env=environment)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


OWN = """
from node.attacks.collusive import Alie
from node.partitions.by_label import Dirichlet
from node.topologies.regular import Ring
from ledger.rules.median import Median

class Push(Alie): ...
class Deal(Dirichlet): ...
class Round(Ring): ...
class Middle(Median): ...
"""


def test_equal_seeds_give_equal_bytes_in_every_file_of_own_classes_and_in_processes_too(tmp_path: Path) -> None:
    (own := tmp_path / "own.py").write_text(OWN)
    kinds = {"attack": "Push", "partition": "Deal", "topology": "Round", "rule": "Middle"}
    mine = [word for option, kind in kinds.items() for word in (f"--{option}", f"{own}:{kind}")]
    asked = [*mine, "--malicious", "0.2", "--churn", "0.1", "--seeds", "0,1", "--baseline", "fedavg"]
    files = run_here(tmp_path / "one", *asked)
    again = run_apart(tmp_path / "two", *asked, "--jobs", "2")
    assert set(files) == FILES | {"rounds.parquet"}
    assert [name for name in files if files[name] != again[name]] == []
    other = run_here(tmp_path / "three", *asked, "--seeds", "0,2")
    assert [name for name in files if files[name] == other[name]] == []


def test_a_tracker_is_told_each_run_round_by_round(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    place = ["--track", f"tensorboard:{tmp_path}"]
    assert main([*QUICK, "--compare", "none,tether", "--baseline", "alone", "--seeds", "0,3", *place]) == 0
    names = {f"{rule}_seed_{seed}" for rule in ("none", "tether", "alone") for seed in (0, 3)}
    assert {path.name for path in tmp_path.iterdir()} == names
    for name in names:
        found = EventAccumulator(str(tmp_path / name))
        found.Reload()
        assert [one.step for one in found.Scalars("error/mean")] == [1, 2]


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
    found = json.loads(capsys.readouterr().out)["simulations"][0]
    assert found["scenario"]["privacy"]["epsilon"] == 8
    assert 7.9 < found["epsilon_spent"]["5"] <= 8


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--engine", "dask"], "engine 'dask'"),
        (["--topology", "rink"], "no topology is called 'rink': choose random-regular"),
        (["--partition", "dirichlet", "--partition-parameter", "alpha=x"], "alpha=x' is not NAME=NUMBER"),
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
        (["--seeds", "0-"], "--seeds '0-'"),
        (["--grid", "seed=1"], "--grid 'seed=1'"),
        (["--grid", "skew"], "skew no values"),
        (["--grid", "skew=x"], "--grid 'skew=x': give numbers with commas between, as skew=0.2,0.9"),
        (["--grid", "peers=4,x"], "--grid 'peers=4,x': give whole numbers with commas between, as peers=4,10"),
        (["--grid", "skew=0.2", "--grid", "skew=0.9"], "names skew twice"),
        (["--grid", "rule=none", "--compare", "none,tether"], "--compare"),
        (["--grid", "attack-parameter.magic=1", "--attack", "alie"], "no parameter 'magic'"),
        (["--privacy", "epsilon=8", "--grid", "rounds=2,3"], "leave them out of the grid"),
        (["--privacy", "epsilon=8", "--baseline", "central"], "nothing is private"),
        (["--baseline", "magic"], "baseline 'magic'"),
        (["--track", "excel:file"], "--track 'excel:file'"),
        (["--jobs", "0"], "0 jobs"),
        (["--jobs", "2", "--engine", "ray"], "--engine local"),
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


def test_a_topology_that_no_circle_has_is_said_to_be_the_simulators_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        main([*QUICK, "--topology", "ring", "--partition", "dirichlet", "--partition-parameter", "alpha=0.1"]) == 0
    )
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "caution  topology ring is the simulator's alone: a circle's contract draws its own"


def test_help_lists_every_partition_and_topology() -> None:
    for known, text in ((PARTITIONS, PARTITION_HELP), (TOPOLOGIES, TOPOLOGY_HELP)):
        listed = [name.partition(" (")[0] for name in re.split(r", (?![^(]*\))|; ", text)]
        assert set(known) <= set(listed)
