"""Graphs that chance draws: the network's own, and independent edges."""

from collections.abc import Iterator

import numpy as np

from ledger.circle.draw import draw_neighbours
from node.topologies.interface import Graph, Topology, link


class RandomRegular(Topology):
    """Every seat has `degree` neighbours: a circulant graph over a random ring, as a circle's contract draws it.

    redrawn at 1 (the default) is the network: the draw is the contract's, by the round's own seed. At 0 one draw
    of the same kind holds for all rounds, which no contract does.
    Source: R11 of docs/protocol.md; drawn anew in each round as in EL Oracle, de Vos et al. 2023, arXiv:2310.01972.
    """

    name = "random-regular"

    def __init__(self, redrawn: float = 1) -> None:
        super().__init__(redrawn)
        self.is_networks = self.is_redrawn

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:
        return draw_neighbours(rng.bytes(32), (1 << peers) - 1, degree)


class ErdosRenyi(Topology):
    """Each two seats are neighbours with probability p, independently of all others.

    probability: p; 0 (the default) for the one that gives `degree` neighbours in the mean. Below ln(n) / n a seat
    without a neighbour is likely: it goes on alone.
    Source: Gilbert 1959, doi:10.1214/aoms/1177706098; Erdős and Rényi 1959.
    """

    name = "erdos-renyi"

    def __init__(self, probability: float = 0, redrawn: float = 0) -> None:
        super().__init__(redrawn)
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability:g}, not in 0..1")
        self.probability = probability

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:
        chance = self.probability or min(1.0, degree / (peers - 1))
        return link(_draw_pairs(peers, chance, rng), peers)


def _draw_pairs(peers: int, chance: float, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    for seat in range(peers - 1):
        # One row at a time: all pairs of some thousand peers fill the memory.
        for step in np.flatnonzero(rng.random(peers - seat - 1) < chance):
            yield seat, seat + 1 + int(step)
