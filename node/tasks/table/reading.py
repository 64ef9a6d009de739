"""One's own table, by what its name ends in."""

from collections.abc import Collection
from pathlib import Path

from ledger.errors import SetupError
from node.tasks.table.csv_file import read_csv
from node.tasks.table.parquet_file import read_parquet
from node.tasks.table.raw import RawTable


def read_table(path: Path, wanted: Collection[str] | None = None) -> RawTable:
    """Read a CSV, or a Parquet file whose name ends in .parquet. wanted: the columns; None for all.

    Raises SetupError, also where there are no rows.
    """
    table = read_parquet(path, wanted) if path.suffix.lower() in (".parquet", ".pq") else read_csv(path, wanted)
    if not len(table):
        raise SetupError(f"{path} has no rows: give a table with some")
    return table
