"""Cells become inputs by the schema alone, and a file that does not fit is told its column and line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.errors import SetupError
from node.tasks.table.encoding import EncodedTable, encode_table, scale_numbers, unscale_numbers
from node.tasks.table.reading import read_table
from node.tasks.table.schema import Column, parse_whole_schema

AGE = {"name": "age", "type": "number", "low": 0, "high": 100}
WARD = {"name": "ward", "type": "category", "categories": ["a", "b"]}
SMOKER = {"name": "smoker", "type": "yes-no"}


def encode(folder: Path, text: str, *columns: dict[str, Any], target: dict[str, Any] | None = None) -> EncodedTable:
    (folder / "t.csv").write_text(text)
    target = target or {"name": "died", "type": "yes-no"}
    schema = {"version": 1, "target": target["name"], "columns": [*columns, target]}
    return encode_table(read_table(folder / "t.csv"), parse_whole_schema(json.dumps(schema)))


def test_numbers_run_from_minus_two_to_two_and_missing_ones_are_zero_and_say_so(tmp_path: Path) -> None:
    table = encode(tmp_path, "age,died\n0,no\n50,yes\n100,NO\n1e2,1\n.5e1,f\nNA,f\n,t\n", AGE)
    np.testing.assert_allclose(table.x[:, 0], [-2, 0, 2, 2, -1.8, 0, 0])
    np.testing.assert_array_equal(table.x[:, 1], [0, 0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(table.y, [0, 1, 0, 1, 0, 0, 1])


def test_values_outside_the_range_are_cut_and_counted(tmp_path: Path) -> None:
    table = encode(tmp_path, "age,died\n-7,no\n500,yes\n20,no\n", AGE)
    np.testing.assert_allclose(table.x[:, 0], [-2, 2, -1.2])
    assert table.cut == {"age": 2}


def test_a_column_in_another_unit_is_told(tmp_path: Path) -> None:
    rows = "".join(f"{80 + number},no\n" for number in range(100))
    creatinine = {"name": "creatinine", "type": "number", "low": 0.5, "high": 3, "unit": "mg/dl"}
    with pytest.raises(
        SetupError, match=r"100 of 100 values of creatinine lie outside 0.5 to 3 mg/dl.*in that unit"
    ):
        encode(tmp_path, f"creatinine,died\n{rows}", creatinine)


def test_a_category_has_an_input_each_and_another_word_is_refused_unless_there_is_other(tmp_path: Path) -> None:
    text = "ward,died\na,no\nb,no\n,yes\nicu,no\n"
    with pytest.raises(
        SetupError, match=r"line 5: ward is none of the schema's a, b \(nor are 1 of 4\)"
    ) as refused:
        encode(tmp_path, text, WARD)
    assert "icu" not in str(refused.value)  # no cell is shown: it may end in a log
    table = encode(tmp_path, text, {**WARD, "other": True})
    np.testing.assert_array_equal(table.x, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])


def test_a_word_for_nothing_is_a_category_where_the_schema_names_it(tmp_path: Path) -> None:
    table = encode(tmp_path, "ward,died\nNone,no\na,no\n", {**WARD, "categories": ["a", "None"]})
    np.testing.assert_array_equal(table.x, [[0, 1, 0], [1, 0, 0]])


def test_yes_and_no_may_have_words_of_their_own(tmp_path: Path) -> None:
    table = encode(tmp_path, "smoker,died\nja,no\nnein,no\n,no\n", {**SMOKER, "yes": "ja", "no": "nein"})
    np.testing.assert_array_equal(table.x, [[1, 0], [-1, 0], [0, 1]])
    with pytest.raises(SetupError, match="line 2: smoker is none of the schema's yes and no"):
        encode(tmp_path, "smoker,died\nja,no\n", SMOKER)


@pytest.mark.parametrize("cell", ['"3,14"', '"1,234.5"', '"1,234"', '",5"'])
def test_a_decimal_comma_is_refused_with_what_to_do(tmp_path: Path, cell: str) -> None:
    with pytest.raises(SetupError, match="line 3: age has a comma in a number: write numbers with a decimal point"):
        encode(tmp_path, f"age,died\n1,no\n{cell},no\n", AGE)


@pytest.mark.parametrize("cell", ["1_000", "inf", "0x10", "١٢", "1e999", "1 2", "9" * 65])
def test_what_only_python_takes_for_a_number_is_none(tmp_path: Path, cell: str) -> None:
    with pytest.raises(SetupError, match=r"line 2: age is (no number|too large)"):
        encode(tmp_path, f"age,died\n{cell},no\n", AGE)


def test_a_missing_column_is_told_with_the_one_that_may_be_meant(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"has no column age, .* rename its column 'Age'"):
        encode(tmp_path, "Age,died\n1,no\n", AGE)
    with pytest.raises(SetupError, match="add it, with empty cells"):
        encode(tmp_path, "zip,died\n1,no\n", AGE)


def test_rows_without_a_target_are_left_out_and_empty_cells_are_refused_where_there_may_be_none(
    tmp_path: Path,
) -> None:
    table = encode(tmp_path, "age,died\n1,\n2,no\n", AGE)
    assert (len(table.y), table.without_target, list(table.lines)) == (1, 1, [3])
    with pytest.raises(SetupError, match="no row has a value for died"):
        encode(tmp_path, "age,died\n1,\n", AGE)
    with pytest.raises(SetupError, match=r"line 3: age is empty.*\(here 1 of 2\)"):
        encode(tmp_path, "age,died\n1,no\n,no\n", {**AGE, "missing": False})


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_number_to_foretell_goes_there_and_back(scale: str) -> None:
    column = Column(name="cost", type="number", low=1.0, high=1000.0, scale=scale)
    numbers = np.array([1.0, 30.0, 1000.0, 5000.0])
    scaled, outside = scale_numbers(column, numbers)
    np.testing.assert_array_equal(outside, [False, False, False, True])
    np.testing.assert_allclose(unscale_numbers(column, scaled), numbers, rtol=1e-5)
    assert np.isfinite(unscale_numbers(column, [1e30 if scale == "log" else 1e10])).all()
