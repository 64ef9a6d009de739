"""What each simulated peer trains on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from node.simulator import data
from node.simulator.data import DataShares
from node.simulator.learning import make_task
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
