"""What is no number is null for machines and a dash for people."""

import json
from math import inf, nan

import pytest

from node.operating.figures import dump_json, format_figure


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_what_is_no_number_is_null_however_deep_it_lies() -> None:
    value = {
        "figures": {"auc": nan, "gap": inf, "accuracy": 0.25},
        "rows": [(-inf, 1), [nan]],
        "name": "nan",
        3: None,
    }
    assert json.loads(dump_json(value), parse_constant=refuse) == {
        "figures": {"auc": None, "gap": None, "accuracy": 0.25},
        "rows": [[None, 1], [None]],
        "name": "nan",
        "3": None,
    }


@pytest.mark.parametrize(("figure", "text"), [(0.12345, "0.123"), (nan, "–"), (inf, "–"), (-inf, "–"), (None, "–")])
def test_a_table_has_three_digits_or_a_dash(figure: float | None, text: str) -> None:
    assert format_figure(figure) == text
