"""A topology of a user's own, whose faults become a sentence."""

from collections.abc import Mapping
from operator import index
from typing import Any

import numpy as np

from ledger.errors import SetupError
from node.own_code.own_objects import OwnObject
from node.topologies.interface import Graph, Topology


class BadGraph(SetupError):
    """What was drawn is no graph over the seats."""


class OwnTopology(Topology):
    """Draws what the user's object draws, once it is a graph."""

    def __init__(self, own: OwnObject) -> None:
        super().__init__(redrawn=bool(own.read("is_redrawn", False)))
        self._own = own

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:
        drawn = self._own.call("draw", peers, degree, rng)
        try:
            with self._own.run("what draw() gave"):
                return check_graph(drawn, peers)
        except BadGraph as error:
            raise self._own.complain("draw", str(error)) from error


def check_graph(drawn: Any, peers: int) -> dict[int, tuple[int, ...]]:
    """The graph in plain integers, its seats all there. Raises BadGraph."""
    if not isinstance(drawn, Mapping):
        raise BadGraph(f"gave a {type(drawn).__name__}: give a dict of each seat's neighbours")
    found: dict[int, tuple[int, ...]] = dict.fromkeys(range(peers), ())
    for key, near in drawn.items():
        seat = _seat(key, peers)
        others = tuple(_seat(other, peers) for other in near)
        if seat in others:
            raise BadGraph(f"gave seat {seat} itself for a neighbour: leave it out")
        if len(set(others)) != len(others):
            raise BadGraph(f"gave seat {seat} a neighbour twice: name each once")
        found[seat] = others
    return found


def _seat(value: Any, peers: int) -> int:
    try:
        seat = index(value)
    except TypeError:
        raise BadGraph(f"gave {value!r:.40} for a seat: give whole numbers") from None
    if not 0 <= seat < peers:
        raise BadGraph(f"gave seat {seat}, and seats are 0 to {peers - 1}")
    return seat
