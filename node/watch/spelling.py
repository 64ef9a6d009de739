"""The spelling of names in the page's JSON: camelCase, as the page's own language has it."""

from collections.abc import Mapping
from typing import Any


def to_camel(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields, `opened_at_s` as `openedAtS`; values stay as they are."""
    return {_spell(name): value for name, value in fields.items()}


def _spell(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)
