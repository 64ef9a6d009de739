"""What happens to a packet between two places: rate and queue at each end, latency and loss between. Pure."""

import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Climate:
    """The weather between all places."""

    latency_s: float = 0.05
    """From sender to receiver, one way."""
    loss: float = 0.01
    """Share of packets that are lost."""
    rate: float = 2e6
    """Bytes a second that one end sends at most, and that it receives at most."""
    queue_bytes: int = 256 * 1024
    """So much waits for an end's line at most; what comes then is dropped."""


CALM = Climate(0.0, 0.0, 1e9, 1 << 26)
"""Nothing is in the way."""


@dataclass
class Line:
    """One direction of one place's line. Counters are of packets, and of their bytes with IP's heads."""

    free_at: float = 0.0
    """When the last byte of what waits is through."""
    packets: int = 0
    """That went through."""
    bytes: int = 0
    """That went through."""
    dropped: int = 0
    """Packets dropped since too much waited."""

    def pass_through(self, size: int, now: float, climate: Climate) -> float | None:
        """When the last byte of a packet is through; None where the queue is full."""
        begins = max(now, self.free_at)
        if (begins - now) * climate.rate > climate.queue_bytes:
            self.dropped += 1
            return None
        self.free_at = begins + size / climate.rate
        self.packets += 1
        self.bytes += size
        return self.free_at


@dataclass
class Air:
    """All lines, and who hears whom."""

    climate: Climate
    """For all of them, but for places that are let alone."""
    rng: random.Random
    """Draws what is lost."""
    up: dict[int, Line] = field(default_factory=dict)
    """Place → its line out."""
    down: dict[int, Line] = field(default_factory=dict)
    """Place → its line in."""
    side: dict[int, int] = field(default_factory=dict)
    """Place → its side of a partition; who is not named is on all sides."""
    fast: set[int] = field(default_factory=set)
    """Places whose own line has no bound: a data centre's."""
    lost: int = 0
    """Packets."""
    parted: int = 0
    """Packets between sides."""

    def carry(self, sender: int, receiver: int, size: int, now: float) -> float | None:
        """When a packet arrives; None where it does not."""
        climate = self.climate
        sides = self.side.get(sender), self.side.get(receiver)
        if None not in sides and sides[0] != sides[1]:
            self.parted += 1
            return None
        sent = now
        if sender not in self.fast:
            through = self.up.setdefault(sender, Line()).pass_through(size, now, climate)
            if through is None:
                return None
            sent = through
        if climate.loss and self.rng.random() < climate.loss:
            self.lost += 1
            return None
        arrives = sent + climate.latency_s
        if receiver in self.fast:
            return arrives
        # Its line in has its queue where the packet arrives.
        return self.down.setdefault(receiver, Line()).pass_through(size, arrives, climate)
