"""A table as a file has it: columns of texts or numbers, nothing of them interpreted yet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

# What stands for an empty cell, in small letters; a category of that name goes before.
EMPTY: Final = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", ".", "-"})
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_COMMA: Final = re.compile(r"[+-]?[0-9]{0,15}(?:,[0-9]+)+(?:\.[0-9]+)?")
_DATE: Final = re.compile(
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[ T].{0,40})?|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2})"
)


@dataclass(frozen=True)
class RawTable:
    """What was read."""

    path: Path
    """The file."""
    names: tuple[str, ...]
    """All columns of the file, in its order."""
    columns: dict[str, "Texts | Numbers"]
    """Those that were asked for: a text a row, stripped; or numbers, NaN where the cell is empty."""
    lines: Sequence[int]
    """Where each row stands, for people: the line of a CSV, the row of a Parquet file, from 1."""

    def __len__(self) -> int:
        return len(self.lines)


Texts = list[str]


def is_empty(text: str) -> bool:
    """Whether a cell holds nothing."""
    return text.lower() in EMPTY


def is_number(text: str) -> bool:
    """Whether a cell is a number, with a decimal point."""
    return len(text) <= 64 and _NUMBER.fullmatch(text) is not None


def has_comma(text: str) -> bool:
    """Whether it would be a number but for its commas."""
    return len(text) <= 64 and _COMMA.fullmatch(text) is not None


def is_date(text: str) -> bool:
    """Whether a cell is a date."""
    return len(text) <= 64 and _DATE.fullmatch(text) is not None
