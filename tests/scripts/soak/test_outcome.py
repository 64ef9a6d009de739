"""What a soak says came of it: whoever was planted is named and nobody else."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from scripts.soak.churn import STEPS, draw_deaths
from scripts.soak.outcome import HEAD, Outcome, count_findings, measure_unavailable

GOOD = Outcome(
    scenario="churn",
    nodes=4,
    rounds=5,
    settled=5,
    round_s=1.0,
    longest_s=2.0,
    stalls=0,
    sent_bytes=1000.0,
    received_bytes=1000.0,
    deaths=0,
    restarts=3,
    planted={2: "sign-flip", 3: "false-verdict"},
    findings={"A5 seat 3": 4},
    quarantined=[2],
    unavailable={"all": 0.0},
    weather={},
    seconds=9.0,
    audit_s=1.0,
    notes=[],
)


def test_a_soak_is_good_whose_liars_are_all_named_or_shut_out() -> None:
    assert GOOD.is_good
    assert (GOOD.found, GOOD.wrongly_named, GOOD.not_named) == ([3], [], [])


@pytest.mark.parametrize(
    "changed",
    [
        {"settled": 4},
        {"deaths": 1},
        {"findings": {}},
        {"quarantined": []},
        {"findings": {"A3 seat 0": 1, "A5 seat 3": 1}},
        {"findings": {"A2 seat -1": 1, "A5 seat 3": 1}},
    ],
    ids=[
        "a round is open",
        "a node died",
        "a liar unnamed",
        "a poisoner within",
        "an honest one named",
        "nobody's",
    ],
)
def test_a_soak_is_not_good_where(changed: dict[str, Any]) -> None:
    assert not replace(GOOD, **changed).is_good


def test_a_row_has_a_cell_for_each_head_and_a_line_is_json() -> None:
    assert GOOD.as_row().count("|") == HEAD.splitlines()[0].count("|")
    assert json.loads(GOOD.as_line())["planted"] == {"2": "sign-flip", "3": "false-verdict"}


def test_findings_are_counted_by_check_and_seat() -> None:
    found: list[dict[str, Any]] = [
        {"check": "A5", "seat": 3},
        {"check": "A5", "seat": 3},
        {"check": "A2", "seat": None},
    ]
    assert count_findings(found) == {"A2 seat -1": 1, "A5 seat 3": 2}


def test_seats_stand_out_whose_updates_were_lacking_twice_as_often() -> None:
    verdicts = [{"1": "accepted", "2": "unavailable"}, {"1": "accepted", "2": "accepted"}]
    assert measure_unavailable([{"verdicts": said} for said in verdicts]) == {"all": 0.25, "2": 0.5}


def test_as_many_die_as_is_said_and_nobody_in_the_last_round() -> None:
    deaths = [one for seed in range(40) for one in draw_deaths(random.Random(seed), 50, 0.3)]
    assert 500 < len(deaths) < 680
    assert {step for _, step in deaths} == set(STEPS)
    assert max(number for number, _ in deaths) < 50
