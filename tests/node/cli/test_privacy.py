"""`folkmoot privacy plan`, and `--privacy` of a deployment."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ledger.privacy.planning import compute_outlook
from node.cli.main import main
from node.cli.options import parse_privacy
from node.cli.privacy import find_tighter_epsilon
from node.cli.privacy_lines import describe_agreement, describe_outcome, print_demo_lines
from tests.support.privacy import TERMS


def test_a_plan_says_noise_room_and_how_long_peers_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "plan", "--epsilon", "8", "--rounds", "30", "--samples", "1000"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    said = " ".join(out.split())
    assert "ε 8 at δ 1e-5" in said
    assert "1,000 examples: rate 0.25, 30 of 30 rounds (all)" in said
    assert "100 examples: rate 1, each step takes all of them, 2 of 30 rounds (then it judges on)" in said
    assert "an attacker's push of 1.3 such steps" in said


def test_a_plan_for_machines_has_the_terms_and_each_peer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "plan", "--sigma", "1.958", "--rounds", "10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["terms"]["sigma"] == "1.958"
    assert [peer["examples"] for peer in found["peers"]] == [1000, 500, 250, 100]
    assert found["noise_deviation"] == pytest.approx(0.036027, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--epsilon", "much"], "is no decimal number"),
        (["--batch", "300", "--samples", "200"], "a batch of 300 is more than the 200 examples of a peer"),
        (["--rounds", "0"], "are not both above 0"),
        (["--parameters", "0"], "--parameters 0 is not above 0"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["privacy", "plan", *options]) == 2
    assert says in capsys.readouterr().err


def test_a_circle_has_privacy_terms_only_where_they_are_asked_for() -> None:
    assert parse_privacy(None, 10, 1000) is None
    terms = parse_privacy("epsilon=2", 10, 1000)
    assert terms is not None
    assert terms.epsilon_milli == 2000


def test_the_tighter_figure_is_below_ours() -> None:
    outlook = compute_outlook(TERMS, 10, 1000)
    tighter = find_tighter_epsilon(TERMS, outlook)
    assert tighter is not None
    assert 0.8 * outlook.epsilon_milli < 1000 * tighter < outlook.epsilon_milli


def test_without_the_library_there_is_no_tighter_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert find_tighter_epsilon(TERMS, compute_outlook(TERMS, 10, 1000)) is None


def test_a_delta_that_promises_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["privacy", "plan", "--sigma", "2", "--rounds", "2", "--samples", "150"]
    assert main([*small, "--delta", "0.01"]) == 0
    assert "δ 0.01 promises nothing to a peer with 150 examples" in " ".join(capsys.readouterr().out.split())
    assert main([*small, "--delta", "1e-5"]) == 0
    assert "promises nothing" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("epsilon", "says"),
    [
        ("2", "can tell more than 7.4% to have been trained on while taking 1 in 100 others for such"),
        (
            "8",
            "a weak promise: an attack that finds all of a peer's examples while taking 1 in 100 others for such",
        ),
    ],
)
def test_the_demo_says_what_was_agreed_on_and_what_the_spent_budget_means(epsilon: str, says: str) -> None:
    terms = parse_privacy(f"epsilon={epsilon}", 10, 1000)
    spent = float(epsilon) - 0.002
    results = SimpleNamespace(honest=[0, 1], spent={0: spent, 1: spent - 1, 2: 99.0})
    output = io.StringIO()
    console = Console(file=output, width=80)
    print_demo_lines(console, [describe_agreement(terms)])
    print_demo_lines(console, describe_outcome(terms, results, {"examined": {"A12": 30}}))
    said = output.getvalue()
    assert max(map(len, said.splitlines())) <= 80
    told = " ".join(said.split())
    assert f"privacy each peer may spend ε {epsilon} at δ 1e-5 for any one example: it trains 4 steps" in told
    assert f"honest peers have spent at most ε {spent:.3f} of {epsilon}, " in told
    assert says in told
    assert "the audit compared 30 updates with what they say of their noise and budget (A12)" in told


def test_the_demo_refuses_terms_before_it_starts_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    named = ["demo", "--privacy", "epsilon=8,batch=2000", "--folder", str(folder)]
    assert main(named) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "--privacy: a batch of 2000 is more than the 1000 examples of a peer" in err
    assert not folder.exists()
