"""A draft of a schema from a file: names and types alone.

Ranges, categories and shares are figures of the people in the file, so they are not in the draft: a person writes
in what is publicly known, or `private_filling` finds them under differential privacy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.errors import SetupError, UsageError
from node.tasks.table.encoding import NO_WORDS, YES_WORDS
from node.tasks.table.raw import Numbers, RawTable, Texts, has_comma, is_date, is_empty, is_number
from node.tasks.table.schema import CATEGORY, LONGEST_NAME, NUMBER, YES_NO, Column, Schema

_MOST_WORDS: Final = 100
_FEWEST_A_WORD: Final = 3
_WORDS_OF_YES_NO: Final = 2


@dataclass(frozen=True)
class Draft:
    """What was found."""

    schema: Schema
    """Names and types; ranges and categories are for a person to fill in."""
    left_out: dict[str, str]
    """Column → why it is not in the schema."""


def draft_schema(table: RawTable, target: str) -> Draft:
    """Tell each column's type. table: all columns. Raises UsageError, SetupError where the target is none."""
    if target not in table.names:
        raise UsageError(f"{table.path} has no column {target[:80]!r}: it has {_list(table.names)}")
    found = {name: _tell(name, table.columns[name], is_target=name == target) for name in table.names}
    if not isinstance(found[target], Column):
        raise SetupError(f"{table.path}: the target {target} is {found[target]}: choose another column")
    columns = tuple(one for one in found.values() if isinstance(one, Column))
    if len(columns) < 2:
        raise SetupError(f"{table.path} has no column besides the target that a model can learn from")
    return Draft(
        Schema(version=1, target=target, columns=columns),
        {name: one for name, one in found.items() if isinstance(one, str)},
    )


def _tell(name: str, values: Texts | Numbers, *, is_target: bool) -> Column | str:  # noqa: PLR0911
    """The column, or why there is none.

    A target of two words is a yes-no, whose first question is which of them is yes: that one is looked for, and no
    file says it.
    """
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return "without a name that can be shown"
    if isinstance(values, np.ndarray):
        known = values[~np.isnan(values)]
        if not len(known):
            return "empty"
        return Column(name=name, type=YES_NO if np.isin(known, (0.0, 1.0)).all() else NUMBER)
    texts = [text for text in values if not is_empty(text)]
    if not texts:
        return "empty"
    if all(text.lower() in YES_WORDS | NO_WORDS for text in texts):
        return Column(name=name, type=YES_NO)
    if all(map(is_number, texts)):
        return Column(name=name, type=NUMBER)
    if all(is_number(text) or has_comma(text) for text in texts):
        return "numbers with commas: write them with a decimal point"
    if all(map(is_date, texts)):
        return "dates: write an age or a number of days instead"
    words = len(set(texts))
    if words > _MOST_WORDS or words * _FEWEST_A_WORD > len(texts):
        return "text, or names, that differ from row to row"
    if is_target and words == _WORDS_OF_YES_NO:
        return Column(name=name, type=YES_NO, yes=None, no=None)
    return Column(name=name, type=CATEGORY)


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:8]) + (" …" if len(names) > 8 else "")
