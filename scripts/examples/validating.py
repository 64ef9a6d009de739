"""An example on its training part alone: part of that is held out in place of what the table reports.

Settings are chosen by figures of this part, so that no choice has seen what a table shows.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from ledger.errors import UsageError
from ledger.files import PUBLIC, write_whole
from node.tasks.series.reading import find_series
from node.tasks.table.dealing import split_held_out
from node.tasks.table.encoding import encode_table
from node.tasks.table.reading import read_table
from node.tasks.table.schema import parse_whole_schema
from node.tasks.text.reading import find_owners, read_texts
from scripts.examples.example import Example

SHARE: Final = 0.2
"""Of a table and of a series, what the tasks hold out, and what is held out of the rest."""
# A tenth of the symbols is held out. Counted in characters that may be a little more, so this leaves more out.
_TEXT_SHARE: Final = 0.15
_VALIDATION: Final = "validation"


def hold_out_again(example: Example, folder: Path) -> Example:
    """The example on what it trains on, as large a part of it held out as before. folder: for the files.

    Raises UsageError for a task that cannot be cut, SetupError where its data are not to be had.
    """
    if example.validation_task is not None:
        return replace(example, task=example.validation_task, samples=_less(example.samples))
    kind = example.kind or example.task
    if example.data is None or kind not in _CUTTERS:
        raise UsageError(f"{example.title}: its data cannot be parted again")
    path = _CUTTERS[kind](example.data(), folder, example.options)
    options, samples = example.options, example.samples
    if kind == "table":
        # Rows are held out by a hash of what they hold: the first fifth is gone, and this is the next one's.
        options = {**options, "held_out": f"{SHARE + SHARE * (1 - SHARE):g}"}
        samples = _less(samples)
    return replace(example, data=lambda: path, options=options, samples=samples)


def _less(samples: int) -> int:
    """Shares are smaller in proportion, as their pool is."""
    return int(samples * (1 - SHARE))


def _cut_table(source: Path, folder: Path, options: Mapping[str, str]) -> Path:
    """The rows that the task trains on."""
    schema = parse_whole_schema(Path(options["schema"]).read_text())
    table = encode_table(read_table(source, {column.name for column in schema.columns}), schema)
    train, _ = split_held_out(table, SHARE, None)
    kept = {int(table.lines[row]) for row in train}
    lines = source.read_text().splitlines(keepends=True)
    path = folder / f"{_VALIDATION}.csv"
    write_whole(path, "".join([lines[0], *(lines[one - 1] for one in sorted(kept))]).encode(), mode=PUBLIC)
    return path


def _cut_series(source: Path, folder: Path, _: Mapping[str, str]) -> Path:
    """All but the end of each series."""
    for name, path in find_series(source).items():
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        kept = [header, *rows[: len(rows) - int(len(rows) * SHARE)]]
        write_whole(folder / f"{name}.csv", "".join(",".join(row) + "\n" for row in kept).encode(), mode=PUBLIC)
    return folder


def _cut_texts(source: Path, folder: Path, _: Mapping[str, str]) -> Path:
    """All but the end of each one's texts."""
    for owner, paths in find_owners(source).items():
        text = "\n".join(read_texts(paths))
        path = folder / owner / f"{_VALIDATION}.txt"
        path.parent.mkdir()
        write_whole(path, text[: len(text) - int(len(text) * _TEXT_SHARE)].encode(), mode=PUBLIC)
    return folder


_CUTTERS: Final[Mapping[str, Callable[[Path, Path, Mapping[str, str]], Path]]] = {
    "table": _cut_table,
    "series": _cut_series,
    "text": _cut_texts,
}
