"""A CSV of values over time, read with caution: one's own, but an export gone wrong must end in a sentence."""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import numpy.typing as npt

from ledger.errors import SetupError
from node.tasks.csv_text import opened_csv

MOST_BYTES: Final = 256 << 20
MOST_ROWS: Final = 2_000_000
MOST_FILES: Final = 1000
_LONGEST_LINE: Final = 1 << 16
_SEPARATORS: Final = (",", ";", "\t")
_EMPTY: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})

Seconds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RawSeries:
    """What one file holds, in order of time."""

    path: Path
    """The file."""
    times: Seconds
    """Of each row, (n,), seconds since 1970 on the clock of its place."""
    values: npt.NDArray[np.float64]
    """(n, columns), in the order that was asked for; NaN where a cell is empty."""


def find_series(path: Path) -> dict[str, Path]:
    """The files `*.csv` of a folder, by their names without that, ascending; a file is the only one of itself.

    Raises SetupError.
    """
    if not path.is_dir():
        return {path.stem: path}
    found = {one.stem: one for one in sorted(path.iterdir()) if one.suffix.lower() == ".csv"}
    if not found:
        raise SetupError(f"{path} holds no series: put files into it whose names end in .csv")
    if len(found) > MOST_FILES:
        raise SetupError(f"{path} holds {len(found)} series: at most {MOST_FILES} are read")
    return found


def read_series(path: Path, time: str, columns: Sequence[str]) -> RawSeries:
    """Read a column of times and some of numbers. Raises SetupError.

    UTF-8; separated by `,`, `;` or tabs; times as ISO 8601 has them, such as 2024-05-01 or 2024-05-01T13:00, in
    order.
    """
    with opened_csv(path, "a series, a CSV", MOST_BYTES) as text:
        return _read(path, text, time, columns)


def _read(path: Path, text: TextIO, time: str, columns: Sequence[str]) -> RawSeries:
    header = text.readline(_LONGEST_LINE)
    if "\0" in header:
        raise SetupError(f"{path} is no text: give a CSV")
    separator = max(_SEPARATORS, key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
    places = [_find_place(path, names, name) for name in (time, *columns)]
    times, values = list[int](), list[list[float]]()
    for line, row in _rows(path, text, separator):
        if len(row) != len(names):
            raise SetupError(
                f"{path}, line {line}: {len(row)} fields, and the header has {len(names)}: mend the line"
            )
        times.append(_read_time(path, line, row[places[0]].strip()))
        values.append([_read_number(path, line, row[place].strip()) for place in places[1:]])
        if len(times) > MOST_ROWS:
            raise SetupError(f"{path} has more than {MOST_ROWS:,} rows: give fewer")
    if len(times) < 2:
        raise SetupError(f"{path} has {len(times)} rows: a series has at least two")
    return _in_order(RawSeries(path, np.array(times, np.int64), np.array(values, np.float64)), time)


def _rows(path: Path, text: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(iter(lambda: text.readline(_LONGEST_LINE), ""), delimiter=separator, strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise SetupError(
                f"{path}, line {reader.line_num + 1}: {error}: save it as CSV with quotes in pairs"
            ) from error
        if row is None:
            return
        if row not in ([], [""]):
            yield reader.line_num + 1, row


def _find_place(path: Path, names: Collection[str], name: str) -> int:
    places = [place for place, one in enumerate(names) if one == name]
    if len(places) == 1:
        return places[0]
    known = ", ".join(list(names)[:10])[:200]
    raise SetupError(
        f"{path} has {'two columns' if places else 'no column'} named {name[:80]!r}: its header is {known}; name"
        " one of them with --option columns=NAME:LOW:HIGH, or --option time=NAME"
    )


def _read_time(path: Path, line: int, text: str) -> int:
    try:
        found = datetime.fromisoformat(text[:40])
    except ValueError:
        raise SetupError(
            f"{path}, line {line}: {text[:40]!r} is no time: write it as 2024-05-01 or 2024-05-01T13:00"
        ) from None
    # The place's own clock: hours of the day are what people keep.
    return int((found.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds())


def _read_number(path: Path, line: int, text: str) -> float:
    if text.lower() in _EMPTY:
        return np.nan
    try:
        number = float(text) if len(text) <= 40 and "_" not in text else np.nan
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise SetupError(
            f"{path}, line {line}: {text[:40]!r} is no number: write it with a decimal point, or leave it empty"
        )
    return number


def _in_order(series: RawSeries, time: str) -> RawSeries:
    """Ascending; a file that is the other way round is turned."""
    steps = np.diff(series.times)
    if (steps > 0).all():
        return series
    if (steps < 0).all():
        return RawSeries(series.path, series.times[::-1], series.values[::-1])
    wrong = int(np.argmax(steps <= 0)) + 3
    raise SetupError(
        f"{series.path}, line {wrong}: its {time} is not later than the line's before: sort the rows by time,"
        " and give each time once"
    )
