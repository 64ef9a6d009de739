"""Several simulations together."""

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import replace
from math import isnan

import pytest

from ledger.errors import SetupError, UsageError
from node.simulator import Results, Runs, Scenario, grid, simulate, simulate_all
from node.simulator.columns import RUN_COLUMNS
from node.simulator.estimates import estimate
from node.simulator.markdown import markdown_table
from node.simulator.runs import mean_columns, mean_lines

BASE = Scenario(task="digits", peers=5, rounds=2, degree=3, samples=30, attack="sign-flip", malicious=(1,))


@pytest.fixture(scope="module")
def runs() -> Runs:
    return simulate_all(grid(BASE, ["fedavg"], rule=["none", "tether"], seed=range(3)))


def test_runs_come_in_the_order_asked_for_and_as_one_by_one(runs: Runs) -> None:
    asked = grid(BASE, ["fedavg"], rule=["none", "tether"], seed=range(3))
    assert [one.scenario for one in runs] == asked
    assert runs[4].digest == simulate(asked[4]).digest
    assert isinstance(runs[3:], Runs)


def test_cells_differ_in_more_than_the_seed(runs: Runs) -> None:
    assert [(cell.scenario.method, len(cell.runs)) for cell in runs.cells] == [
        ("none", 3),
        ("tether", 3),
        ("fedavg", 3),
    ]


def test_a_baseline_that_would_come_out_the_same_is_computed_once() -> None:
    ran: list[Scenario] = []

    def note(scenario: Scenario) -> Results:
        ran.append(scenario)
        return simulate(scenario)

    found = simulate_all(grid(replace(BASE, rounds=1), ["alone"], degree=[2, 3]), run=note)
    assert [one.scenario.method for one in found] == ["tether", "alone", "tether", "alone"]
    assert [one.method for one in ran] == ["tether", "alone", "tether"]
    assert [one.scenario.degree for one in found] == [2, 2, 3, 3]


def test_each_is_told_when_it_is_done() -> None:
    told: list[int] = []
    simulate_all(grid(replace(BASE, rounds=1), seed=[3, 1]), watch=lambda one: told.append(one.scenario.seed))
    assert told == [3, 1]


def test_jobs_are_at_least_one() -> None:
    with pytest.raises(UsageError, match="0 jobs"):
        simulate_all([BASE], jobs=0)


def test_means_are_over_the_seeds(runs: Runs) -> None:
    lines = [dict(zip(mean_columns(runs), line, strict=True)) for line in mean_lines(runs)]
    assert [(line["rule"], line["seeds"]) for line in lines] == [("none", 3), ("tether", 3), ("fedavg", 3)]
    wanted = estimate(one.summary.mean_error for one in runs[:3])
    assert (lines[0]["mean_error"], lines[0]["mean_error_ci95"]) == (wanted.mean, wanted.half_width)
    assert lines[2]["false_accept"] is None
    assert len(set(mean_columns(runs))) == len(mean_columns(runs))


def test_the_table_shows_what_differs_between_its_lines() -> None:
    base = replace(BASE, rounds=1, peers=4)
    scaled = grid(base, **{"attack_parameters.scale": [1.0, 5.0]})
    mixed = grid(base, attack=["sign-flip", "alie"], degree=[2, 3])
    assert head_of(scaled) == ["rule", "attack parameters"]
    assert head_of(mixed) == ["rule", "attack", "degree"]


def head_of(scenarios: Sequence[Scenario]) -> list[str]:
    results = [Results(one, [], "", {}) for one in scenarios]
    head = markdown_table(results).splitlines()[0].strip("| ").split(" | ")
    return head[: head.index("false accept")]


def test_frames_have_every_line_with_its_runs_columns(runs: Runs) -> None:
    needs_pandas()
    rows, one, each = runs.to_frame(), runs[0].to_frame(), runs.summary_frame()
    assert (len(rows), len(one), len(each), len(runs.mean_frame())) == (9 * 2 * 5, 2 * 5, 9, 3)
    for frame in (rows, one, each):
        assert list(frame.columns)[: len(RUN_COLUMNS)] == list(RUN_COLUMNS)
    assert set(rows["seed"]) == {0, 1, 2}
    last = rows[(rows["round"] == 2) & rows["honest"]]
    means = last.groupby(["rule", "seed"])["error"].mean()
    assert means["none", 1] == pytest.approx(runs[1].summary.mean_error)
    assert rows["error"].dtype == "float64"
    assert isnan(rows[~rows["honest"]]["error"].iloc[0])


def test_without_pandas_a_frame_is_refused_with_what_to_install(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(SetupError, match=r"pip install 'folkmoot\[simulate\]'"):
        runs.to_frame()


def needs_pandas() -> None:
    if importlib.util.find_spec("pandas") is None:
        why = "pandas is not installed (pip install 'folkmoot[simulate]')"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
