"""What a schema may hold: its founder need not be trusted."""

import json
from typing import Any

import pytest

from ledger.errors import UsageError
from node.tasks.table.schema import parse_schema, parse_whole_schema

AGE = {"name": "age", "type": "number", "low": 18, "high": 100}
WARD = {"name": "ward", "type": "category", "categories": ["surgery", "medicine"]}
SMOKER = {"name": "smoker", "type": "yes-no"}
DIED = {"name": "died", "type": "yes-no", "shares": [0.9, 0.1]}


def make(*columns: dict[str, Any], target: str = "died", version: int = 1) -> str:
    return json.dumps({"version": version, "target": target, "columns": [*columns, DIED]})


def test_what_is_written_is_read_as_the_same_schema() -> None:
    schema = parse_whole_schema(make(AGE, WARD, SMOKER))
    assert parse_whole_schema(schema.write()) == schema
    assert schema.write().count("\n") == 6  # a line a column, for a person


def test_a_draft_says_with_null_what_is_still_to_be_said() -> None:
    draft = parse_schema(make({"name": "age", "type": "number"}, {"name": "ward", "type": "category"}))
    written = draft.write()
    assert '"low": null, "high": null' in written
    assert '"categories": null' in written
    assert parse_schema(written) == draft
    with pytest.raises(UsageError, match=r"low and high of column age, nor have 1 more .* --epsilon 1"):
        parse_whole_schema(written)


def test_inputs_count_categories_and_one_more_where_cells_may_be_empty() -> None:
    schema = parse_whole_schema(make({**AGE, "missing": False}, {**WARD, "other": True}, SMOKER))
    assert [column.inputs for column in schema.features] == [1, 4, 2]
    assert schema.inputs == 7


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({**AGE, "low": 1e400}, "parse"),
        ({**AGE, "low": -1e300}, "range outside"),
        ({**AGE, "low": 100, "high": 18}, "low must be below high"),
        ({**AGE, "low": 1e14, "high": 1e14 + 0.01}, "low must be below high"),
        ({**AGE, "scale": "log", "low": 0}, "above 0, which scale log needs"),
        ({**AGE, "scale": "cubic"}, "choose linear or log"),
        ({**AGE, "unit": "\x1b[2J"}, "control characters"),
        ({**AGE, "name": "a\x1b[31mge"}, "control characters"),
        ({**AGE, "name": "egap\u202eage"}, "control characters"),
        ({**AGE, "name": "x" * 101}, "above 100 characters"),
        ({**AGE, "type": "date"}, "choose number, category, yes-no"),
        ({**AGE, "path": "/etc/passwd"}, "parse"),
        ({**AGE, "shares": [0.5, 0.5]}, "shares, which are for a target"),
        ({**AGE, "yes": "y"}, "yes or no, which are for yes-no"),
        ({**WARD, "low": 1}, "which are for numbers"),
        ({**WARD, "categories": ["a", "a"]}, "one category twice"),
        ({**WARD, "categories": [str(number) for number in range(1025)]}, "1025 categories"),
        ({**WARD, "categories": ["other"], "other": True}, "beside other"),
        ({**SMOKER, "yes": "ja"}, "empty"),
        (DIED, "a column twice"),
    ],
)
def test_a_schema_out_of_bounds_is_refused_in_a_sentence(column: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        parse_schema(make(column))
    assert str(refused.value).isprintable()


def test_a_schema_of_a_thousand_columns_or_of_too_many_inputs_is_refused() -> None:
    with pytest.raises(UsageError, match="give 2 to 512"):
        parse_schema(make(*({**AGE, "name": f"a{number}"} for number in range(1000))))
    wide = [str(number) for number in range(1000)]
    with pytest.raises(UsageError, match="5005 inputs"):
        parse_whole_schema(make(*({**WARD, "name": f"w{number}", "categories": wide} for number in range(5))))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"version": 1}', "[" * 100_000, "{" + " " * (1 << 20)])
def test_what_is_no_schema_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="the table's schema"):
        parse_schema(text)


def test_a_target_is_a_column_with_classes_or_a_number() -> None:
    with pytest.raises(UsageError, match="has no column sex, its target"):
        parse_schema(make(AGE, target="sex"))
    with pytest.raises(UsageError, match="knows 1"):
        parse_schema(make(AGE, version=2))
    one = json.dumps(
        {"version": 1, "target": "w", "columns": [AGE, {"name": "w", "type": "category", "categories": ["a"]}]}
    )
    with pytest.raises(UsageError, match="fewer than two categories"):
        parse_schema(one)
    with pytest.raises(UsageError, match="1 together"):
        parse_schema(json.dumps({"version": 1, "target": "died", "columns": [AGE, {**DIED, "shares": [0.9, 0.9]}]}))
