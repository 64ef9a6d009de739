"""Which tests go with which module of the source: by their place, and by what they import or start."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.support.imports import Imports, name_of, read_imports, written

SOURCES: Final = ("ledger", "node", "scripts")
_DECLARING: Final = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
_TOP: Final = """# Modules and their tests

Which tests to run for a module. Its own stand in its place, `tests/` with the module's folder and `test_NAME.py` or
`test_NAME_….py`, or in the same folder and import it. Elsewhere are those that import it from another one. Networks of
real processes (`tests/network`, `tests/e2e`) exercise most of it and import little. This page is made by
`python -m scripts.docs`; a test fails where it is stale.
"""
_UNTESTED: Final = """
## Without a test of their own

No test stands beside these or imports them. What checks them goes through the modules named behind each, if any does.

"""
_HEAD: Final = "\n## {}\n\n| Module | Its own | Elsewhere |\n|---|---|---|\n"


@dataclass
class Tested:
    """The test files of one module, from the root."""

    own: set[str] = field(default_factory=set)
    """In its place, or in the folder that mirrors its own and importing it."""
    elsewhere: set[str] = field(default_factory=set)
    """All others that import it."""


def find_tests(root: Path, imports: Imports) -> dict[str, Tested]:
    """Path of a source module → its tests. An `__init__` that does nothing itself is left out."""
    tests = {path: _uses(root, path, imports) for path in sorted((root / "tests").rglob("test_*.py"))}
    found: dict[str, Tested] = {}
    for source in _sources(root):
        tested = found[source.relative_to(root).as_posix()] = Tested()
        mirror = root / "tests" / source.relative_to(root).parent
        for test, used in tests.items():
            is_used, is_beside = name_of(source, root) in used, test.parent == mirror
            if is_beside and (is_used or _bears_its_name(test, source)):
                tested.own.add(test.relative_to(root).as_posix())
            elif is_used:
                tested.elsewhere.add(test.relative_to(root).as_posix())
    return found


def untested(found: Mapping[str, Tested]) -> list[str]:
    """The modules that no test stands beside or imports."""
    return [module for module, tested in found.items() if not tested.own and not tested.elsewhere]


def page(root: Path, imports: Imports | None = None) -> str:
    """The whole page."""
    imports = read_imports() if imports is None else imports
    found = find_tests(root, imports)
    lacking = set(untested(found))
    parts = [_TOP]
    for folder, modules in groupby(found.items(), lambda item: item[0].rpartition("/")[0]):
        rows = [_row(module, tested) for module, tested in modules if module not in lacking]
        if rows:
            parts += [_HEAD.format(folder), *rows]
    if lacking:
        parts += [_UNTESTED, *(f"- `{module}`{_users(root, module, imports)}\n" for module in sorted(lacking))]
    return "".join(parts)


def _row(module: str, tested: Tested) -> str:
    folder, _, name = module.rpartition("/")
    own = ", ".join(f"`{test.removeprefix(f'tests/{folder}/')}`" for test in sorted(tested.own))
    # By folders, so that the page seldom changes; by files where there is nothing else.
    others = {test.rpartition("/")[0] for test in tested.elsewhere} if tested.own else tested.elsewhere
    return f"| `{name}` | {own} | {', '.join(f'`{other}`' for other in sorted(others))} |\n"


def _users(root: Path, module: str, imports: Imports) -> str:
    """Which modules of the source import one, as the end of its line."""
    name = name_of(root / module, root)
    users = sorted(user for user, used in imports.items() if name in used and user.startswith(SOURCES))
    return f": {', '.join(f'`{user}`' for user in users)}" if users else ""


def _sources(root: Path) -> Iterator[Path]:
    """The modules that have code of their own, folder by folder."""
    paths = [path for folder in SOURCES for path in (root / folder).rglob("*.py")]
    for path in sorted(paths, key=lambda path: (path.parent, path.name)):
        if path.name != "__init__.py" or not _only_declares(path):
            yield path


def _only_declares(path: Path) -> bool:
    return all(isinstance(node, _DECLARING) for node in ast.parse(path.read_text()).body)


def _uses(root: Path, test: Path, imports: Imports) -> set[str]:
    """What a test imports, and what it names in full, as for `python -m`."""
    words = {node.value for node in ast.walk(ast.parse(test.read_text())) if isinstance(node, ast.Constant)}
    passed_on = {_passed_on(root, name) for name in written(test)}
    return {*imports.get(name_of(test, root), ()), *passed_on, *(word for word in words if isinstance(word, str))}


def _passed_on(root: Path, name: str) -> str:
    """The module that a name comes from where its package's `__init__` only passes it on; else the name itself."""
    package, _, last = name.rpartition(".")
    path = root.joinpath(*package.split("."), "__init__.py")
    if path.is_file():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and last in {alias.name for alias in node.names}:
                return str(node.module)
    return name


def _bears_its_name(test: Path, source: Path) -> bool:
    name = source.parent.name if source.stem.startswith("__") else source.stem
    return re.fullmatch(rf"test_{name}(_\w+)?", test.stem) is not None
