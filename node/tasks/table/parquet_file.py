"""Parquet, by pyarrow: an extra, imported where a file is one."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from ledger.errors import SetupError
from node.tasks.table.csv_file import MOST_BYTES, MOST_ROWS, check_header
from node.tasks.table.raw import Numbers, RawTable, Texts


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
            names = tuple(str(name) for name in file.schema_arrow.names)
            check_header(path, names)
            _check_size(path, file.metadata)
            chosen = [name for name in names if wanted is None or name in wanted]
            table = file.read(columns=chosen, use_threads=False)
            columns = {name: _to_column(pyarrow, path, name, table.column(name)) for name in chosen}
    except (OSError, pyarrow.ArrowException) as error:
        raise SetupError(
            f"{path} is no Parquet file that can be read ({str(error)[:120]!r}): write it anew"
        ) from error
    return RawTable(path, names, columns, range(1, table.num_rows + 1))


def _check_size(path: Path, metadata: Any) -> None:
    """What it says to unpack to, before it is unpacked."""
    unpacked = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
    if metadata.num_rows > MOST_ROWS or unpacked > 4 * MOST_BYTES:
        raise SetupError(f"{path} has {metadata.num_rows} rows in {unpacked} bytes: give at most {MOST_ROWS} rows")


def _to_column(arrow: Any, path: Path, name: str, column: Any) -> Numbers | Texts:
    kind = column.type
    if arrow.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if arrow.types.is_boolean(kind):
        return ["" if value is None else "true" if value else "false" for value in column.to_pylist()]
    if arrow.types.is_integer(kind) or arrow.types.is_floating(kind) or arrow.types.is_decimal(kind):
        return np.asarray(column.cast(arrow.float64()).to_numpy(zero_copy_only=False), np.float64)
    if arrow.types.is_string(kind) or arrow.types.is_large_string(kind) or arrow.types.is_string_view(kind):
        return ["" if value is None else value.strip() for value in column.to_pylist()]
    if arrow.types.is_temporal(kind):
        return ["" if value is None else str(value) for value in column.to_pylist()]
    if arrow.types.is_null(kind):
        return [""] * len(column)
    raise SetupError(f"{path}: column {name[:80]!r} holds {kind}: give numbers, texts, or true and false")
