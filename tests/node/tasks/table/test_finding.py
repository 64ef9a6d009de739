"""A draft tells names and types, and nothing of what the cells hold."""

from pathlib import Path

import pytest

from ledger.errors import SetupError, UsageError
from node.tasks.table.finding import draft_schema
from node.tasks.table.reading import read_table

TEXT = """name,age,ward,smoker,admitted,weight,died,note
Mueller,61,north,yes,2020-01-05,"70,5",0,
Maier,72,south,no,2021-11-30,"81,0",1,
Huber,55,north,,2019-07-01,"66,2",0,
Gruber,NA,south,no,2020-02-02,"90,1",1,
Weiss,43,north,no,2020-02-02,"90,1",1,
Bauer,80,south,no,2020-02-02,"90,1",1,
"""


def test_types_are_told_and_what_is_no_input_is_left_out_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT)
    draft = draft_schema(read_table(tmp_path / "t.csv"), "died")
    assert [(column.name, column.type) for column in draft.schema.columns] == [
        ("age", "number"),
        ("ward", "category"),
        ("smoker", "yes-no"),
        ("died", "yes-no"),
    ]
    assert {name: why.split()[0] for name, why in draft.left_out.items()} == {
        "name": "text,",
        "admitted": "dates:",
        "weight": "numbers",
        "note": "empty",
    }
    written = draft.schema.write()
    assert not any(cell in written for cell in ("north", "Mueller", "43", "80", "2020"))


def test_a_target_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT)
    table = read_table(tmp_path / "t.csv")
    with pytest.raises(UsageError, match="has no column 'outcome': it has 'name', 'age'"):
        draft_schema(table, "outcome")
    with pytest.raises(SetupError, match="the target name is text"):
        draft_schema(table, "name")
