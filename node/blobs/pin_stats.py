"""What became of a peer's pins at an IPFS daemon; apart from what makes them, which takes its time to load."""

from dataclasses import dataclass


@dataclass
class PinStats:
    """What became of it."""

    held: int = 0
    """This peer's own pins that the daemon has now."""
    wanted: int = 0
    """Those that it should have."""
    made: int = 0
    """Pins made."""
    removed: int = 0
    """Pins removed."""
    failures: int = 0
    """How often the daemon was down, slow, full or refused."""
