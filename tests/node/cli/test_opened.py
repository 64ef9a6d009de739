"""What a peer makes its circle's task with: what the founder fixed, and what it says itself."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.errors import UsageError
from node.cli.opened import load_circle_task

TASK = """
from pathlib import Path


class Table:
    def __init__(self, data: Path, target: str, width: int = 4, seed: int = 0) -> None:
        self.data_path, self.target, self.width = data, target, width

    def model(self):
        raise NotImplementedError

    def data(self, seat, seats):
        raise NotImplementedError
"""


def load(manifest_options: dict[str, Any], spec: str | None = None, **fields: Any) -> Any:
    manifest = SimpleNamespace(task="digits", task_options={"seed": 3, **manifest_options}, frozen="")
    return load_circle_task(manifest, spec, **fields)


def test_a_circles_options_reach_its_task_and_a_peers_own_stand_beside_them() -> None:
    task = load({"batch_size": 4, "optimizer": "adam"}, own={"epochs": "0.5", "batch_size": "4"})
    assert (task.choices.batch_size, task.choices.optimizer, task.choices.epochs) == (4, "adam", 0.5)
    with pytest.raises(UsageError, match="the circle agreed on optimizer=adam"):
        load({"optimizer": "adam"}, own={"optimizer": "sgd"})


@pytest.mark.parametrize(
    "hostile",
    [
        {"batch_size": 10**12},
        {"epochs": 10**9},
        {"samples": 10**12},
        {"data": "/etc/passwd"},
        {"table": "/etc/passwd"},
        {"__class__": 1},
        {"loss": "lambda x, y: 0"},
        {"class_weights": "1," * 5000},
    ],
)
def test_what_a_founder_may_not_ask_of_a_task_that_ships_is_refused(hostile: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        load(hostile)


def test_data_are_the_peers_own_word_and_no_founders(tmp_path: Path) -> None:
    file = tmp_path / "tables.py"
    file.write_text(TASK)
    task = load({"target": "outcome", "width": 8}, f"{file}:Table", data=tmp_path)
    definition = task.definition
    assert (definition.data_path, definition.target, definition.width) == (tmp_path, "outcome", 8)
    with pytest.raises(UsageError, match="wants data: name the file or folder"):
        load({"target": "outcome"}, f"{file}:Table")
    with pytest.raises(UsageError, match="give --data"):
        load({"target": "outcome", "data": "/etc/passwd"}, f"{file}:Table", data=tmp_path)
