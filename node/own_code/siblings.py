"""Lets a task file import the modules that lie beside it, and nothing else see them."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

# sys.modules and sys.meta_path are the process's: one task at a time has its neighbours there.
_IMPORTING = threading.RLock()


class Siblings:
    """The modules and packages of one folder.

    They are looked for last, so they take no installed module's place, and are known to the process only while the
    task's own code runs: another task finds other modules under the same names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve())
        self._tops: set[str] = set()
        self._modules: dict[str, ModuleType] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Asked by Python's import once everybody else has been; parts of a package are found by its own path."""
        if path is not None:
            return None
        found = PathFinder.find_spec(name, [self._folder], target)
        if found is not None:
            self._tops.add(name)
        return found

    @contextmanager
    def importable(self) -> Iterator[None]:
        """Let what runs inside import them. May be nested."""
        with _IMPORTING:
            if self in sys.meta_path:
                yield
                return
            sys.modules.update(self._modules)
            sys.meta_path.append(self)
            try:
                yield
            finally:
                sys.meta_path.remove(self)
                ours = [name for name in list(sys.modules) if name.partition(".")[0] in self._tops]
                self._modules = {name: sys.modules.pop(name) for name in ours}
