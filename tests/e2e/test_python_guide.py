"""The programs of docs/guides/python.md and of docs/notebooks, run as they stand there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.saved_bundle import make_circle, save_bundle

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
WAIT_S = 200.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a bundle of a circle that has a liar."""
    made = tmp_path_factory.mktemp("python")
    save_bundle(made / "circle.car", make_circle())
    return made


def run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return cells


def test_the_guides_blocks_run_in_their_order(folder: Path) -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```", (DOCS / "guides" / "python.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) == 8
    said = run("\n".join(blocks), folder)
    assert "\n3 settled " in said
    assert re.search(r"^\d+ findings \d+ attestations recomputed$", said, re.MULTILINE)
    assert said.splitlines()[-1].startswith("rule 'magic' is unknown")
    assert (folder / "model.safetensors").stat().st_size > 0
    assert {path.name for path in (folder / "runs" / "first").iterdir()} >= {
        "rounds.csv",
        "means.csv",
        "rounds.png",
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebooks_cells_run_in_their_order(path: Path, folder: Path) -> None:
    # In one process, as in a kernel; what a cell's last line shows is made into text.
    cells = ["".join(cell["source"]) for cell in read_cells(path) if cell["cell_type"] == "code"]
    program = (
        "import ast, json, sys\n"
        "space = {}\n"
        f"for cell in json.loads({json.dumps(json.dumps(cells))}):\n"
        "    tree = ast.parse(cell)\n"
        "    shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None\n"
        "    exec(compile(tree, '<cell>', 'exec'), space)\n"
        "    if shown is not None:\n"
        "        print(repr(eval(compile(ast.Expression(shown.value), '<cell>', 'eval'), space)))\n"
    )
    said = run(program, folder)
    assert "fedavg" in said if path.stem == "one-attack-five-rules" else "findings in" in said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_small_and_without_what_it_gave(path: Path) -> None:
    assert len(NOTEBOOKS) == 2
    notebook = json.loads(path.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert path.stat().st_size < 20_000
