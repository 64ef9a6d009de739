"""What members agree on about the columns of their series: names and public ranges, in one line of text.

    riders:0:25:log, temperature:-30:45

Nobody learns a scale from its own values, so none gives one away: between low and high lie nearly all values that
such a column has anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.errors import UsageError

Values = npt.NDArray[np.float64]

LOG: Final = "log"
MOST_COLUMNS: Final = 64
LONGEST_NAME: Final = 100
_LARGEST: Final = 1e15
# How far beyond its range a value still counts for what it is, in ranges; what is further off is set to that.
_ROOM: Final = 1.0


@dataclass(frozen=True)
class Column:
    """A column that the model looks at."""

    name: str
    """As in the file's header."""
    low: float
    """The least value that is usual anywhere, in the column's unit."""
    high: float
    """The largest one."""
    is_log: bool = False
    """A few values are many times the others: steps are ratios. low + 1 % of the range is half way to zero."""

    def scale(self, values: Values) -> Values:
        """To −1..1 over the range, as far as −3..3 beyond it. NaN stays."""
        bent = self._bend((values - self.low) / (self.high - self.low))
        limit = 1 + 2 * _ROOM
        scaled: Values = np.clip(2 * bent - 1, -limit, limit)
        return scaled

    def unscale(self, scaled: Values) -> Values:
        """Back to the column's own unit."""
        return self.low + self._unbend((scaled + 1) / 2) * (self.high - self.low)

    def _bend(self, share: Values) -> Values:
        if not self.is_log:
            return share
        bent: Values = np.sign(share) * np.log1p(np.abs(share) / _KNEE) / np.log1p(1 / _KNEE)
        return bent

    def _unbend(self, bent: Values) -> Values:
        if not self.is_log:
            return bent
        share: Values = np.sign(bent) * np.expm1(np.abs(bent) * np.log1p(1 / _KNEE)) * _KNEE
        return share


_KNEE: Final = 0.01
"""Of the range: well below it a scale of `log` is linear, so that it has a place for 0."""


def parse_columns(text: str) -> tuple[Column, ...]:
    """The columns, the one to foretell first. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MOST_COLUMNS:
        raise UsageError(f"columns names {len(parts)}: name at most {MOST_COLUMNS}")
    columns = tuple(_parse_column(part) for part in parts)
    names = [column.name for column in columns]
    if twice := next((name for place, name in enumerate(names) if name in names[:place]), None):
        raise UsageError(f"columns names {twice!r} twice: name each column once")
    return columns


def _parse_column(text: str) -> Column:
    name, *rest = text.split(":")
    is_log = rest[-1:] == [LOG]
    numbers = _read_numbers(rest[:-1] if is_log else rest)
    is_name = 0 < len(name) <= LONGEST_NAME and name.isprintable()
    if not is_name or len(numbers) != 2:
        raise UsageError(
            f"columns holds {text[:LONGEST_NAME]!r}: give NAME:LOW:HIGH, as riders:0:25, or riders:0:25:{LOG}, the"
            " one to foretell first"
        )
    low, high = numbers
    if not low < high or max(abs(low), abs(high)) > _LARGEST:
        raise UsageError(f"columns: the range of {name} is {low:g} to {high:g}: give the lower number first")
    return Column(name, low, high, is_log)


def _read_numbers(texts: Sequence[str]) -> list[float]:
    try:
        found = [float(text) for text in texts]
    except ValueError:
        return []
    return found if all(map(isfinite, found)) else []
