"""Lets a task file import the modules that lie beside it, and nothing else see them."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

# sys.modules and sys.meta_path are the process's: one task at a time has its neighbours there.
_IMPORTING = threading.RLock()


class Siblings:
    """The modules and packages of one folder, as text.

    They are looked for last, so they take no installed module's place, and are known to the process only while the
    task's own code runs: another task finds other modules under the same names. What is compiled already, in
    `__pycache__` or beside a text, is never loaded: whoever read the folder knows nothing of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve())
        self._tops: set[str] = set()
        self._modules: dict[str, ModuleType] = {}
        self._parts = _Parts(self._tops)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Asked by Python's import once everybody else has been; parts of a package are found by `_Parts`."""
        found = None if path is not None else _find(self._folder, name)
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
            # First, as Python's own finder knows the way into any package.
            sys.meta_path.insert(0, self._parts)
            try:
                yield
            finally:
                sys.meta_path.remove(self)
                sys.meta_path.remove(self._parts)
                ours = [name for name in list(sys.modules) if name.partition(".")[0] in self._tops]
                self._modules = {name: sys.modules.pop(name) for name in ours}


class _Parts:
    """The modules within packages of the folder."""

    def __init__(self, tops: set[str]) -> None:
        """tops: the names of those of its packages and modules that were found."""
        self._tops = tops

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Asked by Python's import before anybody else."""
        if path is None or name.partition(".")[0] not in self._tops:
            return None
        return next((found for folder in path if (found := _find(folder, name)) is not None), None)


class _TextLoader(SourceFileLoader):
    """Loads a module from its text, and from nothing else."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _find(folder: str, name: str) -> ModuleSpec | None:
    """name: dotted, in a package's folder."""
    return FileFinder(folder, (_TextLoader, SOURCE_SUFFIXES)).find_spec(name)
