"""A series that went wrong ends in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from ledger.errors import SetupError
from node.tasks.series import reading
from node.tasks.series.reading import find_series, read_series


def write(folder: Path, content: bytes | str) -> Path:
    path = folder / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_times_and_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufefftime;x;noise;y\r\n1970-01-02;1.5;?;2\r\n1970-01-02T01:00;NA;;-3e2\r\n\r\n")

    found = read_series(path, "time", ["y", "x"])

    assert found.times.tolist() == [86400, 90000]
    assert found.values[0].tolist() == [2, 1.5]
    assert found.values[1, 0] == -300
    assert np.isnan(found.values[1, 1])


def test_a_file_with_the_latest_first_is_turned(tmp_path: Path) -> None:
    found = read_series(write(tmp_path, "time,x\n2024-01-02,2\n2024-01-01,1\n"), "time", ["x"])

    assert found.values[:, 0].tolist() == [1, 2]


def test_a_folder_holds_a_series_a_file(tmp_path: Path) -> None:
    write(tmp_path, "time,x\n")
    (tmp_path / "notes.txt").write_text("x")

    assert list(find_series(tmp_path)) == ["a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("when,x\n2024-01-01,1\n", "no column named 'time': its header is when, x"),
        ("time,x,x\n2024-01-01,1,2\n", "two columns named 'x'"),
        ("time,x\n2024-01-01,1\n", "1 rows"),
        ("", "no column named 'time'"),
        ("time,x\n01/02/2024,1\n", "line 2: '01/02/2024' is no time"),
        ("time,x\n2024-01-01,one\n", "line 2: 'one' is no number"),
        ("time,x\n2024-01-01,inf\n", "'inf' is no number"),
        ("time,x\n2024-01-01,1,2\n", "line 2: 3 fields, and the header has 2"),
        ("time,x\n2024-01-01,1\n2024-01-02,1\n2024-01-02,1\n", "line 4: its time is not later"),
        ('time,x\n2024-01-01,"1\n', "quotes"),
        (b"time,x\0\n", "is no text"),
        ("time,x\n2024-01-01,\xe9\n".encode("latin-1"), "is not UTF-8"),
        ("time,x\n" + "2024-01-01,1\n" * 20, "more than 10 rows"),
    ],
)
def test_what_is_no_series_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | str, said: str
) -> None:
    monkeypatch.setattr(reading, "MOST_ROWS", 10)

    with pytest.raises(SetupError, match=said):
        read_series(write(tmp_path, content), "time", ["x"])


def test_a_file_that_is_not_there_or_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="there is no file"):
        read_series(tmp_path / "b.csv", "time", ["x"])
    monkeypatch.setattr(reading, "MOST_BYTES", 10)
    with pytest.raises(SetupError, match="may have 10"):
        read_series(write(tmp_path, "time,x\n2024-01-01,1\n"), "time", ["x"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SetupError, match="holds no series"):
        find_series(tmp_path / "empty")
