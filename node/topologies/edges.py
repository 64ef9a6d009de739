"""A graph of one's own, read from a file of edges."""

import re
from pathlib import Path
from typing import Final

import numpy as np

from ledger.errors import UsageError
from node.topologies.interface import Graph, Topology, link

_LARGEST_BYTES: Final = 64_000_000
_SHOWN: Final = 60
_EDGE: Final = re.compile(r"\s*(\d{1,9})(?:\s*[,;]\s*|\s+)(\d{1,9})\s*")


class Edges(Topology):
    """The graph whose edges a file lists: two seats a line, with a blank or a comma between; `#` begins a comment.

    An edge goes both ways and may stand there twice. It is the same in all rounds.
    """

    name = "edges"

    def __init__(self, path: Path) -> None:
        """Raises UsageError, with the line, for a file that is none of edges."""
        super().__init__()
        self._path = path
        self._pairs = _read_edges(path)

    def draw(self, peers: int, degree: int, rng: np.random.Generator) -> Graph:  # noqa: ARG002
        for one, other in self._pairs:
            if max(one, other) >= peers:
                raise ValueError(f"{self._path} links seats {one} and {other}, and seats are 0 to {peers - 1} here")
        return link(self._pairs, peers)


def _read_edges(path: Path) -> list[tuple[int, int]]:
    """The pairs, in the order of the file."""
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"the edges {path} cannot be read ({error.strerror or error}): name a file of them"
        ) from error
    if len(text) > _LARGEST_BYTES:
        raise UsageError(f"the edges {path} are more than {_LARGEST_BYTES:,} bytes: name a smaller graph")
    found = []
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
        edge = line.partition("#")[0]
        if not edge.strip():
            continue
        match = _EDGE.fullmatch(edge)
        if match is None or match[1] == match[2]:
            raise UsageError(
                f"{path}, line {number}: {line.strip()[:_SHOWN]!r} is no edge: write two different seats, such as"
                " 3 7"
            )
        found.append((int(match[1]), int(match[2])))
    return found
