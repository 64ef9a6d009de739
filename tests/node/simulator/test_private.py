"""A simulated circle with differential privacy: noisy, and repeatable to the bit."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import UsageError
from node.simulator.scenario import Scenario
from node.simulator.simulation import simulate
from tests.support.imports import find_reached, read_imports

PRIVATE = Scenario(
    task="digits",
    peers=3,
    rounds=2,
    degree=2,
    rule="none",
    samples=100,
    privacy={"steps": 4, "batch": 25, "clip": 1.0, "sigma": 2.0, "lr": 1.0},
)


def test_a_private_simulation_is_repeatable_and_its_noise_is_the_mechanisms() -> None:
    one, other = simulate(PRIVATE), simulate(PRIVATE)
    assert one.digest == other.digest
    assert simulate(replace(PRIVATE, seed=1)).digest != one.digest
    assert simulate(replace(PRIVATE, privacy={})).digest != one.digest


@pytest.mark.parametrize(
    ("privacy", "reason"),
    [({"sigma": 1.0}, "privacy takes steps"), ({**PRIVATE.privacy, "sigma": 0.0}, "privacy option sigma is 0")],
)
def test_half_a_mechanism_is_refused(privacy: dict[str, float], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        replace(PRIVATE, privacy=privacy)


def test_no_peer_can_come_by_predictable_noise() -> None:
    imports = read_imports()
    assert "node.learning.private.mechanism" in find_reached(["node.peer", "node.cli.node"], imports)
    assert "node.simulator.predictable_randomness" not in find_reached(["node.peer", "node.cli.node"], imports)


def test_an_attacker_that_trains_with_less_noise_does_so_in_a_simulation_too() -> None:
    def errors(**changes: Any) -> list[float]:
        """Of the first two, who mix in what the third publishes."""
        return [row.error for row in simulate(replace(PRIVATE, **changes)).rows if row.seat < 2]

    assert errors(attack="less-noise", malicious=(2,)) != errors()
    # What it says is a matter of blobs, which a simulation without records has none of.
    assert errors(attack="uncharged", malicious=(2,)) == errors()
