"""A circle's processes in the places of a soak: chain and audit at home, each node in a namespace of its own."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Self

from ledger.chain.circle import Circle
from ledger.chain.deployment.deploy import CircleFile, open_circle
from ledger.circle.history import History
from node.demo.launcher import LocalNetwork, PeerProcess, Process
from node.demo.nursery import Nursery
from scripts.soak.sky import HOME, Place, Sky

_INSIDE = "scripts.soak.inside"


class SoakNetwork(LocalNetwork):
    """Processes are forks of one that has imported the program, which changes nothing of what they do afterwards."""

    def __init__(self, folder: Path, sky: Sky) -> None:
        super().__init__(folder, nursery=_make_nursery())
        self.sky = sky
        self._starting: Place | None = None

    def __enter__(self) -> Self:
        return self

    def start(self) -> None:
        """The chain, at an address that all places reach. Raises SetupError."""
        self.start_chain(0, 1, "--host", HOME, "--allow-remote")

    def start_node(self, peer: PeerProcess, *options: str, host: str, advertise: str) -> None:
        """Start a node in its place, or start it again after its end."""
        self._starting = self.sky.places[peer.index]
        try:
            self.start_peer(peer, "--host", host, "--advertise", advertise, *options)
        finally:
            self._starting = None

    def _start(self, command: Sequence[str], out: IO[bytes], err: IO[bytes]) -> Process:
        if self._starting is None or self.nursery is None:
            return super()._start(command, out, err)
        space = f"/proc/{os.getpid()}/fd/{self._starting.space.descriptor}"
        return self.nursery.start([_INSIDE, space, *command], stdout=out, stderr=err, **self._lifeline_options())


@cache
def _make_nursery() -> Nursery:
    """One for all scenarios; it ends with this process."""
    return Nursery(("node.*", "ledger.*"))


@dataclass
class Sight:
    """What the chain says of the circle, followed from its first event on."""

    circle: Circle
    """Asked at home, without weather."""
    history: History
    """As far as it was followed."""
    through: int = 0
    """The last block that is in it."""

    @classmethod
    def of(cls, file: Path) -> "Sight":
        """Of the circle in a circle file."""
        circle = open_circle(CircleFile.read(file))
        return cls(circle, History(circle.terms), -1)

    def look(self) -> History:
        """Take in what is new."""
        head = self.circle.fetch_head()
        if head > self.through:
            for placed in self.circle.fetch_events(self.through + 1, head):
                self.history.apply(placed.event)
            self.through = head
        return self.history
