"""Results as files."""

import csv
import importlib.util
import json
import os
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import SetupError
from node.simulator import Results, Scenario, simulate
from node.simulator.columns import RUN_COLUMNS, row_columns
from node.simulator.files import row_lines, write_csv, write_parquet, write_summary
from node.simulator.markdown import markdown_table
from node.simulator.plots import plot
from node.simulator.results import Row, summarise


@pytest.fixture(scope="module")
def results() -> list[Results]:
    return [
        simulate(
            Scenario(
                task="digits",
                peers=6,
                rounds=3,
                degree=3,
                samples=30,
                rule=rule,
                attack="gaussian",
                malicious=(1,),
                evaluate_every=2,
            )
        )
        for rule in ("balance", "none")
    ]


def test_the_csv_has_a_line_for_every_rule_round_and_peer(results: list[Results], tmp_path: Path) -> None:
    write_csv(row_columns(results), row_lines(results), tmp_path / "rounds.csv")
    with (tmp_path / "rounds.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 3 * 6
    assert {(line["rule"], line["round"], line["seat"]) for line in lines} == {
        (rule, str(number), str(seat)) for rule in ("balance", "none") for number in (1, 2, 3) for seat in range(6)
    }
    assert all(line["error"] == line["accuracy"] == "" for line in lines if line["round"] == "1")
    assert all(line["error"] for line in lines if line["round"] == "2" and line["honest"] == "True")
    assert {line["seat"] for line in lines if line["honest"] == "False"} == {"1"}
    told = {name: {line[name] for line in lines} for name in RUN_COLUMNS}
    assert (told["attack"], told["attack_parameters"], told["degree"]) == ({"gaussian"}, {"deviation=1"}, {"3"})
    assert (told["skew"], told["seed"], told["malicious"]) == ({"0.2"}, {"0"}, {str(1 / 6)})


def test_parquet_holds_what_the_csv_does(results: list[Results], tmp_path: Path) -> None:
    if importlib.util.find_spec("pyarrow") is None:
        why = "pyarrow is not installed (pip install 'folkmoot[simulate]')"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    from pyarrow import parquet

    write_parquet(results, tmp_path / "rounds.parquet")
    table = parquet.read_table(tmp_path / "rounds.parquet")
    assert table.num_rows == 36
    assert table["round"].to_pylist() == [row.round for one in results for row in one.rows]
    errors = [None if isnan(row.error) else row.error for one in results for row in one.rows]
    assert table["error"].to_pylist() == errors


def test_without_pyarrow_parquet_is_refused_with_what_to_install(
    results: list[Results], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(SetupError, match=r"pip install 'folkmoot\[simulate\]'"):
        write_parquet(results, tmp_path / "rounds.parquet")


def test_the_summary_says_what_was_simulated(results: list[Results], tmp_path: Path) -> None:
    write_summary(results, tmp_path / "summary.json")
    found = json.loads((tmp_path / "summary.json").read_text())
    assert [one["scenario"]["rule"] for one in found] == ["balance", "none"]
    assert found[0]["digest"] == results[0].digest
    assert found[0]["summary"]["false_accept"] == 0.0
    assert found[1]["summary"]["false_accept"] == 1.0


def test_the_table_has_a_line_for_each_rule(results: list[Results]) -> None:
    lines = markdown_table(results).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| balance | ")


def test_a_picture_is_drawn(results: list[Results], tmp_path: Path) -> None:
    plot(results, tmp_path / "rounds.png")
    assert (tmp_path / "rounds.png").read_bytes().startswith(b"\x89PNG")


def row_of(number: int, seat: int, attack: str, **fields: Any) -> Row:
    plain: dict[str, Any] = {
        "committed": True,
        "error": 0.5,
        "reputation": 0.5,
        "quarantined": False,
        "ejected": False,
    }
    return Row(round=number, seat=seat, attack=attack, **(plain | fields))


def test_an_attacker_that_came_back_is_out_from_the_second_time_on() -> None:
    rows = [row_of(n, 1, "ride", quarantined=is_out) for n, is_out in enumerate([True, False, True, True], 1)]
    assert summarise(rows).out_after == {1: 3}


def test_an_attacker_that_is_back_at_the_end_is_not_out() -> None:
    rows = [row_of(n, 1, "ride", quarantined=is_out) for n, is_out in enumerate([True, False], 1)]
    assert summarise(rows).out_after == {1: None}


def test_rates_are_over_what_honest_judges_met() -> None:
    rows = [
        row_of(1, 0, "honest", honest_accepted=3, honest_rejected=1, hostile_accepted=1, hostile_rejected=4),
        row_of(1, 1, "ride", honest_rejected=9, hostile_accepted=9),
    ]
    found = summarise(rows)
    assert (found.false_accept, found.false_reject) == (0.2, 0.25)


def test_a_summary_of_nothing_has_no_figures() -> None:
    found = summarise([])
    assert isnan(found.mean_error)
    assert found.to_fields()["worst_error"] is None
