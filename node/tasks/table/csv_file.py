"""CSV, as spreadsheets and hospitals' exports write it: UTF-8, a header, separated by `,`, `;` or tabs.

The file is the peer's own. It is bounded all the same: an export gone wrong must end in a sentence.
"""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from ledger.errors import SetupError
from node.tasks.csv_text import opened_csv
from node.tasks.table.raw import RawTable, Texts

MOST_BYTES: Final = 1 << 30
MOST_ROWS: Final = 5_000_000
MOST_COLUMNS: Final = 4096
LONGEST_CELL: Final = 4096
_SEPARATORS: Final = (",", ";", "\t")
_HEADER_CHARACTERS: Final = 1 << 20


def read_csv(path: Path, wanted: Collection[str] | None, most_rows: int = MOST_ROWS) -> RawTable:
    """Read the columns that are wanted, as far as the file has them; all where that is None. Raises SetupError."""
    with opened_csv(path, "a table, CSV or Parquet", MOST_BYTES) as text:
        return _read(path, text, wanted, most_rows)


def _read(path: Path, text: TextIO, wanted: Collection[str] | None, most_rows: int) -> RawTable:
    start = text.readline(_HEADER_CHARACTERS)
    if "\0" in start:
        raise SetupError(f"{path} is no text: give a table, CSV, or Parquet with a name that ends in .parquet")
    separator = max(_SEPARATORS, key=start.count)
    text.seek(0)
    rows = _rows(path, csv.reader(text, delimiter=separator, strict=True))
    _, header = next(rows, (0, []))
    names = tuple(name.strip() for name in header)
    check_header(path, names)
    places = [(place, name) for place, name in enumerate(names) if wanted is None or name in wanted]
    columns: dict[str, Texts] = {name: [] for _, name in places}
    takers = [(place, columns[name].append) for place, name in places]
    lines: list[int] = []
    for line, row in rows:
        if len(row) != len(names):
            if not row or row == [""]:
                continue
            raise SetupError(
                f"{path}, line {line}: {len(row)} fields, and the header has {len(names)}: put text that holds a"
                f" {'tab' if separator == chr(9) else separator!r} into quotes"
            )
        if len(lines) >= most_rows:
            raise SetupError(f"{path} has more than {most_rows} rows: give fewer")
        lines.append(line)
        for place, take in takers:
            take(row[place].strip())
    return RawTable(path, names, dict(columns), lines)


def _rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line that it begins in."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise SetupError(f"{path}, line {line}: {error}: save it as CSV with quotes in pairs") from error
        if row is None:
            return
        if any(len(cell) > LONGEST_CELL for cell in row):
            raise SetupError(
                f"{path}, line {line}: a cell of more than {LONGEST_CELL} characters: close its quotes"
            )
        yield line, row


def check_header(path: Path, names: tuple[str, ...]) -> None:
    """Raises SetupError for a header that names no columns, or one of them twice."""
    if not any(names):
        raise SetupError(f"{path} has no header: name its columns in the first line")
    if len(names) > MOST_COLUMNS:
        raise SetupError(f"{path} has {len(names)} columns: at most {MOST_COLUMNS} are read")
    twice = next((name for place, name in enumerate(names) if name and name in names[:place]), None)
    if twice is not None:
        raise SetupError(f"{path} has two columns named {twice[:80]!r}: give each a name of its own")
