"""Figures as people and machines get them: what is no number is told as such, and never breaks a parser."""

import json
import os
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

NONE: Final = "–"


def format_figure(figure: float | None) -> str:
    """A figure in a table or a line: three digits, or a dash where there is no number."""
    return f"{figure:.3f}" if figure is not None and isfinite(figure) else NONE


def dump_json(value: Any, indent: int | None = None) -> str:
    """JSON as every parser takes it: NaN and the infinities, for which it has no word, are null."""
    return json.dumps(_make_plain(value), indent=indent, allow_nan=False)


def dump_toml(value: Any) -> str:
    """A text, a path, a number, a truth or a list of these as TOML has it: as JSON does, but for a bare DEL."""
    return json.dumps(value, ensure_ascii=False, default=os.fspath).replace("\x7f", "\\u007f")


def _make_plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {_make_plain_key(key): _make_plain(inner) for key, inner in value.items()}
    return [_make_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _make_plain_key(key: Any) -> Any:
    return key if not isinstance(key, float) or isfinite(key) else str(key)
