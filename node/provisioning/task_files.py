"""The files of a task of one's own, for a kit: read, looked through, and never run."""

import ast
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.circle.manifest import DATA_KEYWORD
from ledger.errors import UsageError
from ledger.files import opened_regular

FOLDER: Final = "task"
"""Where they lie in a kit."""
_FILE_MAX_BYTES: Final = 64 << 20
_CODE_MAX_BYTES: Final = 4 << 20


@dataclass(frozen=True)
class TaskFiles:
    """A task and what it needs beside itself."""

    name: str
    """Of its file."""
    class_name: str
    """Of its class."""
    files: dict[str, bytes]
    """Path in the kit → what is in it."""
    takes_data: bool = False
    """Whether its constructor has the keyword `data`, which is what a member names with --data."""
    option_files: tuple[str, ...] = ()
    """Its options that name a file of the founder's, as far as the text says them as such."""

    @property
    def spec(self) -> str:
        """As a node takes it, seen from the kit's folder."""
        return f"{FOLDER}/{self.name}:{self.class_name}"

    @property
    def sha256(self) -> str:
        """Of the task's file, hex."""
        return hashlib.sha256(self.files[f"{FOLDER}/{self.name}"]).hexdigest()


def read_task_files(spec: str, others: Sequence[Path]) -> TaskFiles:
    """spec: FILE.py:CLASS. others: files in the same folder or below it. Raises UsageError."""
    name, _, class_name = spec.rpartition(":")
    path = Path(name)
    code = _read(path, _CODE_MAX_BYTES)
    tree = _parse(path, code)
    found = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name), None)
    if found is None:
        raise UsageError(f"{path} has no class {class_name!r}: name the class with model() and data()")
    folder = path.absolute().parent
    files = {f"{FOLDER}/{path.name}": code}
    for other in others:
        try:
            within = other.absolute().relative_to(folder)
        except ValueError as error:
            raise UsageError(f"task-files: {other} is not in the task's folder {folder}: put it there") from error
        if ".." in within.parts:
            raise UsageError(f"task-files: {other} is not in the task's folder {folder}: put it there")
        files[f"{FOLDER}/{within.as_posix()}"] = _read(other, _FILE_MAX_BYTES)
    _check_imports(folder, files)
    return TaskFiles(path.name, class_name, files, _takes_data(found), _find_option_files(found))


def _takes_data(task: ast.ClassDef) -> bool:
    made = (node for node in task.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    return any(one.arg == DATA_KEYWORD for node in made for one in (*node.args.args, *node.args.kwonlyargs))


def _find_option_files(task: ast.ClassDef) -> tuple[str, ...]:
    """What the class's attribute `option_files` says where it is written out."""
    for node in task.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id == "option_files" for one in node.targets
        ):
            try:
                return tuple(str(one) for one in ast.literal_eval(node.value))
            except (ValueError, TypeError):
                return ()
    return ()


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with opened_regular(path) as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): correct its name in the project file"
        ) from error
    if len(data) > max_bytes:
        raise UsageError(f"{path} has more than {max_bytes >> 20} MiB: it is not put into kits")
    return data


def _parse(path: Path, code: bytes) -> ast.Module:
    try:
        return ast.parse(code, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{path} is no Python that can be read ({error}): correct it") from error


def _check_imports(folder: Path, files: dict[str, bytes]) -> None:
    """What lies beside the task and is imported must be in the kit, or the members' nodes would not start."""
    for name, data in files.items():
        if not name.endswith(".py"):
            continue
        for module in _find_imported(_parse(Path(name), data)):
            for beside in (f"{module}.py", f"{module}/__init__.py"):
                if (folder / beside).is_file() and f"{FOLDER}/{beside}" not in files:
                    raise UsageError(
                        f"{name} imports {module}, and {folder / beside} is in no kit: name it in task-files, with "
                        "whatever else that folder's modules need"
                    )


def _find_imported(tree: ast.Module) -> set[str]:
    """The first parts of all modules that are imported by their full names."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
