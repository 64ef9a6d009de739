"""A task in a user's own file, `path/to/file.py:Class`."""

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ledger.errors import UsageError
from node.tasks.built_in import BUILT_IN
from node.tasks.faults import blame
from node.tasks.siblings import Siblings


def find_task_file(spec: str) -> Path:
    """The file in `path/to/file.py:Class`. Raises UsageError."""
    name, colon, _ = spec.rpartition(":")
    if not colon or not name.endswith(".py"):
        raise UsageError(f"no task is called {spec!r}: choose {', '.join(BUILT_IN)} or path/to/file.py:Class")
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"there is no file {path}: give the path of your task as path/to/file.py:Class")
    return path


def read_task_class(spec: str, siblings: Siblings) -> type[Any]:
    """Run the file and find the class. siblings: of its folder. Raises UsageError, SetupError."""
    path, class_name = find_task_file(spec), spec.rpartition(":")[2]
    found = getattr(_import_file(path, siblings), class_name, None)
    if not inspect.isclass(found):
        raise UsageError(f"{path} has no class {class_name!r}: name the class with model() and data()")
    return found


def _import_file(path: Path, siblings: Siblings) -> ModuleType:
    """Run the user's own file as a module. This is the one place where a task's code from outside is run."""
    name = f"folkmoot_task_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    with blame(str(path)), siblings.importable():
        spec.loader.exec_module(module)
    return module
