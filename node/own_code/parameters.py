"""A class's parameters as a person types them: numbers by name, each with a default in the constructor."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ledger.errors import UsageError


def list_parameters(kind: Callable[..., Any]) -> dict[str, Any]:
    """The constructor's keywords that have defaults, and these."""
    try:
        taken = inspect.signature(kind).parameters.values()
    except ValueError:
        return {}
    return {one.name: one.default for one in taken if one.default is not one.empty}


def make_with(kind: Callable[..., Any], called: str, parameters: Mapping[str, float]) -> Any:
    """An object of the class. called: what it is in a sentence, such as `attack ride`.

    Raises UsageError for a parameter that it has not, or a value that it refuses with ValueError.
    """
    known = list_parameters(kind)
    for name in parameters:
        if name not in known:
            names = ", ".join(known) or "it has none"
            raise UsageError(f"{called} has no parameter {name[:60]!r}: choose from {names}")
    try:
        return kind(**parameters)
    except ValueError as error:
        raise UsageError(f"{called}: {error}") from error
