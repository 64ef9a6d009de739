"""A task of a user's own is made in a second process once, however often the tests deploy it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from node.learning import second_making

_made: dict[tuple[bytes, str, str], second_making.MadeModel] = {}


@contextmanager
def made_once() -> Iterator[None]:
    """Every deployment in this process compares as ever; what it compares with is kept by the task's text."""
    make = second_making._make_elsewhere

    def remember(spec: str, options: Mapping[str, Any]) -> second_making.MadeModel:
        file, _, name = spec.rpartition(":")
        key = Path(file).read_bytes(), name, json.dumps(options, sort_keys=True)
        if key not in _made:
            _made[key] = make(spec, options)
        return _made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_making, "_make_elsewhere", remember)
        yield
