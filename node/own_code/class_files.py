"""A class in a user's own file, `path/to/file.py:Class`."""

import hashlib
import importlib.util
import inspect
import sys
from importlib.abc import InspectLoader
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ledger.errors import UsageError
from node.own_code.running import run_own_code
from node.own_code.siblings import Siblings


def names_a_file(spec: str) -> bool:
    """Whether this is written as `path/to/file.py:Class`."""
    name, colon, _ = spec.rpartition(":")
    return bool(colon) and name.endswith(".py")


def find_class_file(spec: str, what: str, known: str) -> Path:
    """The file in `path/to/file.py:Class`.

    what: it is to be, such as `task`. known: the names that it might have been meant for. Raises UsageError.
    """
    if not names_a_file(spec):
        raise UsageError(f"no {what} is called {spec[:200]!r}: choose {known} or path/to/file.py:Class")
    path = Path(spec.rpartition(":")[0])
    if not path.is_file():
        raise UsageError(f"there is no file {path}: give the path of your {what} as path/to/file.py:Class")
    return path


def read_class(spec: str, what: str, siblings: Siblings, source: bytes | None = None) -> type[Any]:
    """Run the file and find the class. siblings: of its folder. source: the file's bytes, where they were read.

    Raises UsageError, SetupError.
    """
    name, _, class_name = spec.rpartition(":")
    found = getattr(_import_file(Path(name), what, siblings, source), class_name, None)
    if not inspect.isclass(found):
        raise UsageError(f"{name} has no class {class_name!r}: name the class of your {what}")
    return found


def _import_file(path: Path, what: str, siblings: Siblings, source: bytes | None) -> ModuleType:
    """Run the user's own file as a module. This is the one place where code from outside the package is run.

    The text itself is run, never what `__pycache__` says that it compiles to: that came along with the folder, and
    whoever read the file, or took its digest, knows nothing of it.
    """
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"folkmoot_own_{path.stem}_{place}"
    with run_own_code(str(path), what, siblings):
        loader = _TextLoader(path.read_bytes() if source is None else source, str(path.resolve()))
        spec = importlib.util.spec_from_file_location(name, loader.path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        loader.exec_module(module)
    return module


class _TextLoader(InspectLoader):
    """Loads a module from the bytes in hand, and from nothing else."""

    def __init__(self, text: bytes, path: str) -> None:
        self.text, self.path = text, path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        return decode_source(self.text)

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.source_to_code(self.text, self.path)
