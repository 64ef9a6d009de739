"""A table becomes tensors, by the schema alone: nothing is learnt from the rows.

No cell is ever shown: a sentence says the column and the line, as what is printed may end in a log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.errors import SetupError
from node.tasks.table.raw import Numbers, RawTable, Texts, has_comma, is_empty, is_number
from node.tasks.table.schema import CATEGORY, LOG, NUMBER, YES_NO, Column, Schema

Features = npt.NDArray[np.float32]

# A column whose low and high hold nineteen values in twenty comes to a deviation of about 1.
SPAN: Final = 2.0
# Beyond that the unit is another one, not the patients.
_MOST_OUTSIDE: Final = 0.25
_FEWEST_FOR_UNIT: Final = 20
YES_WORDS: Final = frozenset({"yes", "y", "true", "t", "1"})
NO_WORDS: Final = frozenset({"no", "n", "false", "f", "0"})
_MISSING: Final = -1
_OTHER_WORD: Final = -2


@dataclass(frozen=True)
class EncodedTable:
    """What a model is given."""

    x: Features
    """(rows, inputs): numbers from −2 to 2, yes-no −1 and 1, a category 0 and 1; missing is 0, and 1 in the input
    that says so."""
    y: npt.NDArray[np.int64] | npt.NDArray[np.float32]
    """(rows,): class numbers, or the target on the scale of the inputs."""
    lines: npt.NDArray[np.int64]
    """(rows,): where each row stands in the file."""
    without_target: int
    """Rows that were left out, as their target is empty."""
    cut: dict[str, int]
    """Column → how many of its values lay outside low and high and were cut to them; those with any."""


def encode_table(table: RawTable, schema: Schema) -> EncodedTable:
    """Encode a table that holds the schema's columns. Raises SetupError with the column and what to do."""
    for column in schema.columns:
        if column.name not in table.columns:
            raise SetupError(_lacks(table, column))
    target = schema.target_column
    has_target = ~find_empty(table.columns[target.name], target)
    if not has_target.any():
        raise SetupError(f"{table.path}: no row has a value for {target.name}, the target: give rows that have")
    rows = np.flatnonzero(has_target)
    lines = np.asarray(table.lines, np.int64)[rows]
    cut: dict[str, int] = {}
    blocks = [_encode_feature(table, column, rows, lines, cut) for column in schema.features]
    return EncodedTable(
        x=np.concatenate(blocks, 1),
        y=_encode_target(table, target, rows, lines),
        lines=lines,
        without_target=len(table) - len(rows),
        cut=cut,
    )


def _lacks(table: RawTable, column: Column) -> str:
    by_letters = {name.lower(): name for name in table.names}
    near = [by_letters[name] for name in get_close_matches(column.name.lower(), by_letters, 1, 0.7)]
    hint = f"rename its column {near[0][:80]!r}" if near else "add it, with empty cells where it is not known"
    hint = hint if column.missing or near else "add it"
    return f"{table.path} has no column {column.name}, which the schema names: {hint}"


def _take(values: Texts | Numbers, rows: npt.NDArray[np.int64]) -> Texts | Numbers:
    return values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]


def find_empty(values: Texts | Numbers, column: Column) -> npt.NDArray[np.bool_]:
    """(n,): whether each cell holds nothing."""
    if isinstance(values, np.ndarray):
        return np.isnan(values)
    named = set(column.classes) if column.type != NUMBER else set()
    return np.fromiter((is_empty(text) and text not in named for text in values), np.bool_, len(values))


def _encode_feature(
    table: RawTable,
    column: Column,
    rows: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    cut: dict[str, int],
) -> Features:
    """(rows, inputs) of one column."""
    values = _take(table.columns[column.name], rows)
    empty = find_empty(values, column)
    if empty.any() and not column.missing:
        raise SetupError(
            f"{table.path}, line {lines[empty.argmax()]}: {column.name} is empty, and the schema allows that of no"
            f" row (here {empty.sum()} of {len(empty)}): fill in what lacks, or leave these rows out"
        )
    if column.type == NUMBER:
        numbers = read_numbers(table, column, values, lines)
        block, outside = scale_numbers(column, numbers)
        _check_unit(table, column, outside & ~empty, len(empty) - int(empty.sum()))
        if found := int((outside & ~empty).sum()):
            cut[column.name] = found
        block = np.where(empty, np.float32(0), np.clip(block, -SPAN, SPAN))[:, None]
    else:
        codes = read_codes(table, column, values, empty, lines)
        if column.type == YES_NO:
            block = np.select([codes == 1, codes == 0], [np.float32(1), np.float32(-1)], np.float32(0))[:, None]
        else:
            block = (codes[:, None] == np.arange(len(column.classes))).astype(np.float32)
    if column.missing:
        block = np.concatenate([block, empty[:, None].astype(np.float32)], 1)
    return block.astype(np.float32, copy=False)


def _encode_target(
    table: RawTable, column: Column, rows: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | npt.NDArray[np.float32]:
    values = _take(table.columns[column.name], rows)
    if column.type != NUMBER:
        return read_codes(table, column, values, np.zeros(len(rows), np.bool_), lines)
    numbers = read_numbers(table, column, values, lines)
    scaled, outside = scale_numbers(column, numbers)
    _check_unit(table, column, outside, len(numbers))
    return scaled


def read_numbers(
    table: RawTable, column: Column, values: Texts | Numbers, lines: Sequence[int] | npt.NDArray[np.int64]
) -> Numbers:
    """(n,), float64, NaN where a cell is empty. Raises SetupError for a cell that is no finite number."""
    if isinstance(values, np.ndarray):
        if (wrong := np.isinf(values)).any():
            raise SetupError(
                f"{table.path}, line {lines[int(wrong.argmax())]}: {column.name} is infinite: correct it"
            )
        return values
    found = np.full(len(values), np.nan)
    for place, text in enumerate(values):
        if is_number(text):
            found[place] = float(text)
        elif not is_empty(text):
            raise SetupError(f"{table.path}, line {lines[place]}: {_explain(column, text)}")
    if (wrong := np.isinf(found)).any():
        raise SetupError(f"{table.path}, line {lines[int(wrong.argmax())]}: {column.name} is too large: correct it")
    return found


def _explain(column: Column, text: str) -> str:
    if has_comma(text):
        return (
            f"{column.name} has a comma in a number: write numbers with a decimal point and nothing between their"
            " thousands"
        )
    return f"{column.name} is no number, as the schema says it is: correct the cell, or leave it empty"


def scale_numbers(column: Column, numbers: Numbers) -> tuple[Features, npt.NDArray[np.bool_]]:
    """Numbers on the scale where low is −2 and high is 2, not cut; and which lie outside the two."""
    assert column.low is not None
    assert column.high is not None
    outside = (numbers < column.low) | (numbers > column.high)
    low, high, at = column.low, column.high, numbers
    if column.scale == LOG:
        # What is 0 or below has no logarithm: it counts as the lowest.
        low, high, at = np.log(low), np.log(high), np.log(np.where(numbers > 0, numbers, column.low))
    return (SPAN * (2 * (at - low) / (high - low) - 1)).astype(np.float32), outside


def unscale_numbers(column: Column, scaled: npt.ArrayLike) -> Numbers:
    """The way back, float64; what a logarithm makes of a wild answer stays finite."""
    assert column.low is not None
    assert column.high is not None
    share = (np.asarray(scaled, np.float64) / SPAN + 1) / 2
    if column.scale != LOG:
        return np.asarray(column.low + share * (column.high - column.low))
    low, high = np.log(column.low), np.log(column.high)
    return np.asarray(np.exp(np.clip(low + share * (high - low), -80, 80)))


def _check_unit(table: RawTable, column: Column, outside: npt.NDArray[np.bool_], known: int) -> None:
    found = int(outside.sum())
    if known >= _FEWEST_FOR_UNIT and found > _MOST_OUTSIDE * known:
        unit = f" {column.unit}" if column.unit else ""
        raise SetupError(
            f"{table.path}: {found} of {known} values of {column.name} lie outside {column.low:g} to"
            f" {column.high:g}{unit}, the schema's range: give it in that unit"
        )


def read_codes(
    table: RawTable,
    column: Column,
    values: Texts | Numbers,
    empty: npt.NDArray[np.bool_],
    lines: Sequence[int] | npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """(n,), int64: the number of each cell's class; −1 where it is empty. Raises SetupError for another word."""
    texts = [as_word(value) for value in values] if isinstance(values, np.ndarray) else values
    numbers = _number_words(column)
    is_own = column.type == YES_NO and not (column.yes or column.no)
    default = len(column.classes) - 1 if column.type == CATEGORY and column.other else _OTHER_WORD
    codes = np.fromiter(
        (numbers.get(text.lower() if is_own else text, default) for text in texts), np.int64, len(texts)
    )
    codes[empty] = _MISSING
    if (wrong := codes == _OTHER_WORD).any():
        words = (
            "yes and no" if is_own else ", ".join(column.classes[:5]) + (" …" if len(column.classes) > 5 else "")
        )
        raise SetupError(
            f"{table.path}, line {lines[int(wrong.argmax())]}: {column.name} is none of the schema's {words} (nor"
            f" are {wrong.sum()} of {len(codes)}): write one of them, or leave the cell empty"
        )
    return codes


def _number_words(column: Column) -> dict[str, int]:
    if column.type == YES_NO:
        yes, no = ({column.yes} if column.yes else YES_WORDS), ({column.no} if column.no else NO_WORDS)
        return {**dict.fromkeys(no, 0), **dict.fromkeys(yes, 1)}
    return {word: number for number, word in enumerate(column.categories or ())}


def as_word(value: float) -> str:
    """A number as a category's name: 3.0 is 3."""
    return "" if np.isnan(value) else str(int(value)) if float(value).is_integer() else repr(float(value))
