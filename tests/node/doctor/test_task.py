"""The doctor makes the circle's task and shows it its data, as the node would."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from node.cli.opened import load_circle_task
from node.doctor.findings import Notebook
from node.doctor.task import look_at_task

SCHEMA = {
    "version": 1,
    "target": "died",
    "columns": [{"name": "age", "type": "number", "low": 20, "high": 100}, {"name": "died", "type": "yes-no"}],
}


def look(
    data: Path | None, task: str = "table", spec: str | None = None, **options: Any
) -> dict[str, tuple[str, str]]:
    """Check → level and what is said."""
    agreed = {"schema": json.dumps(SCHEMA)} if task == "table" else {}
    manifest: Any = SimpleNamespace(task=task, task_options=agreed, frozen="")
    look_at_task(notebook := Notebook(), lambda one: load_circle_task(one, spec, data=data, own=options), manifest)
    return {one.check: (one.level.value, f"{one.saw}: {one.do}") for one in notebook.findings}


def write(folder: Path, head: str) -> Path:
    file = folder / "people.csv"
    file.write_text(f"{head},died\n" + "".join(f"{30 + row},{'yes' if row % 3 else 'no'}\n" for row in range(50)))
    return file


def test_a_file_that_fits_is_said_to(tmp_path: Path) -> None:
    found = look(write(tmp_path, "age"))
    assert {check: level for check, (level, _) in found.items()} == {"task": "ok", "data": "ok"}


def test_a_file_that_does_not_fit_is_wrong_with_what_the_node_would_say(tmp_path: Path) -> None:
    level, said = look(write(tmp_path, "Age"))["data"]
    assert level == "wrong"
    assert "has no column age, which the schema names: rename its column 'Age'" in said


def test_a_task_that_cannot_be_made_is_wrong(tmp_path: Path) -> None:
    level, said = look(write(tmp_path, "age"), hidden="none")["task"]
    assert level == "wrong"
    assert "hidden is 'none': give 1 to 8 widths" in said
    level, said = look(None, task="file:Mine")["task"]
    assert (level, said) == (
        "wrong",
        "the circle trains file:Mine, which is not built in: name its file with --task",
    )


def test_a_task_that_looks_at_no_data_is_made_and_nothing_is_said_of_them() -> None:
    assert look(None, task="digits") == {"task": ("ok", "digits is made with the circle's options: ")}
