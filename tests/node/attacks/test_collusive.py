"""Attacks made of the honest states' statistics, against numbers worked by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from node.attacks import choose_attack
from node.attacks.attack import Colluder
from node.attacks.collusive import largest_z
from node.attacks.geometry import reach_along, squared_distances
from tests.support.sights import sight_of, vector

TRIANGLE = [[0.0, 0.0], [4.0, 0.0], [2.0, 3.0]]


def plan(name: str, states: list[list[float]], base: list[float], **fields: Any) -> NDArray[np.float32]:
    attack = choose_attack(name, fields.pop("parameters", {}))
    assert isinstance(attack, Colluder)
    return attack.plan(sight_of(states, base, **fields))


def test_alie_goes_z_deviations_below_the_mean() -> None:
    assert plan("alie", [[1, 5], [3, 5]], [0, 0], parameters={"z": 1.5}).tolist() == [0.5, 5.0]


# (n − m − s) / (n − m) with s = ⌊n/2 + 1⌋ − m: 24 / 38 → .336, 9 / 16 → .157; 3 / 6 → 0; a majority needs none.
@pytest.mark.parametrize(("peers", "poisoners", "z"), [(50, 12, 0.336), (20, 4, 0.157), (8, 2, 0), (8, 6, 0)])
def test_alie_goes_as_far_as_enough_honest_peers_lie_beyond(peers: int, poisoners: int, z: float) -> None:
    assert largest_z(peers, poisoners) == pytest.approx(z, abs=1e-3)


def test_stall_publishes_the_mean_base() -> None:
    assert plan("stall", [[3, 1], [5, 1]], [2, 1]).tolist() == [2.0, 1.0]


def test_ipm_publishes_the_mean_step_reversed_and_shortened() -> None:
    assert plan("ipm", [[3, 1], [5, 1]], [2, 1], parameters={"epsilon": 0.5}).tolist() == [1.0, 1.0]


def test_min_max_is_no_further_from_any_than_the_two_outermost_are_apart() -> None:
    # The mean is (2, 1), the largest distance 4; down from there, (2, 3) is the first to be 4 away.
    poison = plan("min-max", TRIANGLE, [2, 0], parameters={"perturbation": 0})
    assert poison.tolist() == [2.0, -1.0]


def test_min_sum_is_no_further_from_all_together_than_the_outermost() -> None:
    # Row sums of squared distances are 29, 29 and 26; around the mean they are 14, and 3γ² = 29 − 14.
    poison = plan("min-sum", TRIANGLE, [2, 0], parameters={"perturbation": 0})
    assert poison == pytest.approx([2.0, 1.0 - 5**0.5], abs=1e-6)


def test_the_perturbation_is_a_deviation_or_a_sign() -> None:
    # μ = (1, 0), σ = (1, 0), and 2 apart: γ = 1 either way.
    for perturbation in (1, 2):
        poison = plan("min-max", [[0, 0], [2, 0]], [0, 0], parameters={"perturbation": perturbation})
        assert poison == pytest.approx([0.0, 0.0], abs=1e-6)


def test_dissensus_at_one_keeps_its_victim_where_it_is_whatever_the_others_weigh() -> None:
    states = [[0.0], [3.0], [6.0]]
    seen = {"colluders": (3, 4), "seat": 3, "round": 2, "parameters": {"epsilon": 1.0}}
    poison = plan("dissensus", states, [0.0], **seen)
    assert poison.tolist() == [10.5]
    assert np.mean([*states, poison, poison]) == pytest.approx(6.0)


def test_every_accomplice_takes_another_victim() -> None:
    poisons = {
        plan("dissensus", [[0.0], [3.0], [6.0]], [0.0], colluders=(3, 4), seat=seat, round=2).item()
        for seat in (3, 4)
    }
    assert len(poisons) == 2


# ALIE in a circle of two peers has z = 0 and publishes the mean itself.
@pytest.mark.parametrize("name", ["ride", "alie"])
def test_what_accomplices_publish_is_nearly_the_same_and_not_quite(name: str) -> None:
    states = np.random.default_rng(1).normal(size=(4, 1000)).tolist()
    published = [
        choose_attack(name).publish(sight_of(states, [0.0] * 1000, seat=seat, rng=np.random.default_rng(seat)))
        for seat in (6, 7)
    ]
    centre = np.mean(states, axis=0)
    apart = np.linalg.norm(published[0] - published[1])
    assert 0 < apart < 0.02 * (np.linalg.norm(published[0] - centre) + np.linalg.norm(centre))


def test_the_reach_along_a_line_is_the_far_side_of_each_ball_it_meets() -> None:
    centres = np.array([[0, 0], [3, 0], [3, 5]], np.float32)
    found = reach_along(vector(0, 0), vector(1, 0), centres, [2.0, 1.0, 1.0])
    assert found.tolist() == [2.0, 4.0, 0.0]


def test_squared_distances_are_those_of_all_pairs() -> None:
    states = np.array(TRIANGLE, np.float32) + 100
    assert squared_distances(states) == pytest.approx(np.array([[0, 16, 13], [16, 0, 13], [13, 13, 0]]), abs=1e-3)
