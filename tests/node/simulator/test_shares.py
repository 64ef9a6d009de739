"""What each simulated peer trains on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ledger.errors import SetupError
from node.partitions import PARTITIONS, Partition
from node.simulator import data, simulate
from node.simulator.data import DataShares, make_task
from node.simulator.scenario import Scenario
from node.simulator.seat_tasks import SeatTasks

SCENARIO = Scenario(task="digits", peers=4, samples=10, drift=0.25)


def test_drift_slides_towards_the_next_peers_examples() -> None:
    scenario = replace(SCENARIO, drift=0.25)
    task = make_task(scenario)
    shares = DataShares(SeatTasks(task, scenario.peers), scenario)
    own, following = task.data(3, 4), task.data(0, 4)
    torch.testing.assert_close(shares.share_of(3, 1)[0], own[0])
    # Behind the last peer comes the first; a quarter of ten examples a round.
    torch.testing.assert_close(shares.share_of(3, 3)[1], torch.cat([own[1][5:], following[1][:5]]))
    torch.testing.assert_close(shares.share_of(3, 5)[1], following[1])


def test_without_drift_a_peer_keeps_its_data() -> None:
    scenario = replace(SCENARIO, drift=0.0)
    shares = DataShares(SeatTasks(make_task(scenario), scenario.peers), scenario)
    assert shares.share_of(2, 1) is shares.share_of(2, 9)


@pytest.mark.usefixtures("installed_fashion_mnist")
def test_fashion_mnist_read_once_is_dealt_as_it_is_peer_by_peer() -> None:
    scenario = Scenario(task="fashion-mnist", peers=5, samples=20, skew=0.7, seed=3)
    shares, alone = DataShares(SeatTasks(make_task(scenario), scenario.peers), scenario), make_task(scenario)
    for seat in range(5):
        for dealt, own in zip(shares.share_of(seat, 1), alone.data(seat, 5), strict=True):
            torch.testing.assert_close(dealt, own, rtol=0, atol=0)


def test_test_examples_are_a_fixed_part_of_the_tasks() -> None:
    task = make_task(SCENARIO)
    everything = data.test_examples(task, replace(SCENARIO, test_examples=None))
    some = data.test_examples(task, replace(SCENARIO, test_examples=50, seed=5))
    again = data.test_examples(task, replace(SCENARIO, test_examples=50, seed=6))
    assert everything is not None
    assert some is not None
    assert again is not None
    assert len(everything[1]) == 359
    assert len(some[1]) == 50
    np.testing.assert_array_equal(some[0], again[0])


@pytest.mark.parametrize("name", [name for name in PARTITIONS if name not in ("owner", "rotation")])
def test_a_partition_deals_any_tasks_examples(name: str) -> None:
    scenario = Scenario(task="breast-cancer", peers=5, rounds=2, degree=2, samples=40, partition=name, skew=0.9)
    shares = DataShares(SeatTasks(make_task(scenario), scenario.peers), scenario)
    sizes = [len(shares.share_of(seat, 1)[1]) for seat in range(5)]
    assert sum(sizes) == 200
    assert min(sizes) >= 1
    assert simulate(scenario).digest == simulate(scenario).digest


def test_fangs_partition_deals_by_the_scenarios_skew_unless_told_otherwise() -> None:
    scenario = Scenario(task="digits", peers=10, samples=40, partition="fang", skew=1.0)
    for one, labels in ((scenario, 1), (replace(scenario, partition_parameters={"skew": 0.0}), 10)):
        shares = DataShares(SeatTasks(make_task(one), one.peers), one)
        assert len(torch.unique(shares.share_of(3, 1)[1])) == labels


OWNED = """
import torch
from torch import nn


class Owned:
    def model(self):
        return nn.Linear(2, 2)

    def data(self, seat, seats):
        x = torch.arange(24.0).reshape(12, 2)
        return x, torch.arange(12) % 2

    def owners(self, seat, seats):
        return ["a", "b", "c"] * OWNERS
"""


def test_a_task_may_say_whose_its_examples_are(tmp_path: Path) -> None:
    path = tmp_path / "owned.py"
    path.write_text(OWNED.replace("OWNERS", "4"))
    scenario = Scenario(task=f"{path}:Owned", peers=3, degree=2, partition="owner")
    shares = DataShares(SeatTasks(make_task(scenario), scenario.peers), scenario)
    rows = sorted((shares.share_of(seat, 1)[0][:, 0] / 2).tolist() for seat in range(3))
    assert rows == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    path.write_text(OWNED.replace("OWNERS", "3"))
    with pytest.raises(SetupError, match="give the owner of each of the 12 examples"):
        DataShares(SeatTasks(make_task(scenario), scenario.peers), scenario)


def test_a_partition_of_ones_own_is_told_whose_fault_it_is() -> None:
    class Mine(Partition):
        def deal(self, pool, seats, samples, rng):  # type: ignore[no-untyped-def]
            return [[0]] * seats

    scenario = Scenario(task="digits", peers=3, degree=2, partition=Mine)
    with pytest.raises(SetupError, match=r"partition Mine: deal\(\) at .*test_shares.py:\d+ gave an example twice"):
        DataShares(SeatTasks(make_task(scenario), scenario.peers), scenario)
