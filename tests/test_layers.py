"""Which package may import which: node builds on ledger, ledger on neither node nor torch, nothing on scripts."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "ledger": {"node", "torch", "tests", "scripts"},
    "node": {"tests", "scripts"},
    "contracts": {"node", "ledger"},
}


def imported(path: Path) -> set[str]:
    """Top-level names a module imports anywhere, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_run_from_node_to_ledger_and_never_back(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    wrong = {str(path.relative_to(ROOT)): imported(path) & FORBIDDEN[package] for path in modules}
    assert {name: names for name, names in wrong.items() if names} == {}


def test_no_module_unpickles_evaluates_or_calls_a_shell() -> None:
    for package in ("ledger", "node"):
        for path in (ROOT / package).rglob("*.py"):
            assert not imported(path) & {"pickle", "marshal", "shelve", "dill"}, path
            names = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            called = {ast.unparse(call.func) for call in names}
            assert not called & {"eval", "exec", "torch.load", "os.system", "os.popen"}, path
            assert not any(key.arg == "shell" for call in names for key in call.keywords), path


def test_every_look_up_of_a_name_has_threads_of_its_own() -> None:
    """A slow name server would else hold the threads that disk and replays share: aiohttp asks in those."""
    sessions = 0
    for package in ("ledger", "node"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text())
            classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
            bases = {ast.unparse(base) for one in classes for base in one.bases}
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
                name, given = ast.unparse(call.func), {key.arg for key in call.keywords}
                if name == "aiohttp.ClientSession":
                    sessions += 1
                    assert "connector" in given, path
                is_connector = name == "super().__init__" and "aiohttp.TCPConnector" in bases and "ssl" in given
                if name == "aiohttp.TCPConnector" or is_connector:
                    assert "resolver" in given, path
    assert sessions >= 5
