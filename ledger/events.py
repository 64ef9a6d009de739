"""The circle's events as values, in the order and with the fields of contracts/Circle.vy.

Addresses are checksummed; digests, seeds and the like 32 bytes; masks have bit s for seat s; amounts are wei; times
are Unix seconds.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import get_args


class Outcome(IntEnum):
    """How a dispute ended; the numbers are the contract's."""

    VOID = 0
    UPHELD = 1
    REJECTED = 2


@dataclass(frozen=True)
class Opened:
    """The deployment: task digest and the manifest's bytes."""

    task: bytes
    manifest: bytes


@dataclass(frozen=True)
class Joined:
    """A peer took a seat. cold: who may leave and rotate; inviter: the zero address where admission is open."""

    seat: int
    peer: str
    cold: str
    inviter: str
    endpoint: str


@dataclass(frozen=True)
class Moved:
    """A seat published a new endpoint."""

    seat: int
    endpoint: str


@dataclass(frozen=True)
class Woken:
    """A seat asked to be on the roster again."""

    round: int
    seat: int


@dataclass(frozen=True)
class Committed:
    """A seat anchored its update."""

    round: int
    seat: int
    digest: bytes


@dataclass(frozen=True)
class Drawn:
    """The commit phase closed."""

    round: int
    seed: bytes
    committed: int


@dataclass(frozen=True)
class Attested:
    """A seat anchored its verdicts. verdicts: see ledger/verdicts.py."""

    seat: int
    verdicts: int
    record: bytes


@dataclass(frozen=True)
class Settled:
    """The round's verdicts became reputations. reputations: sixteen packed words."""

    round: int
    attested: int
    reputations: tuple[int, ...]


@dataclass(frozen=True)
class Left:
    """A seat was given up by its cold key."""

    seat: int
    free_at: int


@dataclass(frozen=True)
class Ejected:
    """A seat was below the floor for too long."""

    seat: int
    burned: int
    free_at: int


@dataclass(frozen=True)
class Released:
    """A seat given up became free again; its bond is owed to its cold key."""

    seat: int
    bond: int


@dataclass(frozen=True)
class Rotating:
    """New keys were announced for a seat. rotates_at: 0 where a rotation was called off."""

    seat: int
    peer: str
    cold: str
    rotates_at: int


@dataclass(frozen=True)
class Rotated:
    """A seat's new keys are in force."""

    seat: int
    peer: str
    cold: str


@dataclass(frozen=True)
class Equivocated:
    """A seat's peer signed two updates for one round and lost the seat. bond: what it had."""

    seat: int
    round: int
    reporter: str
    bond: int
    free_at: int


@dataclass(frozen=True)
class Disputed:
    """A verdict is said to be false. deadline: until when its jury may be summoned."""

    dispute: int
    round: int
    judge: int
    target: int
    challenger: str
    evidence: bytes
    deadline: int


@dataclass(frozen=True)
class Summoned:
    """A dispute's jury was drawn. jury: mask of those who may vote, until the deadline."""

    dispute: int
    seed: bytes
    jury: int
    deadline: int


@dataclass(frozen=True)
class Voted:
    """A seat of the jury said whether the verdict is false."""

    dispute: int
    seat: int
    upholds: bool


@dataclass(frozen=True)
class Resolved:
    """A dispute was closed. paid: out of the judge's bond to the challenger."""

    dispute: int
    outcome: int
    paid: int


@dataclass(frozen=True)
class Withdrawn:
    """Somebody took what the circle owed it."""

    account: str
    amount: int


Event = (
    Opened
    | Joined
    | Moved
    | Woken
    | Committed
    | Drawn
    | Attested
    | Settled
    | Left
    | Ejected
    | Released
    | Rotating
    | Rotated
    | Equivocated
    | Disputed
    | Summoned
    | Voted
    | Resolved
    | Withdrawn
)
EVENTS = {kind.__name__: kind for kind in get_args(Event)}
