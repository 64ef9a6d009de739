"""A model is made once more in a fresh process, and compared."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ledger.errors import SetupError
from node.learning.second_making import check_made_alike
from node.learning.template import Template
from node.tasks.interface import load_task

TASKS = """
import atexit
import os
import sys
import torch
from torch import nn
from beside import width

NAMES = {"temperature", "pressure", "vibration", "current", "voltage", "humidity", "torque", "sound"}
print("a task may print")
if os.environ.get("PYTHONHASHSEED", "random") in "12":
    atexit.register(print, "at its end, too")

class Steady:
    def model(self):
        print("while it makes its model, too")
        return nn.Sequential(nn.Linear(width, 4), nn.BatchNorm1d(4), nn.Linear(4, 2).requires_grad_(False))
    def data(self, seat, seats):
        raise OSError("none here")

class Threads(Steady):
    def model(self):
        model = nn.Linear(4, 2)
        nn.init.constant_(model.bias, torch.get_num_threads())
        return model

class Unordered(Steady):
    def model(self):
        return nn.ModuleDict({name: nn.Linear(4, 4) for name in NAMES})

class Frozen(Steady):
    def model(self):
        base = nn.ModuleDict({name: nn.Linear(4, 4) for name in NAMES}).requires_grad_(False)
        return nn.Sequential(nn.Linear(2, 2), base)

class Unseeded(Steady):
    def model(self):
        model = nn.Linear(4, 2)
        torch.nn.init.constant_(model.bias, int.from_bytes(os.urandom(2), "big") / 4096)
        return model

class Personal(Unseeded):
    private = ("bias",)

class Growing(Steady):
    def model(self):
        return nn.Linear(4, 1 + int(os.environ.get("PYTHONHASHSEED", "random") in "12"))

class Elsewhere(Steady):
    def model(self):
        if os.environ.get("PYTHONHASHSEED", "random") in "12":
            raise OSError("the licence server allows one process")
        return nn.Linear(4, 2)
"""


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "beside.py").write_text("width = 4\n")
    options: dict[str, Any] = {"skew": 0.0, "seed": 3, "samples": 10}

    def compare(name: str) -> None:
        task = load_task(f"{tmp_path / 'tasks.py'}:{name}", **options)
        check_made_alike(task, Template.of(task, 3), options)

    return compare


@pytest.mark.parametrize("name", ["Steady", "Personal"])
def test_a_model_that_is_the_same_everywhere_passes_whatever_it_prints(
    compared: Callable[..., Any], name: str
) -> None:
    compared(name)


def test_a_second_process_has_one_thread_as_a_peer_has(
    compared: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """First values that a decomposition gives, orthogonal ones, depend on the number."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        compared("Threads")
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Unordered", r"model\(\) gives \w+\.bias other first values in every process"),
        ("Frozen", r"model\(\) gives 1\.\w+\.bias other first values in every process"),
        ("Unseeded", r"model\(\) gives bias other first values in every process"),
        ("Growing", r"model\(\) gives bias as shared .* \(1,\) in one process and as shared .* \(2,\) in another"),
        ("Elsewhere", r"works in one process and not in a second one: .*the licence server allows one process"),
    ],
)
def test_what_differs_from_process_to_process_is_named(compared: Callable[..., Any], name: str, why: str) -> None:
    with pytest.raises(SetupError, match=why):
        compared(name)


def test_the_tasks_that_ship_are_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a deployment of one needs no second process; they make their layers in the order of their lines."""
    options: dict[str, Any] = {"skew": 0.0, "seed": 3, "samples": 10}
    task = load_task("digits", **options)
    check_made_alike(task, Template.of(task, 3), options)
