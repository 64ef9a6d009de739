"""`folkmoot leakage`: what it says, for people and machines, and what it does not take."""

import json
from pathlib import Path

import pytest

from node.cli.main import main

SMALL = ["leakage", "--task", "digits", "--samples", "20", "--rounds", "1", "--stand-ins", "8"]


def test_it_tells_figures_with_counts_and_what_they_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--what-if", "epsilon=2"]) == 0
    said = capsys.readouterr().out
    told = " ".join(said.split())
    assert "digits, seat 0 of 8: 20 records and 20 held-out ones" in said
    assert "all of it on this machine, and nothing is sent" in said
    assert said.count("\n  shadows   0.") == said.count("over 8 stand-ins") == 2
    assert "too few trials to tell" in said
    assert "epsilon=2: ε 1.9" in said
    assert "no attack at all finds more than 7.4% of the records" in told
    assert "is no proof that nothing leaks" in told
    assert all(len(line) <= 116 for line in said.splitlines())


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
        (["--data", "nowhere"], 2, "there is no folder nowhere: name the one that"),
        (["--task", "nonsense"], 2, "no task is called 'nonsense'"),
        (["--what-if", "epsilon=2,sigma=0.5"], 2, "the budget holds 0 of 1 rounds: leave sigma out"),
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
    assert "seat 0 of 8: 12 records\n" in capsys.readouterr().out
    assert main([*named, "--what-if", "epsilon=8"]) == 3
    assert "1 is a BatchNorm1d, which mixes examples" in capsys.readouterr().err
