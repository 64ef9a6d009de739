"""Topologies in a simulated circle."""

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.errors import UsageError
from ledger.rules import RULES
from node.simulator import Scenario, simulate
from node.simulator.simulation import SimulatedRound
from node.topologies import TOPOLOGIES, Topology

SMALL = Scenario(task="digits", peers=8, rounds=3, degree=3, rule="balance", samples=30, test_examples=50)


def laps_of(scenario: Scenario) -> list[SimulatedRound]:
    laps: list[SimulatedRound] = []
    simulate(scenario, watch=laps.append)
    return laps


def links_of(lap: SimulatedRound) -> dict[int, tuple[int, ...]]:
    return {seat: turn.neighbours for seat, turn in lap.turns.items()}


def test_judges_meet_their_neighbours_in_the_topology_and_nobody_else() -> None:
    for lap in laps_of(replace(SMALL, topology="ring")):
        assert links_of(lap) == {seat: tuple(sorted({(seat - 1) % 8, (seat + 1) % 8})) for seat in range(8)}
        assert all(row.honest_accepted + row.honest_rejected + row.unavailable == 2 for row in lap.rows)


def test_a_fixed_topology_holds_for_all_rounds_and_a_redrawn_one_does_not() -> None:
    for name in ("random-regular", "erdos-renyi", "ring"):
        fixed, redrawn = (
            [
                links_of(lap)
                for lap in laps_of(replace(SMALL, topology=name, topology_parameters={"redrawn": again}))
            ]
            for again in (0, 1)
        )
        assert fixed[0] == fixed[1] == fixed[2]
        assert redrawn[0] != redrawn[1]


def test_who_misses_a_round_is_missing_in_the_graph() -> None:
    for lap in laps_of(replace(SMALL, topology="torus", churn=0.3, seed=1)):
        here = {row.seat for row in lap.rows if row.committed}
        assert links_of(lap).keys() == here
        assert all(here.issuperset(near) for near in links_of(lap).values())


@pytest.mark.parametrize("rule", [name for name in RULES if name != "ubar"])
def test_a_judge_without_a_neighbour_goes_on_alone_under_every_rule(rule: str) -> None:
    """Two attackers in a star whose hub is late: nobody meets anybody before."""
    scenario = replace(SMALL, rule=rule, topology="star", late={0: 3}, attack="tuned", malicious=(1, 2))
    laps = laps_of(scenario)
    assert set(links_of(laps[0]).values()) == {()}
    assert links_of(laps[2])[0] == (1, 2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_equal_seeds_give_equal_digests_in_every_topology(name: str) -> None:
    scenario = replace(SMALL, topology=name, rounds=2, attack="alie", malicious=0.2, churn=0.1)
    assert simulate(scenario).digest == simulate(scenario).digest


def test_the_default_is_the_contracts_own_draw() -> None:
    for lap in laps_of(SMALL):
        assert links_of(lap) == dict(lap.round.find_neighbours(3))


def test_a_topology_of_ones_own_is_given_as_class_or_object(tmp_path: Path) -> None:
    class Line(Topology):
        def draw(self, peers: int, degree: int, rng: object) -> dict[int, list[int]]:
            return {seat: [seat + 1] for seat in range(peers - 1)}

    (tmp_path / "edges.csv").write_text("0,1\n")
    for topology in (Line, Line()):
        assert links_of(laps_of(replace(SMALL, topology=topology, rounds=1))[0])[7] == ()
        assert replace(SMALL, topology=topology).to_fields()["topology"] == "Line"
    linked = links_of(laps_of(replace(SMALL, topology=f"edges:{tmp_path / 'edges.csv'}", rounds=1))[0])
    assert linked == {0: (1,), 1: (0,), **dict.fromkeys(range(2, 8), ())}


def test_a_graph_that_there_is_not_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="topology torus: 7 peers fill no grid"):
        simulate(replace(SMALL, peers=7, topology="torus"))


def test_a_circles_records_are_of_its_contracts_own_topology() -> None:
    with pytest.raises(UsageError, match="contract's own topology"):
        replace(SMALL, topology="ring", records=True)
