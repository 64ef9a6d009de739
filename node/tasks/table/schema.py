"""What members agree on about their tables: columns, types, categories and ranges, all of it public.

A schema is JSON, written by a person (`folkmoot schema` drafts it) and carried in the circle's manifest, so a
founder whom nobody need trust may have written it: sizes, names and numbers are bounded here. It says what a
column may hold anywhere, not what it holds in one file: no peer learns a scale from its own rows, so none gives one
away.

    {"version": 1, "target": "died", "columns": [
      {"name": "age", "type": "number", "low": 18, "high": 100, "unit": "years"},
      {"name": "creatinine", "type": "number", "low": 0.3, "high": 12, "scale": "log", "unit": "mg/dl"},
      {"name": "ward", "type": "category", "categories": ["surgery", "medicine"], "other": true},
      {"name": "smoker", "type": "yes-no", "missing": false},
      {"name": "died", "type": "yes-no", "shares": [0.9, 0.1]}]}
"""

from collections.abc import Sequence
from math import isfinite
from typing import Final

import msgspec

from ledger.errors import UsageError
from ledger.untrusted.parsing import decode_json

NUMBER: Final = "number"
CATEGORY: Final = "category"
YES_NO: Final = "yes-no"
TYPES: Final = (NUMBER, CATEGORY, YES_NO)
LINEAR, LOG = "linear", "log"

MOST_BYTES: Final = 1 << 20
MOST_COLUMNS: Final = 512
MOST_CATEGORIES: Final = 1024
MOST_INPUTS: Final = 4096
LONGEST_NAME: Final = 100
_LARGEST: Final = 1e15
_SMALLEST: Final = 1e-15


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A column that the model looks at, or the target. A file may have others: they are not read."""

    name: str
    """As in the file's header."""
    type: str
    """One of TYPES."""
    low: float | None = None
    """Of a number: between low and high lie nearly all values that such a column has anywhere (nineteen in twenty);
    None where nobody has said yet."""
    high: float | None = None
    """See low."""
    scale: str = LINEAR
    """Of a number: `linear`, or `log` where a few values are many times the others."""
    unit: str = ""
    """Of a number, for people."""
    categories: tuple[str, ...] | None = None
    """Of a category: its values; None where nobody has said yet."""
    other: bool = False
    """Of a category: a value that is not among them counts as `other`; else it is refused."""
    yes: str | None = ""
    """Of a yes-no: the word for yes; empty: yes, y, true, t or 1; None where nobody has said yet."""
    no: str | None = ""
    """Of a yes-no: the word for no; empty: no, n, false, f or 0; None where nobody has said yet."""
    missing: bool = True
    """Whether a cell may be empty. Then the model gets one more input, which says so."""
    shares: tuple[float, ...] | None = None
    """Of a target that has classes: how common each is in public knowledge, for class weights."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What the values are called, in the order of their numbers; none for a number."""
        if self.type == YES_NO:
            return self.no or "no", self.yes or "yes"
        return (*(self.categories or ()), *(("other",) if self.other else ()))

    @property
    def inputs(self) -> int:
        """How many inputs the model has for it."""
        return (len(self.classes) if self.type == CATEGORY else 1) + self.missing

    @property
    def is_complete(self) -> bool:
        """Whether ranges, categories and words are stated."""
        if self.type == NUMBER:
            return self.low is not None and self.high is not None
        if self.type == CATEGORY:
            return self.categories is not None
        return self.yes is not None and self.no is not None

    @property
    def wanted(self) -> str:
        """What makes it complete, in a sentence."""
        return {NUMBER: "low and high", CATEGORY: "categories", YES_NO: "the words for yes and no"}[self.type]


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it."""

    version: int
    """Of this format."""
    target: str
    """The column to foretell."""
    columns: tuple[Column, ...]
    """In the order of the model's inputs; the target is one of them."""

    @property
    def target_column(self) -> Column:
        """The column to foretell."""
        return next(column for column in self.columns if column.name == self.target)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that the model looks at."""
        return tuple(column for column in self.columns if column.name != self.target)

    @property
    def inputs(self) -> int:
        """How many inputs the model has."""
        return sum(column.inputs for column in self.features)

    def write(self) -> str:
        """As text, a line a column, as a person reads and changes it; what nobody has said yet is null."""
        lines = (_write_column(column) for column in self.columns)
        target = msgspec.json.encode(self.target).decode()
        return f'{{"version": {self.version}, "target": {target}, "columns": [\n' + ",\n".join(lines) + "\n]}\n"


def _write_column(column: Column) -> str:
    fields = msgspec.to_builtins(column)
    if column.type == NUMBER:
        fields = {"name": column.name, "type": NUMBER, "low": column.low, "high": column.high, **fields}
    elif column.type == CATEGORY:
        fields = {"name": column.name, "type": CATEGORY, "categories": column.categories, **fields}
    pairs = ((msgspec.json.encode(key).decode(), _plain(value)) for key, value in fields.items())
    return "  {" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"


def _plain(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        value = int(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return msgspec.json.encode(value).decode()


def parse_schema(text: str | bytes) -> Schema:
    """A schema that may still lack ranges and categories. Raises UsageError for anything that is none."""
    if len(text) > MOST_BYTES:
        raise UsageError(f"the table's schema has {len(text)} bytes: at most {MOST_BYTES} are read")
    try:
        schema = decode_json(text, Schema)
    except ValueError as error:
        raise UsageError(
            f"the table's schema does not parse ({_shorten(str(error))}): write one with `folkmoot schema FILE`"
        ) from error
    _check_schema(schema)
    return schema


def parse_whole_schema(text: str | bytes) -> Schema:
    """A schema that a model can be made of. Raises UsageError."""
    schema = parse_schema(text)
    lacking = [column for column in schema.columns if not column.is_complete]
    if lacking:
        more = f", nor have {len(lacking) - 1} more columns what they need" if len(lacking) > 1 else ""
        raise UsageError(
            f"the table's schema does not say {lacking[0].wanted} of column {lacking[0].name}{more}: write in what"
            " is publicly known of such columns, or have `folkmoot schema FILE --fill SCHEMA --epsilon 1` find it"
            " privately"
        )
    if schema.inputs > MOST_INPUTS:
        raise UsageError(f"the table's schema makes {schema.inputs} inputs: at most {MOST_INPUTS} are taken")
    return schema


def _check_schema(schema: Schema) -> None:
    names = [column.name for column in schema.columns]
    _check(schema.version == 1, f"is of version {schema.version}, and this program knows 1")
    _check(2 <= len(names) <= MOST_COLUMNS, f"has {len(names)} columns: give 2 to {MOST_COLUMNS}")
    for name in (*names, schema.target):
        check_name(name, "a column's name")
    _check(len(set(names)) == len(names), "names a column twice: name each once")
    _check(schema.target in names, f"has no column {schema.target}, its target: describe it too")
    for column in schema.columns:
        _check_column(column, column.name == schema.target)


def check_name(name: str, what: str) -> None:
    """Raises UsageError for what is not fit to be printed: terminals and pages show it."""
    _check(
        bool(name) and len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip(),
        f"has {what} that is empty, above {LONGEST_NAME} characters, or has control characters or blanks around:"
        f" {name[:LONGEST_NAME]!r}",
    )


def _check_column(column: Column, is_target: bool) -> None:
    named = f"says of column {column.name}"
    _check(column.type in TYPES, f"{named} that it is {_shorten(repr(column.type))}: choose {', '.join(TYPES)}")
    numbers = column.low is not None or column.high is not None or column.scale != LINEAR or bool(column.unit)
    _check(column.type == NUMBER or not numbers, f"{named} low, high, scale or unit, which are for numbers")
    sorts = column.categories is not None or column.other
    _check(column.type == CATEGORY or not sorts, f"{named} categories or other, which are for categories")
    has_words = column.yes != "" or column.no != ""
    _check(column.type == YES_NO or not has_words, f"{named} yes or no, which are for yes-no")
    if column.type == NUMBER:
        _check_range(column, named)
    elif column.type == CATEGORY and column.categories is not None:
        many = len(column.categories)
        _check(1 <= many <= MOST_CATEGORIES, f"{named} {many} categories: give 1 to {MOST_CATEGORIES}")
        _check_words(column.categories, named)
        _check(not (column.other and "other" in column.categories), f"{named} a category `other` beside other")
        _check(len(column.classes) >= 2 or not is_target, f"{named}, its target, fewer than two categories")
    elif has_words:
        _check_words([word for word in (column.no, column.yes) if word is not None], named)
    _check(not (is_target and column.other), f"{named}, its target, other: a target's categories are all named")
    if column.shares is not None:
        _check(is_target and column.type != NUMBER, f"{named} shares, which are for a target that has classes")
        fits = len(column.shares) == len(column.classes) or not column.is_complete
        _check(
            fits and all(0 < share < 1 for share in column.shares) and abs(sum(column.shares) - 1) <= 0.01,
            f"{named} shares that are not one above 0 for each of {len(column.classes)} classes, 1 together",
        )


def _check_range(column: Column, named: str) -> None:
    _check(column.scale in (LINEAR, LOG), f"{named} scale {_shorten(repr(column.scale))}: choose {LINEAR} or {LOG}")
    if column.unit:
        check_name(column.unit, "a unit")
    ends = [end for end in (column.low, column.high) if end is not None]
    _check(all(isfinite(end) and abs(end) <= _LARGEST for end in ends), f"{named} a range outside ±{_LARGEST:g}")
    if column.scale == LOG:
        _check(all(end >= _SMALLEST for end in ends), f"{named} a range that is not above 0, which scale log needs")
    if len(ends) == 2:
        wide = ends[1] - ends[0] >= max(1e-9 * max(map(abs, ends)), _SMALLEST)
        _check(wide, f"{named} low {ends[0]:g} and high {ends[1]:g}: low must be below high")


def _check_words(words: Sequence[str], named: str) -> None:
    for word in words:
        check_name(word, f"a category of {named.removeprefix('says of ')}")
    _check(len(set(words)) == len(words), f"{named} one category twice")


def _check(is_so: bool, fault: str) -> None:
    if not is_so:
        raise UsageError(f"the table's schema {fault}")


def _shorten(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "…"
