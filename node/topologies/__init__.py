"""Who judges whom: the network's own topology, those of the literature, and a researcher's.

A circle's contract draws its own and no other. All others are the simulator's alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ledger.errors import UsageError
from node.own_code.own_objects import find_own
from node.own_code.parameters import make_with
from node.topologies.drawn import ErdosRenyi, RandomRegular
from node.topologies.edges import Edges
from node.topologies.interface import Graph, Topology, link
from node.topologies.own_topology import OwnTopology
from node.topologies.regular import Ring, Star, Torus

__all__ = ["TOPOLOGIES", "Graph", "Topology", "choose_topology", "draw_graph", "link"]

TOPOLOGIES: Final[dict[str, type[Topology]]] = {
    kind.name: kind for kind in (RandomRegular, Ring, Torus, ErdosRenyi, Star)
}
_KNOWN: Final = f"{', '.join(TOPOLOGIES)}, edges:FILE"


def choose_topology(asked: object, parameters: Mapping[str, float] | None = None) -> Topology:
    """The topology asked for: by name, as edges:FILE or FILE.py:CLASS, as a class or an object.

    parameters: of its constructor. Raises UsageError for an unknown name, parameter or value, and SetupError for a
    class of one's own that does not do.
    """
    given = dict(parameters or {})
    for name, kind in TOPOLOGIES.items():
        if asked is kind or asked == name:
            made: Topology = make_with(kind, f"topology {name}", given)
            return made
    if isinstance(asked, str) and asked.startswith("edges:"):
        if given:
            raise UsageError("topology edges has no parameters: the file says it all")
        return Edges(Path(asked.partition(":")[2]))
    if isinstance(asked, Topology) and type(asked) in (*TOPOLOGIES.values(), Edges) and not given:
        return asked
    return OwnTopology(find_own(asked, "topology", given, methods=("draw",), known=_KNOWN))
