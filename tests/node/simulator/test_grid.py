"""Many scenarios from one."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import UsageError
from node.simulator import Scenario, grid
from node.simulator.grid import parse_seeds

BASE = Scenario(task="digits", peers=6, rounds=2, degree=3)


def test_every_combination_is_there_once_with_the_seeds_fastest() -> None:
    made = grid(BASE, skew=[0.2, 0.9], rule=["none", "tether"], seed=range(2))
    assert [(one.skew, one.rule, one.seed) for one in made] == [
        (skew, rule, seed) for skew in (0.2, 0.9) for rule in ("none", "tether") for seed in (0, 1)
    ]
    assert replace(made[0], skew=BASE.skew, rule=BASE.rule) == BASE


def test_baselines_stand_once_beside_the_rules_of_a_combination() -> None:
    made = grid(BASE, ["fedavg", "alone"], skew=[0.2, 0.9], rule=["none", "tether"])
    assert [(one.skew, one.method) for one in made] == [
        (skew, method) for skew in (0.2, 0.9) for method in ("none", "tether", "fedavg", "alone")
    ]


def test_a_pair_of_a_field_is_an_axis_and_leaves_the_others_as_they_were() -> None:
    base = replace(BASE, attack="ride", attack_parameters={"victims": 1.0}, malicious=0.2)
    made = grid(base, **{"attack_parameters.share": [0.5, 0.9]})
    assert [one.attack_parameters for one in made] == [{"victims": 1.0, "share": share} for share in (0.5, 0.9)]


@pytest.mark.parametrize(
    ("axes", "fact"),
    [
        ({"colour": ["red"]}, "no field 'colour'"),
        ({"attack_parameters": [{}]}, r"name one, as attack_parameters\.NAME"),
        ({"skew.x": [1]}, r"skew holds no pairs"),
        ({"skew": []}, "gives skew no values"),
        ({"rule": ["magic"]}, "rule 'magic'"),
        ({"baseline": ["alone"]}, "give them after the scenario"),
        ({"seed": range(1000), "drift": [n / 1000 for n in range(1000)]}, "more than 100,000 runs"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(axes: dict[str, Any], fact: str) -> None:
    with pytest.raises(UsageError, match=fact):
        grid(BASE, **axes)


def test_seeds_are_numbers_and_ranges() -> None:
    assert parse_seeds("0-2, 7,1") == [0, 1, 2, 7]


@pytest.mark.parametrize("text", ["", "x", "3-", "-3", "4-2", "0-10000000", "1,,2", "1.5"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--seeds"):
        parse_seeds(text)
