"""Who judges whom in a simulated round."""

from collections.abc import Mapping

from ledger.circle.round import Round
from ledger.errors import UsageError
from node.own_code.own_objects import label_of
from node.simulator.scenario import Scenario, generator
from node.topologies import Graph, choose_topology


class Neighbours:
    """The scenario's topology: the contract's own draw, or another that no circle has."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._topology = choose_topology(scenario.topology, scenario.topology_parameters)
        self._fixed: Graph | None = None

    @property
    def degree(self) -> int:
        """How many neighbours a judge has in the mean, to the nearest number from 1: what attackers go by."""
        scenario = self._scenario
        if self._topology.is_networks:
            return scenario.degree
        links = sum(len(near) for near in self._draw(0).values())
        return max(1, round(links / scenario.peers))

    def find(self, round_: Round) -> Mapping[int, tuple[int, ...]]:
        """Each committed seat's neighbours, of those that committed too. The seed must be drawn."""
        if self._topology.is_networks:
            return round_.find_neighbours(self._scenario.degree)
        if self._topology.is_redrawn:
            graph = self._draw(round_.number)
        else:
            graph = self._fixed = self._fixed or self._draw(0)
        here = round_.commits.keys()
        return {seat: tuple(other for other in graph.get(seat, ()) if other in here) for seat in sorted(here)}

    def _draw(self, number: int) -> Graph:
        scenario = self._scenario
        rng = generator(scenario.seed, "topology", number)
        try:
            return self._topology.draw(scenario.peers, scenario.degree, rng)
        except ValueError as error:
            raise UsageError(f"topology {label_of(scenario.topology)}: {error}") from error
