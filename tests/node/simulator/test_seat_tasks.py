"""Whatever a task's object keeps of its seat, each simulated peer finds its own."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.simulator import Scenario, simulate
from node.simulator.data import make_task
from node.simulator.seat_tasks import SeatTasks

KEEPS = '''
import torch
from torch import nn


class Keeps:
    """Remembers its seat, as one does for personal layers, an optimizer's moments or a test set of one's own."""

    seen = []
    made = 0

    def __init__(self, seed=0):
        type(self).made += 1

    def model(self):
        return nn.Linear(4, 2)

    def data(self, seat, seats):
        self.seat = seat
        generator = torch.Generator().manual_seed(seat)
        return torch.randn(8, 4, generator=generator), torch.full((8,), seat % 2)

    def train(self, model, data, *, round, seed, seat):
        assert seat == self.seat
        Keeps.seen.append((round, self.seat))

    def evaluate(self, model, seat):
        assert seat == self.seat
        return {"accuracy": 0.5, "own": float(seat)}


class Stateless(Keeps):
    stateless = True

    def train(self, model, data, *, round, seed):
        Keeps.seen.append((round, self.seat))

    def evaluate(self, model):
        return {}
'''


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "keeping_seats.py"
    path.write_text(KEEPS)
    return Scenario(task=f"{path}:Keeps", peers=4, rounds=2, degree=2)


def find_class() -> Any:
    """The class as it was last read from the file."""
    *_, last = (module for name, module in sys.modules.items() if name.startswith("folkmoot_own_keeping_seats_"))
    return last.Keeps


def test_training_and_evaluating_find_their_own_seat_and_are_told_it(scenario: Scenario) -> None:
    results = simulate(scenario)
    seen = find_class().seen
    for number in (1, 2):
        assert sorted(seat for at, seat in seen if at == number) == [0, 1, 2, 3]
    assert {row.seat: row.figures["own"] for row in results.rows if row.round == 2} == {0: 0, 1: 1, 2: 2, 3: 3}


def test_a_file_is_run_once_and_its_class_made_once_a_seat(scenario: Scenario) -> None:
    tasks = SeatTasks(make_task(scenario), 4)
    kept = find_class()
    assert kept.made == 5
    assert len({id(tasks.of(seat).definition) for seat in range(4)}) == 4


def test_a_class_that_says_it_keeps_nothing_has_one_object_as_the_tasks_that_ship(scenario: Scenario) -> None:
    for spec in (scenario.task.replace("Keeps", "Stateless"), "digits"):
        tasks = SeatTasks(make_task(replace(scenario, task=spec)), 4)
        assert len({id(tasks.of(seat)) for seat in range(4)}) == 1
