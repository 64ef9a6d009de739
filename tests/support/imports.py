"""What the modules of this repository import, as their sources say it: also inside functions, also for types.

The command line imports the module of the command that is typed, so it imports any that its list has.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND_LINE: Final = "node.cli.main"
PACKAGES: Final = ("contracts", "ledger", "node", "scripts", "tests")

Imports = Mapping[str, frozenset[str]]
"""Module → what it imports: modules of ours by their full names, everything else by its first one."""


def read_imports() -> Imports:
    """Of every module of ours, packages included."""
    paths = {name_of(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    found = {name: frozenset(_resolve(written(path), paths)) for name, path in paths.items()}
    return {**found, COMMAND_LINE: found[COMMAND_LINE] | read_commands(paths[COMMAND_LINE])}


def read_commands(path: Path) -> set[str]:
    """The modules of the commands in the list that the source assigns to COMMANDS."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "COMMANDS":
            assert node.value is not None
            return {f"node.cli.{name}" for name in ast.literal_eval(node.value)}
    raise AssertionError(f"{path} has no list of commands")


def name_of(path: Path, root: Path = ROOT) -> str:
    """A module's dotted name; a package's for its `__init__`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def written(path: Path) -> set[str]:
    """The dotted names a source imports, those of what it takes from a module too. Refuses relative imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def find_reached(start: Iterable[str], imports: Imports) -> dict[str, str]:
    """What may be loaded once `start` is, whatever it runs → what led there. A module brings its packages along."""
    led_by = dict.fromkeys(start, "")
    waiting = list(led_by)
    while waiting:
        name = waiting.pop()
        for other in [*_packages_of(name), *sorted(imports.get(name, ()))]:
            if other not in led_by:
                led_by[other] = name
                waiting.append(other)
    return led_by


def _resolve(names: Iterable[str], ours: Iterable[str]) -> set[str]:
    known = set(ours)
    found = set()
    for name in names:
        module = name if name in known else name.rpartition(".")[0]
        found.add(module if module in known else name.partition(".")[0])
    return found


def _packages_of(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]
