"""Which room of the code may import which (rooms.toml), and what is never reached from where."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.imports import ROOT, find_reached, read_imports, written

IMPORTS: Final = read_imports()
EVERYBODYS: Final = "ledger.errors"


def read_rooms() -> dict[str, frozenset[str]]:
    """Room → the rooms that it may import, in the order of the file."""
    tables = tomllib.loads((ROOT / "tests/rooms.toml").read_text())
    full = {
        f"{package}.{name}": {one if one.startswith("ledger.") else f"{package}.{one}" for one in rooms.split()}
        for package, lines in tables.items()
        for name, rooms in lines.items()
    }
    return {room: frozenset(rooms | {EVERYBODYS} - {room}) for room, rooms in full.items()}


ROOMS: Final = read_rooms()
# From the lowest: each may import those before it. What a prefix names it names for all below it.
PACKAGES: Final = ("contracts", "ledger", "node", "tests.support", "scripts", "tests")

PURE: Final = ("arithmetic", "identity", "privacy", "codec", "circle", "rules", "blobs", "judging")
ABOVE_THE_PEER: Final = ("attacks", "simulator", "leakage", "models", "demo", "watch", "cli")
INPUT_AND_OUTPUT: Final = (
    "aiohttp",
    "asyncio",
    "http",
    "requests",
    "socket",
    "subprocess",
    "urllib",
    "urllib3",
    "web3",
)
NEVER: Final = {
    "ledger": (("torch", "node"), "whoever checks a circle trains nothing"),
    **{
        f"ledger.{room}": (INPUT_AND_OUTPUT, "what decides takes values and returns values")
        for room in PURE
        if room != "circle"
    },
    "ledger.circle": (
        (*INPUT_AND_OUTPUT, "numpy", "ledger.arithmetic", "ledger.codec", "ledger.rules", "ledger.judging"),
        "a history is read by whoever has neither its codec nor its rule",
    ),
    "ledger.chain": (("ledger.testchain", "eth"), "what speaks to any chain knows none from within"),
    "node.peer": (tuple(f"node.{room}" for room in ABOVE_THE_PEER), "an attack plugs in from outside"),
    "node.watch": (
        ("torch", "ledger.chain.transactions", "ledger.chain.deployment", "node.seat.accounts", "node.seat.keys"),
        "what shows a circle opens no key and sends nothing",
    ),
    "ledger.audit": (("ledger.testchain", "ledger.chain.transactions"), "an auditor sends nothing"),
    "ledger.audit.crew": (
        (*INPUT_AND_OUTPUT, "ledger.chain.rpc", "ledger.fetch"),
        "every process that recomputes loads it, and none of them asks anybody",
    ),
}
"""Where one begins → what is reached from there by no way at all, and why."""


def room_of(module: str) -> str | None:
    """The longest room that a module is or is below; None for a bare package, in which nothing is."""
    parts = module.split(".")
    names = (".".join(parts[:end]) for end in range(len(parts), 1, -1))
    return next((name for name in names if name in ROOMS), None)


def is_within(module: str, names: tuple[str, ...]) -> str | None:
    """The name that a module is, or is below."""
    return next((name for name in names if module == name or module.startswith(name + ".")), None)


def modules_within(*names: str) -> list[str]:
    return [module for module in IMPORTS if is_within(module, names)]


def edges_between_rooms() -> Iterator[tuple[str, str, str]]:
    """Room, the room it imports, and the two modules."""
    for module in modules_within("ledger", "node"):
        for other in IMPORTS[module]:
            one, two = room_of(module), room_of(other)
            if one and two and one != two:
                yield one, two, f"{module} imports {other}"


def test_every_module_lies_in_a_room() -> None:
    assert [m for m in modules_within("ledger", "node") if "." in m and room_of(m) is None] == []
    assert [m for package in ("ledger", "node") for m in [package] if IMPORTS[m]] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_names_only_rooms_above_its_own_line(room: str) -> None:
    above = list(ROOMS)[: list(ROOMS).index(room)]
    assert {other for other in ROOMS[room] if other not in above} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_the_rooms_it_names_and_no_others(room: str) -> None:
    wrong = [how for one, two, how in edges_between_rooms() if one == room and two not in ROOMS[room]]
    assert wrong == []


def test_packages_import_only_those_below_them() -> None:
    ranks = sorted(PACKAGES, key=len, reverse=True)

    def rank(module: str) -> int:
        name = is_within(module, tuple(ranks))
        return PACKAGES.index(name) if name else -1

    wrong = [f"{m} imports {o}" for m, others in IMPORTS.items() for o in others if rank(o) > rank(m)]
    assert wrong == []
    assert [f"{m} imports {o}" for m in modules_within("contracts") for o in IMPORTS[m] if rank(o) >= 0] == []


def test_nobody_imports_a_test() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        for other in others
        if other.rpartition(".")[2].startswith(("test_", "conftest"))
    ]
    assert wrong == []


@pytest.mark.parametrize("start", NEVER)
def test_what_must_not_be_reached_is_reached_by_no_way(start: str) -> None:
    names, reason = NEVER[start]
    for module, led_by in find_reached(modules_within(start), IMPORTS).items():
        assert not is_within(module, names), f"{led_by} imports {module}, but {reason}"


def test_a_module_is_named_at_run_time_only_where_a_user_names_it_or_may_lack_it() -> None:
    """What is imported by a name made at run time, no look at the sources finds; commands are in a list."""
    allowed = {
        "node/cli/main.py",
        "node/demo/nursery_server.py",
        "node/tasks/built_in.py",
        "node/simulator/files.py",
        "node/simulator/frames.py",
        "node/simulator/ray_engine.py",
        "node/tracking/backends.py",
        "node/cli/privacy.py",
    }
    found = set()
    for path in [*(ROOT / "ledger").rglob("*.py"), *(ROOT / "node").rglob("*.py")]:
        calls = [
            ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        ]
        if {"importlib.import_module", "import_module", "__import__"} & set(calls):
            found.add(str(path.relative_to(ROOT)))
    assert found == allowed


def test_pure_rooms_load_nothing_that_asks_or_answers_anybody() -> None:
    """As the interpreter has it, with what the libraries load in their turn."""
    modules = modules_within(*(f"ledger.{room}" for room in PURE))
    program = f"import sys, {', '.join(sorted(modules))}\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    heavy = ("aiohttp", "requests", "torch", "urllib3", "web3")
    assert [name for name in loaded.split() if name in heavy] == []


def test_no_module_unpickles_evaluates_or_calls_a_shell() -> None:
    for package in ("ledger", "node"):
        for path in (ROOT / package).rglob("*.py"):
            assert not {name.partition(".")[0] for name in written(path)} & {
                "pickle",
                "marshal",
                "shelve",
                "dill",
            }, path
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
