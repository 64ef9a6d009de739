"""A rule, an attack, a partition or a topology of a user's own: from FILE.py:CLASS, or handed over in Python."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.own_code.class_files import find_class_file, read_class
from node.own_code.parameters import make_with
from node.own_code.running import run_own_code
from node.own_code.siblings import Siblings


@dataclass(frozen=True)
class OwnObject:
    """A user's object, and how what goes wrong in it is told."""

    spec: str
    """What it is called: as it was asked for, or its class's name."""
    value: Any
    """The object."""
    what: str
    """What it is to be, such as `topology`."""
    siblings: Siblings | None = None
    """What lies beside its file; None for one handed over in Python."""

    @contextmanager
    def run(self, doing: str) -> Iterator[None]:
        """Run the user's code: it finds its neighbours, and what it raises becomes one sentence."""
        with run_own_code(f"{self.what} {self.spec}: {doing}", self.what, self.siblings):
            yield

    def call(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """What a method of it gives."""
        with self.run(f"{method}()"):
            return getattr(self.value, method)(*arguments, **keywords)

    def read(self, attribute: str, default: Any) -> Any:
        """An attribute of it."""
        with self.run(f"its attribute {attribute}"):
            return getattr(self.value, attribute, default)

    def complain(self, method: str, fact: str) -> SetupError:
        """What to raise where a method gave something that it must not give."""
        return SetupError(f"{self.what} {self.spec}: {method}(){_place_of(self.value, method)} {fact}")


def label_of(asked: object) -> str:
    """What a kind is called in tables and files: a name as it was asked for, else the class's."""
    if isinstance(asked, str):
        return asked
    kind = asked if inspect.isclass(asked) else type(asked)
    return f"{kind.__name__}"


def find_own(
    asked: object, what: str, parameters: Mapping[str, float], *, methods: tuple[str, ...], known: str
) -> OwnObject:
    """The object that is asked for.

    asked: FILE.py:CLASS, a class, or an object, which takes no parameters. methods: what it must have. known: the
    names that it might have been meant for. Raises UsageError for a file, class or parameter that is not there, and
    SetupError for one that does not load.
    """
    siblings = None
    if isinstance(asked, str):
        path = find_class_file(asked, what, known)
        siblings = Siblings(path.parent)
        asked_class = read_class(asked, what, siblings)
        found = _make(asked, asked_class, what, parameters, siblings)
    elif inspect.isclass(asked):
        found = _make(label_of(asked), asked, what, parameters, None)
    else:
        found = OwnObject(label_of(asked), asked, what)
        if parameters:
            raise UsageError(f"{what} {found.spec} is made already: give it its parameters where you make it")
    for method in methods:
        if not callable(getattr(found.value, method, None)):
            raise SetupError(f"{what} {found.spec} has no method {method}(): write one")
    return found


def _make(
    spec: str, kind: type[Any], what: str, parameters: Mapping[str, float], siblings: Siblings | None
) -> OwnObject:
    with OwnObject(spec, None, what, siblings).run("the constructor"):
        value = make_with(kind, f"{what} {spec}", parameters)
    return OwnObject(spec, value, what, siblings)


def _place_of(value: object, method: str) -> str:
    """Where a method is written, if anybody knows."""
    code = getattr(getattr(type(value), method, None), "__code__", None)
    return "" if code is None else f" at {Path(code.co_filename)}:{code.co_firstlineno}"
