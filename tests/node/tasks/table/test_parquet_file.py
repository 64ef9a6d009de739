"""Parquet gives what the same CSV gives."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ledger.errors import SetupError
from node.tasks.table import parquet_file
from node.tasks.table.parquet_file import read_parquet

arrow = pytest.importorskip("pyarrow")


def test_numbers_texts_truths_and_dates_are_read(tmp_path: Path) -> None:
    from pyarrow import parquet

    columns = {
        "age": [1.5, None],
        "count": [3, None],
        "ward": arrow.array(["a", None]).dictionary_encode(),
        "smoker": [True, None],
        "born": [date(2001, 2, 3), None],
        "nothing": [None, None],
    }
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    table = read_parquet(tmp_path / "t.parquet", None)
    np.testing.assert_array_equal(table.columns["age"], [1.5, np.nan])
    np.testing.assert_array_equal(table.columns["count"], [3, np.nan])
    assert {name: table.columns[name] for name in ("ward", "smoker", "born")} == {
        "ward": ["a", ""],
        "smoker": ["true", ""],
        "born": ["2001-02-03", ""],
    }
    assert list(read_parquet(tmp_path / "t.parquet", {"age"}).columns) == ["age"]


def test_what_is_no_parquet_or_holds_lists_is_refused(tmp_path: Path) -> None:
    from pyarrow import parquet

    (tmp_path / "t.parquet").write_bytes(b"PAR1 and nothing more PAR1")
    with pytest.raises(SetupError, match="no Parquet file"):
        read_parquet(tmp_path / "t.parquet", None)
    parquet.write_table(arrow.table({"a": [[1], [2]]}), tmp_path / "t.parquet")
    with pytest.raises(SetupError, match="column 'a' holds list"):
        read_parquet(tmp_path / "t.parquet", None)


@pytest.mark.parametrize("word", ["medicine", "ward"])
def test_texts_and_names_that_are_no_utf_8_are_refused(tmp_path: Path, word: str) -> None:
    from pyarrow import parquet

    path = tmp_path / "t.parquet"
    parquet.write_table(arrow.table({"ward": ["medicine"]}), path, compression="none", store_schema=False)
    path.write_bytes(path.read_bytes().replace(word.encode(), b"\xff" * len(word)))
    with pytest.raises(SetupError, match="no Parquet file that can be read"):
        read_parquet(path, None)


def test_a_text_beyond_those_that_are_there_is_refused(tmp_path: Path) -> None:
    from pyarrow import parquet

    path, words = tmp_path / "t.parquet", ["a", "b", "c", "d", "e"] * 4
    parquet.write_table(arrow.table({"ward": words}), path, compression="none", store_schema=False)
    whole, refused = path.read_bytes(), 0
    for at in range(4, len(whole) - 8):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 7]) + whole[at + 1 :])
        try:
            assert len(read_parquet(path, None)) <= len(words)
        except SetupError:
            refused += 1
    assert refused > 0


def test_a_text_of_many_rows_takes_room_once(tmp_path: Path) -> None:
    from pyarrow import parquet

    words = arrow.array(["x" * 4000, "y"])
    for kind in (arrow.string(), arrow.large_string()):
        texts = arrow.DictionaryArray.from_arrays(arrow.array([0, None, 1] * 9_999, arrow.int32()), words).cast(
            kind
        )
        parquet.write_table(arrow.table({"a": texts}), tmp_path / "t.parquet")
        found = read_parquet(tmp_path / "t.parquet", None).columns["a"]
        assert isinstance(found, list)
        assert found == ["x" * 4000, "", "y"] * 9_999
        assert len({id(text) for text in found}) <= 4


def test_a_text_that_is_too_long_and_cells_beyond_counting_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow import parquet

    parquet.write_table(arrow.table({"a": ["x" * 4097]}), tmp_path / "t.parquet")
    with pytest.raises(SetupError, match="column 'a' has a text of more than 4096 characters"):
        read_parquet(tmp_path / "t.parquet", None)
    parquet.write_table(arrow.table({"a": [1, 1], "b": [1, 1]}), tmp_path / "t.parquet")
    monkeypatch.setattr(parquet_file, "MOST_CELLS", 3)
    with pytest.raises(SetupError, match="2 rows of 2 columns: give at most 3 cells"):
        read_parquet(tmp_path / "t.parquet", None)
    assert len(read_parquet(tmp_path / "t.parquet", {"a"})) == 2
