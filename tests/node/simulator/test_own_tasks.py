"""Tasks that cannot be stacked are trained as a peer trains them."""

from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from ledger.codec import PLAIN, quantise
from ledger.errors import UsageError
from node.learning.training import Trainer, make_initial_state
from node.operating.merit import MainFigure
from node.simulator import Scenario, simulate
from node.simulator.learning import PeersTraining

TASKS = '''
import torch
from torch import nn


class Convolutional:
    """Images of 4 × 4 that are bright above or below; without a test_set()."""

    def model(self):
        layers = nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)
        return nn.Sequential(*layers)

    def data(self, seat, seats):
        generator = torch.Generator().manual_seed(seat)
        y = torch.randint(2, (12,), generator=generator)
        x = torch.rand(12, 2, 8, generator=generator)
        x[torch.arange(12), y] += 1
        return x.reshape(12, 16), y

    def evaluate(self, model):
        x, y = self.data(99, 100)
        return {"accuracy": (model(x).argmax(1) == y).float().mean().item()}


class Unusual:
    """Data and training of its own kind, judged by a loss."""

    def model(self):
        return nn.Linear(1, 1)

    def data(self, seat, seats):
        return {"slope": float(seat)}

    def train(self, model, data, *, round, seed):
        with torch.no_grad():
            model.weight += 0.1 * (data["slope"] - model.weight)

    def evaluate(self, model):
        return {"distance": abs(model.weight.item() - 2.5)}
'''


KEEPING = """

class Keeping(Unusual):
    def data(self, seat, seats):
        self.seats = seats
        return super().data(seat, seats)

    def train(self, model, data, *, round, seed):
        assert self.seats == 6
        super().train(model, data, round=round, seed=seed)
"""


@pytest.fixture
def tasks(tmp_path: Path) -> str:
    path = tmp_path / "tasks.py"
    path.write_text(TASKS)
    return str(path)


def scenario_of(tasks: str, name: str) -> Scenario:
    return Scenario(task=f"{tasks}:{name}", peers=6, rounds=2, degree=3, rule="none")


def test_a_convolutional_network_is_trained_to_the_bit_as_a_peer_does(tasks: str) -> None:
    scenario = scenario_of(tasks, "Convolutional")
    school = PeersTraining(scenario, {})
    base = quantise(make_initial_state(school.task, 0), school.layout.blocks, PLAIN).state
    trained = school.train(2, [1, 4], np.stack([base, base]), [{}, {}])
    for place, seat in enumerate([1, 4]):
        trainer = Trainer(school.task, school.layout, seat=seat, seats=6, seed=0)
        np.testing.assert_array_equal(
            trained[place].state, trainer.train(np.ldexp(base.astype(np.float32), -16), 2)
        )
    assert simulate(scenario).digest == simulate(replace(scenario, records=True)).digest


def test_a_task_with_data_and_training_of_its_own_is_simulated(tasks: str) -> None:
    results = simulate(replace(scenario_of(tasks, "Unusual"), rounds=4))
    assert set(results.summary.figures) == {"distance"}
    summary = results.summary
    assert summary.main == MainFigure("distance", "lower")
    assert summary.mean == pytest.approx(summary.figures["distance"])
    assert summary.worst > summary.mean
    assert isnan(summary.mean_error)
    assert simulate(replace(scenario_of(tasks, "Unusual"), rounds=4)).digest == results.digest


def test_data_of_an_own_kind_cannot_drift(tasks: str) -> None:
    with pytest.raises(UsageError, match="cannot drift"):
        simulate(replace(scenario_of(tasks, "Unusual"), drift=0.1))


def test_a_train_finds_what_its_task_kept_of_data(tasks: str) -> None:
    path = Path(tasks).with_name("keeping.py")
    path.write_text(TASKS + KEEPING)
    assert simulate(scenario_of(str(path), "Keeping")).digest == simulate(scenario_of(tasks, "Unusual")).digest


PERSONAL = '''

class Personal(Convolutional):
    """Each peer's head is its own; half of the peers have their labels turned round."""

    private = ("4.*",)
    learning_rate = 0.1

    def data(self, seat, seats):
        x, y = super().data(seat, seats)
        return x, (1 - y if seat % 2 and seat < 99 else y)
'''


def test_each_simulated_peer_keeps_its_own_part(tasks: str) -> None:
    path = Path(tasks).with_name("personal.py")
    path.write_text(TASKS + PERSONAL)
    rows = simulate(replace(scenario_of(str(path), "Personal"), rounds=20, evaluate_every=20)).rows
    errors = {row.seat: row.error for row in rows if row.round == 20}
    assert [errors[seat] < 0.5 for seat in range(6)] == [True, False] * 3, "heads that learnt the opposite"
