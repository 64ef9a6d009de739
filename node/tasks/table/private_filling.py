"""What a schema does not say yet, found in a file under differential privacy.

Unit: one row, added or removed; who has several rows in the file is protected so many times less. Types, names, and
which columns lack something are the person's word, not the file's. ε is divided evenly among the questions:

- a number's range: the exponential mechanism over round numbers, on how many rows each is away from being the tenth
  (and another the ninth) decile. One row moves that distance by at most 1. Between the two lie eight values in ten;
  the range is made wider, so that of a bell curve it holds nineteen in twenty.
- the categories of a column: those whose number of rows, with two-sided geometric noise, is above a threshold that
  a category of one row passes with probability δ / questions (Korolova et al. 2009).
- a target's shares: the number of rows of each class, with the same noise.

All are drawn by exact weights of 60 digits from the operating system's random numbers: floats leak (Mironov 2012).
Sources: McSherry and Talwar 2007; Ghosh, Roughgarden and Sundararajan 2009; Smith 2011 for quantiles.
"""

import secrets
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from itertools import accumulate
from math import inf, log
from typing import Final

import msgspec
import numpy as np

from ledger.errors import SetupError, UsageError
from node.tasks.table.encoding import as_word, find_empty, read_codes, read_numbers
from node.tasks.table.raw import Numbers, RawTable, is_empty
from node.tasks.table.schema import CATEGORY, LOG, LONGEST_NAME, MOST_CATEGORIES, NUMBER, YES_NO, Column, Schema

DELTA: Final = Decimal("1e-6")
MOST_EPSILON: Final = 20
_LEAST_EACH: Final = Decimal("0.002")
_BELOW: Final = 0.1
_WIDER: Final = (1.95996 / 1.28155 - 1) / 2
"""On each side, as a share: from the middle eight tenths of a bell curve to nineteen twentieths."""
_DIGITS: Final = Context(prec=60)
_WHOLE: Final = Decimal(10) ** 60
_LARGEST_NOISE: Final = 100
"""Over ε: beyond that, noise has a probability below e⁻¹⁰⁰."""

RandomBelow = Callable[[int], int]
"""n → an integer from 0 to n − 1, each alike."""


@dataclass(frozen=True)
class Filled:
    """A schema, and what it cost."""

    schema: Schema
    """Complete."""
    questions: int
    """Among which ε was divided."""
    rank_error: float
    """The deciles of a range are most likely (19 in 20) off by no more rows than this."""
    has_categories: bool
    """Whether δ was spent too."""


@lru_cache
def grid() -> tuple[float, ...]:
    """The round numbers that deciles are looked for among, ascending: of two digits, and counts and years."""
    above = {float(f"{digits}e{power}") for power in range(-6, 9) for digits in range(10, 100)}
    return tuple(sorted({-value for value in above} | {0.0} | above | {float(year) for year in range(1, 3000)}))


def fill_schema(table: RawTable, schema: Schema, epsilon: Decimal, draw: RandomBelow = secrets.randbelow) -> Filled:
    """Fill in what lacks. table: with the columns that lack something. Raises UsageError, SetupError.

    draw: where the random numbers come from; another source than the operating system's protects nobody.
    """
    if not epsilon.is_finite() or not 0 < epsilon <= MOST_EPSILON:
        raise UsageError(f"--epsilon {epsilon} is not above 0 and at most {MOST_EPSILON}: give a number such as 1")
    wants_shares = schema.target_column.type != NUMBER and schema.target_column.shares is None
    lacking = [column for column in schema.columns if not column.is_complete]
    asked = [*lacking, *([schema.target_column] if wants_shares else [])]
    if not asked:
        raise UsageError("the schema lacks nothing: there is nothing to find")
    for column in asked:
        if column.name not in table.columns:
            raise SetupError(f"{table.path} has no column {column.name}, which the schema names: add or rename it")
    share = _DIGITS.divide(epsilon, Decimal(len(asked)))
    if share < _LEAST_EACH:
        raise UsageError(
            f"--epsilon {epsilon} among {len(asked)} questions leaves each less than {_LEAST_EACH}, too little to"
            " find anything: state more in the schema, or give more"
        )
    for column in lacking:
        if column.type == YES_NO:
            raise UsageError(
                f"which word of {column.name} is yes no file says: write {column.wanted} into the schema first"
            )
        if column.type == NUMBER and len(_list_ends(column)) < 2:
            raise UsageError(f"beyond the end of {column.name} that the schema states nothing is found: state both")
    done = {
        one.name: _fill(table, one, share, len(asked), draw, is_target=one.name == schema.target) for one in lacking
    }
    columns = tuple(done.get(column.name, column) for column in schema.columns)
    found = Schema(version=schema.version, target=schema.target, columns=columns)
    if wants_shares:
        told = msgspec.structs.replace(
            found.target_column, shares=_find_shares(table, found.target_column, share, draw)
        )
        columns = tuple(told if column.name == schema.target else column for column in columns)
        found = Schema(version=schema.version, target=schema.target, columns=columns)
    rank_error = 4 * log(20 * len(grid())) / float(share)
    return Filled(found, len(asked), rank_error, any(column.type == CATEGORY for column in lacking))


def _fill(
    table: RawTable, column: Column, epsilon: Decimal, questions: int, draw: RandomBelow, *, is_target: bool
) -> Column:
    values = table.columns[column.name]
    if column.type == CATEGORY:
        words = [as_word(value) for value in values] if isinstance(values, np.ndarray) else values
        categories = _find_categories(column, words, epsilon, questions, draw, fewest=2 if is_target else 1)
        return msgspec.structs.replace(column, categories=categories)
    numbers = read_numbers(table, column, values, table.lines)
    known = np.sort(numbers[~np.isnan(numbers)])
    at = _list_ends(column)
    low, high = sorted(_draw_quantile(known, at, below, epsilon / 2, draw) for below in (_BELOW, 1 - _BELOW))
    if low == high:
        low, high = max(low - 1, 0), min(high + 1, len(at) - 1)
    found = _widen(at[low], at[high], column.scale == LOG)
    return msgspec.structs.replace(
        column,
        low=found[0] if column.low is None else column.low,
        high=found[1] if column.high is None else column.high,
    )


def _list_ends(column: Column) -> list[float]:
    """Among what a range's ends are looked for: beyond the end that is stated, where one is."""
    least = 0.0 if column.scale == LOG else -inf
    least, most = (
        max(least, -inf if column.low is None else column.low),
        inf if column.high is None else column.high,
    )
    return [value for value in grid() if least < value < most]


def _widen(low: float, high: float, is_log: bool) -> tuple[float, float]:
    """By _WIDER on each side, to three digits."""
    if is_log:
        factor = (high / low) ** _WIDER
        ends = low / factor, high * factor
    else:
        ends = low - _WIDER * (high - low), high + _WIDER * (high - low)
    return float(f"{ends[0]:.3g}"), float(f"{ends[1]:.3g}")


def _draw_quantile(known: Numbers, at: Sequence[float], below: float, epsilon: Decimal, draw: RandomBelow) -> int:
    """The place in `at`. known: ascending."""
    under, upto = (np.searchsorted(known, np.array(at), side) for side in ("left", "right"))
    many = len(known)
    # Neither may the values below be too many, nor those above; a value of many rows is a decile of them all.
    distances = np.maximum((1 - below) * under - below * (many - under), below * (many - upto) - (1 - below) * upto)
    distances = np.maximum(distances, 0)
    # From the least distance on: a factor that all weights share changes no probability.
    kinds, kind = np.unique(distances - distances.min(), return_inverse=True)
    weights = [_exponential(-epsilon * Decimal(repr(float(one))) / 2) for one in kinds]
    return _draw_place([weights[place] for place in kind], draw)


def _find_categories(
    column: Column, words: Sequence[str], epsilon: Decimal, questions: int, draw: RandomBelow, fewest: int
) -> tuple[str, ...]:
    """fewest: that the schema may have of it. What a schema takes as no category's name is never one."""
    counts = Counter(
        word
        for word in words
        if not is_empty(word)
        and len(word) <= LONGEST_NAME
        and word.isprintable()
        and not (column.other and word == "other")
    )
    noise = _Noise(epsilon, draw)
    threshold = 1 + float((Decimal(questions) / DELTA).ln() / epsilon)
    # In the order of the alphabet, so that not even their order tells of counts.
    found = tuple(word for word in sorted(counts) if counts[word] + noise.draw() > threshold)[:MOST_CATEGORIES]
    if len(found) < fewest:
        raise SetupError(
            f"{column.name}: {'only one' if found else 'no'} category has enough rows to be named at this epsilon"
            f" (about {threshold:.0f}): write its categories in by hand, or leave the column out"
        )
    return found


def _find_shares(table: RawTable, column: Column, epsilon: Decimal, draw: RandomBelow) -> tuple[float, ...]:
    """A target's, none below about .001, 1 together. Cells that are none of its classes do not count."""
    values = table.columns[column.name]
    empty = find_empty(values, column)
    codes = read_codes(
        table, msgspec.structs.replace(column, other=column.type == CATEGORY), values, empty, table.lines
    )
    noise, sizes = _Noise(epsilon, draw), []
    for number in range(len(column.classes)):
        sizes.append(max(int((codes == number).sum()) + noise.draw(), 1))
    floored = [max(size / sum(sizes), 0.001) for size in sizes]
    return tuple(round(one / sum(floored), 6) for one in floored)


class _Noise:
    """Two-sided geometric noise: z with a probability of e^(−ε|z|), times a constant."""

    def __init__(self, epsilon: Decimal, draw: RandomBelow) -> None:
        self._most = int(_LARGEST_NOISE / epsilon) + 1
        down = [_exponential(-epsilon * size) for size in range(self._most, 0, -1)]
        self._weights, self._draw = [*down, Decimal(1), *reversed(down)], draw

    def draw(self) -> int:
        return _draw_place(self._weights, self._draw) - self._most


def _exponential(power: Decimal) -> Decimal:
    return _DIGITS.exp(power)


def _draw_place(weights: Sequence[Decimal], draw: RandomBelow) -> int:
    """A place, with a probability in proportion to its weight, which is at most 1."""
    sums = list(accumulate(int(weight * _WHOLE) for weight in weights))
    return bisect_right(sums, draw(sums[-1]))
