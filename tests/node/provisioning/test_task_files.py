"""A task's files go into a kit unread by Python, and none that it imports from its folder is forgotten."""

from pathlib import Path

import pytest

from ledger.errors import UsageError
from node.provisioning.task_files import read_task_files

CODE = "import torch\nfrom helpers.scaling import scale\nimport layers\n\n\nclass Own: ...\n\n\nraise SystemExit\n"


def write(folder: Path) -> Path:
    (folder / "helpers").mkdir()
    for name, text in {
        "own.py": CODE,
        "layers.py": "",
        "helpers/__init__.py": "",
        "helpers/scaling.py": "",
    }.items():
        (folder / name).write_text(text)
    return folder / "own.py"


def test_a_task_is_packed_with_what_lies_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path)
    others = [tmp_path / name for name in ("layers.py", "helpers/__init__.py", "helpers/scaling.py")]
    task = read_task_files(f"{path}:Own", others)
    assert task.spec == "task/own.py:Own"
    assert set(task.files) == {
        "task/own.py",
        "task/layers.py",
        "task/helpers/__init__.py",
        "task/helpers/scaling.py",
    }


@pytest.mark.parametrize(
    ("signature", "takes"),
    [("self, seed, data", True), ("self, *, data=None", True), ("self, seed=0", False), ("self, **data", False)],
)
def test_a_task_that_takes_a_members_data_is_known_unrun(tmp_path: Path, signature: str, takes: bool) -> None:
    path = tmp_path / "own.py"
    path.write_text(f"class Own:\n    def __init__({signature}): ...\n\n\nraise SystemExit\n")
    assert read_task_files(f"{path}:Own", []).takes_data == takes


def test_what_would_be_missing_at_a_member_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(UsageError, match=r"task/own.py imports (layers|helpers), and .* is in no kit"):
        read_task_files(f"{path}:Own", [])
    elsewhere = tmp_path.parent / "elsewhere.py"
    with pytest.raises(UsageError, match="is not in the task's folder"):
        read_task_files(f"{path}:Own", [elsewhere])
    with pytest.raises(UsageError, match="is not in the task's folder"):
        read_task_files(f"{path}:Own", [tmp_path / ".." / "elsewhere.py"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Other: ...", "has no class 'Own'"),
        ("class Own(", "is no Python that can be read"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_task_is_refused_and_not_run(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "own.py").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_task_files(f"{tmp_path}/own.py:Own", [])
