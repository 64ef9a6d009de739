"""Ranges, categories and shares under differential privacy: near the truth, and not too near."""

import json
from collections import Counter
from decimal import Decimal
from math import exp
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from ledger.errors import SetupError, UsageError
from node.tasks.table.private_filling import Filled, fill_schema, grid
from node.tasks.table.raw import Numbers, RawTable, Texts
from node.tasks.table.schema import parse_schema, parse_whole_schema

DIED = {"name": "died", "type": "yes-no", "shares": [0.5, 0.5]}


def fill(values: Texts | Numbers, column: dict[str, Any], epsilon: str = "1", seed: int = 0) -> Filled:
    schema = parse_schema(json.dumps({"version": 1, "target": "died", "columns": [{"name": "c", **column}, DIED]}))
    table = RawTable(Path("t.csv"), ("c", "died"), {"c": values, "died": ["yes"] * len(values)}, range(len(values)))
    return fill_schema(table, schema, Decimal(epsilon), Random(seed).randrange)


@pytest.mark.parametrize("seed", range(5))
def test_a_range_of_many_rows_holds_nineteen_in_twenty(seed: int) -> None:
    values = np.random.default_rng(seed).normal(120, 15, 5000)
    column = fill(values, {"type": "number"}, seed=seed).schema.columns[0]
    assert column.low is not None
    assert column.high is not None
    inside = ((values > column.low) & (values < column.high)).mean()
    assert 0.93 < inside < 0.97


def test_a_value_that_most_rows_share_is_an_end_and_no_wild_one() -> None:
    counts = np.array([0.0] * 900 + [1.0] * 300 + [2.0] * 200)
    column = fill(counts, {"type": "number"}).schema.columns[0]
    assert column.low is not None
    assert column.high is not None
    assert -1 <= column.low <= 0
    assert 2 <= column.high <= 3


def test_one_row_more_changes_no_answers_probability_by_more_than_epsilon() -> None:
    """Of the quantile, all of whose answers' probabilities are read off its weights."""
    from node.tasks.table import private_filling

    seen: list[list[Decimal]] = []

    def note(weights: Any, draw: Any) -> int:
        total = sum(weights)
        seen.append([weight / total for weight in weights])
        return 0

    real, private_filling._draw_place = private_filling._draw_place, note
    try:
        for values in ([1.0, 2.0, 2.0, 7.0], [1.0, 2.0, 2.0, 7.0, 500.0], [2.0, 2.0, 7.0]):
            private_filling._draw_quantile(np.array(values), grid()[::25], 0.1, Decimal("0.7"), Random(0).randrange)
    finally:
        private_filling._draw_place = real
    for other in seen[1:]:
        ratios = [max(a / b, b / a) for a, b in zip(seen[0], other, strict=True)]
        assert max(ratios) <= Decimal("0.7").exp() * Decimal("1.000001")


def test_noise_is_two_sided_geometric() -> None:
    from node.tasks.table.private_filling import _Noise

    noise = _Noise(Decimal(1), Random(1).randrange)
    found = Counter(noise.draw() for _ in range(20_000))
    assert abs(found[0] / 20_000 - (1 - exp(-1)) / (1 + exp(-1))) < 0.015
    assert abs(found[1] / found[0] - exp(-1)) < 0.04
    assert abs(found[-1] / found[0] - exp(-1)) < 0.04


def test_a_category_of_few_rows_is_not_named() -> None:
    column = fill(["a"] * 200 + ["b"] * 150 + ["rare"] * 2, {"type": "category"}).schema.columns[0]
    assert column.categories == ("a", "b")
    with pytest.raises(SetupError, match="no category has enough rows"):
        fill(["a", "b"], {"type": "category"})


def test_what_a_person_has_stated_stays_and_shares_are_near_the_truth() -> None:
    stated = {
        "version": 1,
        "target": "died",
        "columns": [{"name": "c", "type": "number", "low": 5, "high": 9}, {"name": "died", "type": "yes-no"}],
    }
    table = RawTable(Path("t.csv"), ("died",), {"died": ["yes"] * 100 + ["no"] * 900}, range(1000))
    filled = fill_schema(table, parse_schema(json.dumps(stated)), Decimal(2), Random(3).randrange)
    assert (filled.schema.columns[0].low, filled.schema.columns[0].high) == (5, 9)
    assert filled.schema.target_column.shares == pytest.approx((0.9, 0.1), abs=0.01)
    assert filled.questions == 1


def test_an_epsilon_out_of_range_and_a_schema_that_lacks_nothing_are_refused() -> None:
    for epsilon in ("0", "-1", "21", "NaN", "0.001", "1e-30"):
        with pytest.raises(UsageError, match="epsilon"):
            fill(np.array([1.0]), {"type": "number"}, epsilon)
    with pytest.raises(UsageError, match="lacks nothing"):
        fill(np.array([1.0]), {"type": "number", "low": 0, "high": 1})


@pytest.mark.parametrize("stated", [{"low": 1e6}, {"high": -5}, {"low": 3, "scale": "log"}])
def test_an_end_that_is_found_lies_beyond_the_one_that_is_stated(stated: dict[str, Any]) -> None:
    column = {"type": "number", **stated}
    found = fill(np.arange(500.0), column).schema
    parse_whole_schema(found.write())
    assert all(getattr(found.columns[0], name) == value for name, value in stated.items())


def test_where_nothing_lies_beyond_the_stated_end_nothing_is_spent() -> None:
    with pytest.raises(UsageError, match="beyond the end of c that the schema states nothing is found: state both"):
        fill(np.arange(500.0), {"type": "number", "low": 1e14})


def test_what_was_paid_for_is_a_schema_whatever_the_words_and_shares() -> None:
    words = ["other"] * 300 + ["a"] * 300
    found = fill(words, {"type": "category", "other": True}).schema
    assert parse_whole_schema(found.write()).columns[0].categories == ("a",)
    target = {"name": "died", "type": "category"}
    columns = [{"name": "c", "type": "number", "low": 0, "high": 1}, target]
    schema = parse_schema(json.dumps({"version": 1, "target": "died", "columns": columns}))

    def fill_target(words: Texts) -> Filled:
        table = RawTable(Path("t.csv"), ("c", "died"), {"c": ["0"] * len(words), "died": words}, range(len(words)))
        return fill_schema(table, schema, Decimal(20), Random(0).randrange)

    for classes, commonest in ((2, 200_000), (200, 100_000)):
        rare = [f"w{place}" for place in range(1, classes) for _ in range(30)]
        shares = parse_whole_schema(fill_target(["w0"] * commonest + rare).schema.write()).target_column.shares
        assert shares is not None
        assert len(shares) == classes
        assert max(shares) == shares[0]
    with pytest.raises(SetupError, match="only one category has enough rows"):
        fill_target(["a"] * 1000)
