"""What a topology is: who judges whom in a round, drawn from the number of peers and a seed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

Graph = Mapping[int, Sequence[int]]
"""Seat → its neighbours' seats, whose updates it judges; who is not named has none."""


class Topology:
    """A graph over the seats 0 to peers − 1.

    Parameters are numbers with defaults in the constructor; it raises ValueError for a value that makes no sense.
    """

    name: ClassVar[str] = ""
    """As it is asked for."""
    is_redrawn: bool = False
    """Whether it is drawn anew in each round; else one draw holds for all."""
    is_networks: bool = False
    """Whether this is the very draw of a circle's contract (R11)."""

    def __init__(self, redrawn: float = 0) -> None:
        """redrawn: 1 for a new draw in each round, 0 for one that holds for all."""
        if redrawn not in (0, 1):
            raise ValueError(f"redrawn is 0 or 1, not {redrawn:g}")
        self.is_redrawn = bool(redrawn)

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:
        """Each seat's neighbours. Those that miss a round are missing in the graph, too.

        degree: how many neighbours the scenario asks for, where that is for the scenario to say. rng: the one
        source of chance. Raises ValueError where there is no such graph of so many peers.
        """
        raise NotImplementedError


def link(pairs: Iterable[tuple[int, int]], peers: int) -> Graph:
    """The graph whose edges these are, neighbours ascending. A pair of a seat with itself is none."""
    found: list[set[int]] = [set() for _ in range(peers)]
    for one, other in pairs:
        if one != other:
            found[one].add(other)
            found[other].add(one)
    return {seat: tuple(sorted(near)) for seat, near in enumerate(found)}


def shuffle(peers: int, rng: np.random.Generator) -> list[int]:
    """The seats in random order."""
    return [int(seat) for seat in np.argsort(rng.random(peers), kind="stable")]
