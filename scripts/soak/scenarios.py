"""What a soak puts a network through. A scenario says how many nodes, and what happens when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.soak.air import Climate
from scripts.soak.soak import Soak

V6 = "::"
ANY = "0.0.0.0"


@dataclass(frozen=True)
class Scenario:
    """Weather and nothing else. Subclasses add what happens."""

    name: str = "weather"
    """On the command line."""
    nodes: int = 16
    """How many."""
    rounds: int = 20
    """The circle's last round."""
    degree: int = 7
    """Neighbours that a peer judges in a round."""
    behind_nat: tuple[int, ...] = (3, 11)
    """Nodes with a router before them."""
    by_v6: tuple[int, ...] = (5,)
    """Nodes that others reach by IPv6 alone."""
    climate: Climate = field(default_factory=Climate)
    """The weather."""
    commit_window_s: int = 60
    """Of the circle."""
    attest_window_s: int = 30
    """Of the circle."""
    deploy: tuple[str, ...] = ()
    """Further options of `folkmoot deploy`."""

    @property
    def deploy_options(self) -> tuple[str, ...]:
        """Further options of `folkmoot deploy`."""
        return self.deploy

    @property
    def extra_places(self) -> int:
        """Places besides those of the nodes."""
        return 0

    @property
    def attacks(self) -> Mapping[int, str]:
        """Nodes that do wrong, and what."""
        return {}

    def settle(self, soak: Soak) -> None:
        """The nodes are made, and none has started."""

    def enter_round(self, soak: Soak, number: int) -> None:
        """A round has opened."""

    def attend(self, soak: Soak) -> None:
        """Called several times a second."""

    def end(self, soak: Soak) -> None:
        """After the last round, before the audit."""

    def close(self) -> None:
        """After the audit, or where something went wrong."""


@dataclass(frozen=True)
class Partition(Scenario):
    """Half of the nodes do not hear the other half for some rounds. The chain is reached by both."""

    name: str = "partition"
    """See Scenario."""
    rounds: int = 8
    """See Scenario."""
    behind_nat: tuple[int, ...] = ()
    """See Scenario."""
    begins: int = 3
    """It begins when this round opens."""
    lasts: int = 2
    """Rounds; it heals when as many are settled."""
    chain_on_one_side: bool = False
    """Whether the second half loses the chain too."""

    def enter_round(self, soak: Soak, number: int) -> None:
        half = len(soak.sky.places) // 2
        if number == self.begins:
            first, second = soak.sky.places[:half], soak.sky.places[half:]
            soak.sky.part([soak.sky.home, *first] if self.chain_on_one_side else first, second)
            soak.note(f"parted {half}/{len(second)} as round {number} opens")
        if number == self.begins + self.lasts:
            soak.sky.part()
            soak.note(f"healed as round {number} opens; {soak.sky.tell()['parted']:,} packets did not pass")


@dataclass(frozen=True)
class PartitionWithChain(Partition):
    """The same with the chain on one side, whose half is a quorum: the other half misses the rounds."""

    name: str = "partition-chain"
    """See Scenario."""
    chain_on_one_side: bool = True
    """See Partition."""
    commit_window_s: int = 20
    """See Scenario."""

    @property
    def deploy_options(self) -> tuple[str, ...]:
        return (*super().deploy_options, "--quorum", str(self.nodes // 2))
