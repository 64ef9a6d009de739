"""Parquet, by pyarrow: an extra, imported where a file is one."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import numpy as np

from ledger.errors import SetupError
from node.tasks.table.csv_file import LONGEST_CELL, MOST_BYTES, MOST_ROWS, check_header
from node.tasks.table.raw import Numbers, RawTable, Texts

MOST_CELLS: Final = 1 << 28


def read_parquet(path: Path, wanted: Collection[str] | None) -> RawTable:
    """Read the columns that are wanted, as far as the file has them; all where that is None. Raises SetupError."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SetupError(
            "pyarrow is not installed, which reads Parquet: pip install 'folkmoot[table]', or save the table as CSV"
        ) from None
    if not path.is_file():
        raise SetupError(f"there is no file {path}: give the path of a table, CSV or Parquet")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise SetupError(f"{path} has {size} bytes, and a table may have {MOST_BYTES}: give fewer rows")
    try:
        with parquet.ParquetFile(path) as file:
            kinds = {str(field.name): field.type for field in file.schema_arrow}
            names = tuple(str(name) for name in file.schema_arrow.names)
            check_header(path, names)
            chosen = [name for name in names if wanted is None or name in wanted]
            _check_size(path, file.metadata, len(chosen))
            for name in chosen:
                _check_kind(pyarrow, path, name, kinds[name])
        # One text for all rows that have it takes no room in a file, and is not to take it for each of them here.
        texts = [name for name in chosen if _is_text(pyarrow, kinds[name])]
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=chosen, use_threads=False)
            # Where a text lies, and that it is one: a damaged file may say anything.
            table.validate(full=True)
            columns = {name: _to_column(pyarrow, path, name, table.column(name)) for name in chosen}
    except (OSError, UnicodeDecodeError, pyarrow.ArrowException) as error:
        raise SetupError(
            f"{path} is no Parquet file that can be read ({str(error)[:120]!r}): write it anew"
        ) from error
    return RawTable(path, names, columns, range(1, table.num_rows + 1))


def _check_size(path: Path, metadata: Any, columns: int) -> None:
    """What it says to unpack to, before it is unpacked. columns: that are read."""
    unpacked = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
    if metadata.num_rows > MOST_ROWS or unpacked > 4 * MOST_BYTES:
        raise SetupError(f"{path} has {metadata.num_rows} rows in {unpacked} bytes: give at most {MOST_ROWS} rows")
    if metadata.num_rows * columns > MOST_CELLS:
        raise SetupError(
            f"{path} has {metadata.num_rows} rows of {columns} columns: give at most {MOST_CELLS} cells, thus fewer"
        )


def _check_kind(arrow: Any, path: Path, name: str, kind: Any) -> None:
    kind = kind.value_type if arrow.types.is_dictionary(kind) else kind
    types = arrow.types
    known = (
        types.is_boolean,
        types.is_temporal,
        types.is_null,
        _is_number(arrow),
        lambda one: _is_text(arrow, one),
    )
    if not any(is_one(kind) for is_one in known):
        raise SetupError(f"{path}: column {name[:80]!r} holds {kind}: give numbers, texts, or true and false")


def _is_number(arrow: Any) -> Callable[[Any], bool]:
    types = arrow.types
    return lambda kind: types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def _is_text(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _to_column(arrow: Any, path: Path, name: str, column: Any) -> Numbers | Texts:
    """A column of a kind that was checked."""
    kind = column.type
    if arrow.types.is_dictionary(kind) and _is_text(arrow, kind.value_type):
        return [text for chunk in column.chunks for text in _list_texts(path, name, chunk)]
    if arrow.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if arrow.types.is_boolean(kind):
        return ["" if value is None else "true" if value else "false" for value in column.to_pylist()]
    if _is_number(arrow)(kind):
        return np.asarray(column.cast(arrow.float64()).to_numpy(zero_copy_only=False), np.float64)
    if arrow.types.is_temporal(kind):
        return ["" if value is None else str(value) for value in column.to_pylist()]
    return [""] * len(column)


def _list_texts(path: Path, name: str, chunk: Any) -> Texts:
    words = ["" if word is None else word.strip() for word in chunk.dictionary.to_pylist()]
    if any(len(word) > LONGEST_CELL for word in words):
        raise SetupError(f"{path}: column {name[:80]!r} has a text of more than {LONGEST_CELL} characters: cut it")
    return ["" if place is None else words[place] for place in chunk.indices.to_pylist()]
