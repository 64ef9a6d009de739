"""Lines as a pandas data frame."""

import importlib
from collections.abc import Iterable, Sequence
from typing import Any

from ledger.errors import SetupError
from node.simulator.columns import row_columns
from node.simulator.files import row_lines
from node.simulator.results import Results


def frame_of_rows(results: Sequence[Results]) -> Any:
    """A line a simulation, round and peer. Raises SetupError without pandas."""
    return make_frame(row_columns(results), row_lines(results))


def make_frame(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> Any:
    """A pandas.DataFrame; what is no number is NaN. Raises SetupError without pandas."""
    try:
        pandas: Any = importlib.import_module("pandas")
    except ImportError as error:
        raise SetupError(
            "data frames need pandas, which is not installed: pip install 'folkmoot[simulate]', or read rounds.csv"
        ) from error
    return pandas.DataFrame([list(line) for line in lines], columns=list(columns))
