"""The table of what screening sees in noise: of several seeds the mean, the least and the most."""

from typing import Any

from scripts.bench.private_screening import describe_screening


def cell(seed: int, knows: bool, **measured: Any) -> dict[str, Any]:
    usual = {"accuracy": 0.75, "rejected": 0.0, "accepted": 0.2, "mixed": 0.1, "out": [10, None]}
    return {"attack": "ride", "parameters": {}, "epsilon": "2", "seed": seed, "knows": knows} | usual | measured


def test_several_seeds_are_told_by_mean_and_range_and_one_by_itself() -> None:
    cells = [
        cell(0, True),
        cell(1, True, accuracy=0.71, accepted=0.4, out=[12, 20]),
        cell(0, False, out=[None, None]),
    ]
    row = describe_screening(cells)[-2]
    assert row == (
        "| 2 | ride | 2 | 0.730 (0.710 to 0.750) | 0.750 | 0.0% | 0.0% | 30% (20% to 40%) | 20% |"
        " 3 of 4, 10 to 20 | 0 of 2 |"
    )
    honest = [cell(0, True, accepted=None, out=[])]
    assert describe_screening(honest)[-2] == "| 2 | ride | 1 | 0.750 |  | 0.0% |  |  |  |  |  |"
