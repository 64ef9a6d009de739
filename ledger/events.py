"""The circle's events as values, in the order and with the fields of contracts/Circle.vy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Opened:
    """The deployment: task digest (32 bytes) and the manifest's bytes."""

    task: bytes
    manifest: bytes


@dataclass(frozen=True)
class Joined:
    """A peer took a seat. peer: checksummed address."""

    seat: int
    peer: str
    endpoint: str


@dataclass(frozen=True)
class Moved:
    """A seat published a new endpoint."""

    seat: int
    endpoint: str


@dataclass(frozen=True)
class Woken:
    """A seat asked to be awaited again."""

    round: int
    seat: int


@dataclass(frozen=True)
class Committed:
    """A seat anchored its update. digest: 32 bytes."""

    round: int
    seat: int
    digest: bytes


@dataclass(frozen=True)
class Drawn:
    """The commit phase closed. seed: 32 bytes; committed: mask."""

    round: int
    seed: bytes
    committed: int


@dataclass(frozen=True)
class Attested:
    """A seat anchored its verdicts. judged, accepted: masks; record: 32 bytes."""

    round: int
    seat: int
    judged: int
    accepted: int
    record: bytes


@dataclass(frozen=True)
class Settled:
    """The round's verdicts became reputations. attested: mask; reputations: sixteen packed words."""

    round: int
    attested: int
    reputations: tuple[int, ...]


Event = Opened | Joined | Moved | Woken | Committed | Drawn | Attested | Settled
