"""A task file imports what lies beside it, and nobody else sees it."""

import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import SetupError
from node.own_code.siblings import Siblings
from node.tasks.interface import Task, load_task

TASK = """
import torch
from torch import nn
from layers import width
import parts.heads

class Own:
    def model(self):
        return nn.Linear(width, parts.heads.classes)

    def data(self, seat, seats):
        import late
        return torch.ones(late.count, width), torch.zeros(late.count, dtype=torch.long)
"""


def folder(path: Path, width: int) -> Path:
    (path / "parts").mkdir(parents=True)
    (path / "task.py").write_text(TASK)
    (path / "layers.py").write_text(f"width = {width}\n")
    (path / "late.py").write_text(f"count = {width + 1}\n")
    (path / "parts" / "__init__.py").write_text("")
    (path / "parts" / "heads.py").write_text(f"classes = {width}\n")
    return path


def load(path: Path) -> Task:
    return load_task(f"{path / 'task.py'}:Own", skew=0, seed=0, samples=1)


def test_modules_and_packages_beside_a_task_are_imported_even_late(tmp_path: Path) -> None:
    task = load(folder(tmp_path, 3))
    assert task.model().weight.shape == (3, 3)
    assert task.data(0, 1)[0].shape == (4, 3)


def test_two_tasks_have_neighbours_of_the_same_names(tmp_path: Path) -> None:
    one, other = load(folder(tmp_path / "one", 3)), load(folder(tmp_path / "other", 5))
    assert (one.model().weight.shape, other.model().weight.shape) == ((3, 3), (5, 5))
    assert (len(one.data(0, 1)[0]), len(other.data(0, 1)[0])) == (4, 6)
    assert len(one.data(0, 1)[0]) == 4


def test_nothing_of_it_is_left_where_the_tasks_code_does_not_run(tmp_path: Path) -> None:
    path, finders = list(sys.path), list(sys.meta_path)
    task = load(folder(tmp_path, 3))
    task.data(0, 1)
    assert (sys.path, sys.meta_path) == (path, finders)
    assert not {"layers", "late", "parts", "parts.heads"} & sys.modules.keys()


def test_a_neighbour_is_loaded_once(tmp_path: Path) -> None:
    folder(tmp_path, 3)
    (tmp_path / "late.py").write_text("calls = []\ncount = 2\n")
    (tmp_path / "task.py").write_text(
        TASK.replace("import late", "import late; late.calls.append(1); late.count += 1")
    )
    task = load(tmp_path)
    assert [len(task.data(0, 1)[0]) for _ in range(3)] == [3, 4, 5]


def test_a_neighbour_takes_no_installed_modules_place(tmp_path: Path) -> None:
    folder(tmp_path, 3)
    for name in ("json", "node", "ledger", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('shadowed')\n")
    for name in ("json", "node", "numpy"):
        (tmp_path / "task.py").write_text(f"import {name}\nassert 'shadowed' not in str({name})\n{TASK}")
        load(tmp_path).model()


@pytest.mark.parametrize("name", ["layers.py", "parts/heads.py", "parts/__init__.py"])
def test_bytecode_that_came_along_with_a_neighbour_is_not_run_in_its_place(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path, 3) / name
    honest, shown = path.read_bytes(), path.stat()
    path.write_text("raise RuntimeError('hidden')\n".ljust(len(honest), "\n"))
    cached = py_compile.compile(str(path), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    path.write_bytes(honest)
    os.utime(path, ns=(shown.st_atime_ns, shown.st_mtime_ns))
    assert cached is not None
    assert load(tmp_path).model().weight.shape == (3, 3)
    assert b"hidden" in Path(cached).read_bytes()


def test_what_is_compiled_is_not_found_and_a_folder_without_init_is(tmp_path: Path) -> None:
    folder(tmp_path, 3)
    (tmp_path / "parts" / "__init__.py").unlink()
    assert load(tmp_path).model().weight.shape == (3, 3)
    py_compile.compile(str(tmp_path / "layers.py"), cfile=str(tmp_path / "layers.pyc"))
    (tmp_path / "layers.py").unlink()
    with pytest.raises(SetupError, match="No module named 'layers'"):
        load(tmp_path)


def test_a_fault_in_a_neighbour_is_a_sentence_with_its_place(tmp_path: Path) -> None:
    folder(tmp_path, 3)
    (tmp_path / "layers.py").write_text("\nwidth = 1 / 0\n")
    with pytest.raises(SetupError, match=r"failed at .*layers\.py:2 with ZeroDivisionError"):
        load(tmp_path)


def test_what_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    folder(tmp_path, 3)
    (tmp_path / "layers.py").unlink()
    with pytest.raises(SetupError, match="No module named 'layers'"):
        load(tmp_path)


def test_a_command_finds_them_from_any_folder(tmp_path: Path) -> None:
    task = folder(tmp_path / "task", 3) / "task.py"
    command = [sys.executable, "-m", "node.cli.main", "simulate", "--task", f"{task}:Own", "--json"]
    few = ["--peers", "2", "--rounds", "1", "--degree", "1"]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([*command, *few], capture_output=True, text=True, cwd=root, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_another_thread_may_import_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Importing(set[str]):
        def __contains__(self, name: object) -> bool:
            monkeypatch.setitem(sys.modules, f"folkmoot_test_{len(sys.modules)}", sys)
            return super().__contains__(name)

    siblings = Siblings(folder(tmp_path, 2))
    siblings._tops = Importing()
    with siblings.importable():
        pass


def test_a_task_that_exits_ends_no_command(tmp_path: Path) -> None:
    path = folder(tmp_path, 2)
    (path / "layers.py").write_text("import sys\nsys.exit(1)\n")
    with pytest.raises(SetupError, match=r"layers\.py:2 with SystemExit: 1"):
        load(path)
