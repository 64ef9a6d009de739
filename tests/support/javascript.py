"""The page's script in a JavaScript engine (V8) of its own, without a browser."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from py_mini_racer import mini_racer

from node.page.script import READER, join_modules

_PATIENCE_S: Final = 60.0


class Engine:
    """A script's functions, called with JSON and answering with JSON."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def call(self, body: str, **arguments: Any) -> Any:
        """Run the body of a function of these arguments; `fromHex` and the like are there."""
        names, values = ", ".join(arguments), ", ".join(map(json.dumps, arguments.values()))
        return json.loads(self._context.eval(f"JSON.stringify((({names}) => {{{body}}})({values})) ?? 'null'"))

    def wait_for(self, body: str, **arguments: Any) -> Any:
        """The same of a function that answers with a promise."""
        names, values = ", ".join(arguments), ", ".join(map(json.dumps, arguments.values()))
        promise = self._context.eval(f"(async ({names}) => {{{body}}})({values}).then(JSON.stringify)")
        return json.loads(promise.get(timeout=_PATIENCE_S))


@contextmanager
def run_reader(*more: str) -> Iterator[Engine]:
    """The reader, and further modules of its folder."""
    with mini_racer() as context:
        modules = (*READER, *more)
        names = ", ".join(f"{name}_module" for name in modules)
        context.eval(f'"use strict";{join_modules(*modules)}Object.assign(globalThis, {names});')
        yield Engine(context)
