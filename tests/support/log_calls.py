"""Every call that writes a log line, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for room in ("ledger", "node") for path in (ROOT / room).rglob("*.py"))
CALLS = {"debug": 0, "info": 0, "warning": 0, "error": 0, "exception": 0, "critical": 0, "log": 1}
"""A logger's method → which of its arguments is the event."""


def find_log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls in a module's tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            logger = node.func.value.func if isinstance(node.func.value, ast.Call) else node.func.value
            if ast.unparse(logger) in ("_log", "log", "logging", "logging.getLogger"):
                yield node
