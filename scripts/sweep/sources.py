"""Which source files a cell's figures follow from, and their digest.

A cell follows from the simulator and what that imports, and from the modules of its rule, attack and task. So a change
to one rule leaves the cells of all others valid, and one to the audit, the chain client or a network node all cells.
The lists of rules and attacks count for nothing but the names in them.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from ledger.rules import RULES
from node.attacks import behaviour
from node.simulator import Scenario
from node.tasks.interface import _CLASSES as TASK_CLASSES

ROOT: Final = Path(__file__).resolve().parents[2]
_PACKAGES: Final = ("ledger", "node")
_LISTS: Final = ("ledger.rules", "node.attacks")
_START: Final = "node.simulator"


def code_digest(scenario: Scenario) -> str:
    """The first 16 hex digits of the SHA-256 over the names and bytes of all modules behind a scenario."""
    return _digest(frozenset(_starts(scenario.rule, scenario.attack, scenario.task)))


@cache
def _starts(rule: str, attack: str, task: str) -> tuple[str, ...]:
    attacker = behaviour(attack)
    inner = getattr(attacker, "inner", attacker)
    modules = (_START, RULES[rule].__module__, type(attacker).__module__, type(inner).__module__)
    # Loading the task would ask for its data, which who only writes the tables need not have.
    return (*modules, TASK_CLASSES[task].partition(":")[0]) if task in TASK_CLASSES else modules


@cache
def _digest(starts: frozenset[str]) -> str:
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found and path_of(name) is not None:
            found.add(name)
            waiting += imported(name)
    digest = hashlib.sha256()
    for name in sorted(found - set(_LISTS)):
        source = _source(name)
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()[:16]


def path_of(module: str) -> Path | None:
    """Where one of our modules lies, None for another's and for names that are no modules."""
    if module.partition(".")[0] not in _PACKAGES:
        return None
    place = ROOT.joinpath(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def imported(module: str) -> tuple[str, ...]:
    """The names a module imports anywhere and the packages they lie in; of the lists nothing."""
    if module in _LISTS:
        return ()
    names: set[str] = set()
    for found in ast.walk(ast.parse(_source(module))):
        if isinstance(found, ast.Import):
            names |= {alias.name for alias in found.names}
        elif isinstance(found, ast.ImportFrom) and found.module:
            names |= {found.module, *(f"{found.module}.{alias.name}" for alias in found.names)}
    parts = [name.split(".") for name in names]
    return tuple(sorted({".".join(part[:length]) for part in parts for length in range(1, len(part) + 1)}))


@cache
def _source(module: str) -> bytes:
    path = path_of(module)
    assert path is not None
    return path.read_bytes()
