"""CSV as it comes, and what is refused with the line and a next step."""

import os
from pathlib import Path

import pytest

from ledger.errors import SetupError
from node.tasks.table.csv_file import read_csv


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_quotes_a_byte_order_mark_and_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, '\ufeffname,age\r\n"Fox, ""J""\r\nsecond line",7\r\n\r\n x ,8\r\n'), None)
    assert table.names == ("name", "age")
    assert table.columns == {"name": ['Fox, "J"\r\nsecond line', "x"], "age": ["7", "8"]}
    assert list(table.lines) == [2, 5]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_semicolons_and_tabs_separate_too(tmp_path: Path, separator: str) -> None:
    table = read_csv(write(tmp_path, f"a{separator}b\n1{separator}2,5\n"), None)
    assert table.columns == {"a": ["1"], "b": ["2,5"]}


def test_only_the_wanted_columns_are_kept(tmp_path: Path) -> None:
    assert list(read_csv(write(tmp_path, "a,b,c\n1,2,3\n"), {"c", "z"}).columns) == ["c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 fields, and the header has 2: put text that holds a ','"),
        ("a,b\n1,2\n1\n", "line 3: 1 fields"),
        ('a,b\n1,"2\n', "line 2: .*quotes"),
        ("a,a\n1,2\n", "two columns named 'a'"),
        ("\n", "no header"),
        (b"a,b\n\xe9,2\n", "not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16: save it as CSV in UTF-8"),
        (b"PK\x03\x04\x00\x00\n", "no text"),
        ("a,b\n1," + "x" * 5000 + "\n", "a cell of more than 4096 characters"),
        (",".join(f"c{number}" for number in range(5000)) + "\n", "5000 columns"),
        ("a,b\n1,2\n1,2\n1,2\n1,2\n", "more than 3 rows"),
    ],
)
def test_a_table_out_of_order_is_refused_in_a_sentence(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        read_csv(write(tmp_path, text), None, most_rows=3)


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "none", "no file"),
        (tmp_path, "directory"),
        (tmp_path / "pipe", "cannot be read"),
    ):
        with pytest.raises(SetupError, match=said):
            read_csv(path, None)
