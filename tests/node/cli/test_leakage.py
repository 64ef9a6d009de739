"""`folkmoot leakage`: what it says, for people and machines, and what it does not take."""

import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.cli.leakage_lines import _describe_exposure, _explain_bound
from node.cli.main import main
from node.leakage.experiment import ExposedExample, Exposure
from node.leakage.figures import EpsilonBound
from tests.support.pages import read_page

SMALL = ["leakage", "--task", "digits", "--samples", "20", "--rounds", "1", "--stand-ins", "8"]


def test_it_tells_figures_with_counts_and_what_they_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--what-if", "epsilon=2"]) == 0
    said = capsys.readouterr().out
    told = " ".join(said.split())
    assert "digits, seat 0 of 8: 20 records and 20 held-out ones" in said
    assert "all of it on this machine, and nothing is sent" in said
    assert said.count("\n  shadows     0.") == said.count("over 8 stand-ins") == 2
    # The narrowest terminal takes each line whole, and what could not be counted says what it takes.
    assert max(map(len, said.splitlines())) <= 80
    for allowed, needed in (("1.0%", "100"), ("0.1%", "1,000")):
        assert f"what is found at {allowed} false alarms: that takes {needed} records that were not trained" in told
    assert "or more would do" in told
    assert "too few trials" not in told
    assert "what the words mean" in said
    assert "epsilon=2: ε 1.9" in said
    assert "no attack at all finds more than 7.4% of the records" in told
    assert "is no proof that nothing leaks" in told


def test_for_machines_every_figure_comes_with_its_trials(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["task"], found["confidence"], len(found["ways"])) == ("digits", 0.99, 1)
    way = found["ways"][0]
    assert way["claimed_epsilon"] is None
    for attack in way["attacks"].values():
        assert attack["area"]["members"] + attack["area"]["others"] == 160
    assert way["bound"]["canaries"] == 64
    assert way["meaning"]
    assert found["others_needed"] == [100, 1000]
    assert [one is None for one in way["attacks"]["loss"]["recognitions"]] == [True, True]
    assert "loss" in found["words"]


def test_the_same_seed_gives_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for _ in range(2):
        assert main([*SMALL, "--json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        (["--stand-ins", "2"], 2, "--stand-ins is 8 to 1000, not 2"),
        (["--rounds", "0"], 2, "--rounds is 1 to 1000, not 0"),
        (["--codec", "zip"], 2, "--codec 'zip' is none of"),
        (["--seat", "8"], 2, "seats count from 0 to 7"),
        (["--samples", "5"], 3, "has 5 examples, and below 10 nothing can be measured"),
        (["--folder", "nowhere"], 2, "there is no folder nowhere: name the one that"),
        (["--task", "nonsense"], 2, "no task is called 'nonsense'"),
        (["--what-if", "epsilon=2,sigma=0.5"], 2, "the budget holds 0 of 1 rounds: leave sigma out"),
        (["--report", "nowhere/leakage.html"], 2, "--report: there is no folder nowhere: make it"),
        (["--report", "."], 2, "--report: . is no file"),
        (["--report", "/dev/null"], 2, "--report: /dev/null is no file"),
        (["--what-if", "epsilon=much"], 2, "--what-if: privacy's epsilon 'much' is no decimal number"),
    ],
)
def test_what_it_cannot_do_is_one_sentence(
    more: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, *more]) == status
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_a_task_of_ones_own_that_cannot_train_privately_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Mine:\n"
        "    def model(self):\n"
        "        return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))\n"
        "    def data(self, seat, seats):\n"
        "        return torch.randn(12, 4), torch.arange(12) % 2\n"
    )
    named = ["leakage", "--task", f"{file}:Mine", "--rounds", "1", "--stand-ins", "8"]
    assert main(named) == 0
    assert "seat 0 of 8: 12 records" in " ".join(capsys.readouterr().out.split())
    assert main([*named, "--what-if", "epsilon=8"]) == 3
    assert "1 is a BatchNorm1d, which mixes examples" in " ".join(capsys.readouterr().err.split())


def test_the_page_says_what_the_lines_say_and_shows_each_attack_both_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "leakage.html"
    assert main([*SMALL, "--what-if", "epsilon=2", "--seed", "3", "--report", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.endswith(f"report    {file}\n")
    assert file.stat().st_mode & 0o777 == 0o600
    page = read_page(file)
    for attack in ("loss", "steps", "shadows"):
        lines = [line.split() for line in said.splitlines() if line.startswith(f"  {attack} ")]
        assert len(lines) == 3
        assert all(" ".join(figures[1:5]) in page.text for figures in lines)
    assert page.count("svg", "role") == 3
    assert [page.count("path", "class", f"curve {kind}") for kind in ("first", "second")] == [4, 4]
    for said_besides in ("seat 0 of 8", "over 8 stand-ins", "with epsilon=2: ε 1.9", "The most exposed records"):
        assert said_besides in page.text
    assert "--task digits --seed 3 --skew 0.2 --samples 20 --seat 0 --peers 8 --rounds 1" in page.text
    assert "no legal advice" in page.text
    assert "a figure near chance is no proof" in page.text


def test_markup_in_a_tasks_name_is_text_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "<script>alert(1)<"
    folder.mkdir()
    (folder / 'script><img src=x onerror="alert(2)">&amp;.py').write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Mine:\n"
        "    def model(self):\n"
        "        return nn.Linear(4, 2)\n"
        "    def data(self, seat, seats):\n"
        "        return torch.randn(12, 4), torch.arange(12) % 2\n"
    )
    spec = '<script>alert(1)</script><img src=x onerror="alert(2)">&amp;.py:Mine'
    assert main(["leakage", "--task", spec, "--rounds", "1", "--stand-ins", "8", "--report", "page.html"]) == 0
    page = read_page(tmp_path / "page.html")
    assert page.text.count(spec) >= 4
    assert page.count("script") == page.count("img") == 0
    assert page.count("svg", "role") == 3


def test_what_fails_leaves_the_page_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "leakage.html"
    file.write_text("an earlier one")
    assert main([*SMALL, "--report", str(file), "--what-if", "epsilon=much"]) == 2
    capsys.readouterr()

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    assert main([*SMALL, "--report", str(file)]) == 3
    out, err = capsys.readouterr()
    assert "shadows" in out
    assert err.count("\n") == 1
    assert "No space left on device" in err
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("leakage.html", "an earlier one")]


def test_the_command_that_a_page_names_holds_no_endpoint(tmp_path: Path) -> None:
    from argparse import Namespace

    from node.cli.leakage import make_command

    options = Namespace(
        task="auto", seed=1, folder=Path("my data"), circle=Path("circle.json"), stand_ins=32, what_if=None,
        rpc=["https://user:secret@chain.example"], option=["loss=mse"], data=Path("own table.csv"),
    )  # fmt: skip
    assert make_command(options) == (
        "folkmoot leakage --task auto --seed 1 --folder 'my data' --circle circle.json --option loss=mse"
        " --data 'own table.csv' --stand-ins 32"
    )


def test_how_many_stand_ins_would_do_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SMALL) == 0
    [more] = re.findall(
        r"at 1\.0% false alarms: .*?--stand-ins (\d+) or more", " ".join(capsys.readouterr().out.split())
    )
    assert main([*SMALL[:-1], more]) == 0
    said = capsys.readouterr().out
    assert "finds at 1.0% false alarms\n" in said
    assert "what is found at 1.0%" not in " ".join(said.split())


def test_a_peer_with_fewer_records_than_the_batch_is_told_what_that_means(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*SMALL, "--what-if", "epsilon=20,batch=100"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.count("A batch of 100 is more than 20 examples: each step takes all of them") == 1


def test_only_records_beyond_chance_are_listed_and_no_bound_is_no_comfort() -> None:
    listed = tuple(ExposedExample(row, 0.9 - row / 100, 20, 12, 0.001) for row in range(7))
    assert _describe_exposure(Exposure(listed, 0, 40)) == "0 of 40 records can be told by themselves, beyond chance"
    two = _describe_exposure(Exposure(listed, 2, 40))
    assert two.endswith(
        "with the AUC and how many stand-ins had it + had it not: 0 (0.90, 20 + 12), 1 (0.89, 20 + 12)"
    )
    assert "; by their rows in data(), the first of them, with" in _describe_exposure(Exposure(listed, 7, 40))
    proved = EpsilonBound(0.42, 12, 12, 320, 1e-5)
    assert list(_explain_bound(proved, 8.0)) == [
        "what right guesses prove of ε, at least 0.42, is within the 8.000 accounted for, as it must be"
    ]
    assert list(_explain_bound(replace(proved, epsilon=0.0), 8.0)) == []
