"""An event with its place in a chain, apart from what reads chains: going through events loads nothing of that."""

from dataclasses import dataclass

from ledger.circle.events import Event


@dataclass(frozen=True)
class PlacedEvent:
    """An event and where it stands in the chain."""

    position: tuple[int, int]
    """Block number and the log's index in the block."""
    block_hash: str
    """0x-prefixed hex, lower case."""
    transaction: str
    """Its hash, 0x-prefixed hex, lower case."""
    event: Event
    """What happened."""
