"""Graphs of one shape: the ring, the torus and, to compare with, the star."""

from math import isqrt

import numpy as np

from node.topologies.interface import Graph, Topology, link, shuffle


class Ring(Topology):
    """The seats in a circle, each the neighbour of the next.

    reach: of how many on either side, so that a seat has 2 · reach neighbours, whatever the scenario's degree is.
    redrawn: 1 for a new order of the seats in each round; else they sit in the order of their numbers.
    Source: Lian et al. 2017, arXiv:1705.09056, section 5 (a ring); Watts and Strogatz 1998, doi:10.1038/30918 (the
    lattice with a reach).
    """

    name = "ring"

    def __init__(self, reach: float = 1, redrawn: float = 0) -> None:
        super().__init__(redrawn)
        self.reach = _whole("reach", reach, 1)

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:  # noqa: ARG002
        order = shuffle(peers, rng) if self.is_redrawn else list(range(peers))
        steps = range(1, min(self.reach, peers - 1) + 1)
        pairs = [(seat, order[(here + step) % peers]) for step in steps for here, seat in enumerate(order)]
        return link(pairs, peers)


class Torus(Topology):
    """The seats on a grid whose edges meet: each has the one above, below, left and right of it for a neighbour.

    columns: of the grid; 0 (the default) for the most nearly square one that the seats fill. Raises ValueError
    where they fill none: a prime number of seats is a ring. redrawn: as for the ring.
    Source: Koloskova, Stich and Jaggi 2019, arXiv:1902.00340, section 5.
    """

    name = "torus"

    def __init__(self, columns: float = 0, redrawn: float = 0) -> None:
        super().__init__(redrawn)
        self.columns = _whole("columns", columns, 0)

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:  # noqa: ARG002
        order = shuffle(peers, rng) if self.is_redrawn else list(range(peers))
        columns = self.columns or _most_nearly_square(peers)
        rows = peers // columns
        if rows * columns != peers or min(rows, columns) < 2:
            raise ValueError(
                f"{peers} peers fill no grid of {columns} columns and two rows or more: choose columns that"
                " divide the number of peers, or a ring"
            )
        pairs = []
        for here, seat in enumerate(order):
            row, column = divmod(here, columns)
            pairs.append((seat, order[row * columns + (column + 1) % columns]))
            pairs.append((seat, order[(row + 1) % rows * columns + column]))
        return link(pairs, peers)


class Star(Topology):
    """One seat is everybody's neighbour, and nobody else is anyone's: gossip through a server, to compare with.

    hub: that seat. Where it misses a round, nobody has a neighbour in it. redrawn: 1 for another hub in each round.
    Source: the server of McMahan et al. 2017, arXiv:1602.05629, as a graph.
    """

    name = "star"

    def __init__(self, hub: float = 0, redrawn: float = 0) -> None:
        super().__init__(redrawn)
        self.hub = _whole("hub", hub, 0)

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:  # noqa: ARG002
        hub = shuffle(peers, rng)[0] if self.is_redrawn else self.hub
        if hub >= peers:
            raise ValueError(f"the hub, seat {hub}, is not in 0..{peers - 1}")
        return link([(hub, seat) for seat in range(peers)], peers)


def _most_nearly_square(count: int) -> int:
    """The smaller side of the most nearly square grid of so many places."""
    return next(side for side in range(isqrt(count), 0, -1) if count % side == 0)


def _whole(name: str, value: float, least: int) -> int:
    """A parameter that counts. Raises ValueError."""
    if value < least or not float(value).is_integer():
        raise ValueError(f"{name} is {value:g}, not a whole number from {least}")
    return int(value)
