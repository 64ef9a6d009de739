"""The circle's events as values, in the order and with the fields of contracts/Circle.vy and Court.vy.

Addresses are checksummed; digests, seeds and the like 32 bytes; masks have bit s for seat s; amounts are wei; times
are Unix seconds.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, get_args

from eth_hash.auto import keccak


class Outcome(IntEnum):
    """How a dispute ended; the numbers are the contract's."""

    VOID = 0
    UPHELD = 1
    REJECTED = 2


class Stage(IntEnum):
    """Where an open dispute stands (R26); the numbers are the contract's."""

    DRAWING = 0
    """Its jury can be drawn."""
    JURY = 1
    """The jury votes."""
    APPEAL = 2
    """The jury did not find for the claim: anyone may have the circle hear it."""
    CIRCLE = 3
    """The whole circle votes."""


class Answer(IntEnum):
    """What a vote says of a claim (R26.3); the numbers are the contract's."""

    REJECTS = 0
    """The claim is wrong."""
    UPHOLDS = 1
    """What the judge said is not what follows."""
    WITHHELD = 2
    """What it follows from is not to be had, neither of the judge nor of anyone else."""


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
    """The commit phase closed, or the seed is drawn again as nobody attested in time.

    seed: follows from the hash of the log's block (R3.9) and is not in the log; what decodes the log puts it here.
    """

    round: int
    seed: bytes
    committed: int


@dataclass(frozen=True)
class Attested:
    """A seat anchored its verdicts. verdicts: see ledger/circle/verdict_word.py."""

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
    """A seat was given up by its cold key. burned: wei of its bond, for the strikes it had."""

    seat: int
    burned: int
    free_at: int


@dataclass(frozen=True)
class Ejected:
    """A seat was below the floor for too long, or absent; burned: wei of its bond, 0 for absence."""

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
    """A seat's peer signed two updates for one round and lost the seat. bond: what it had, all of it burned."""

    seat: int
    round: int
    reporter: str
    bond: int
    free_at: int


ASKING: Final = bytes(32)
"""The evidence of a claim that only asks its judge to show (R26.1a)."""
NO_RECORD: Final = keccak(b"")
"""The evidence of any other claim where recomputing gives no record."""


@dataclass(frozen=True)
class Disputed:
    """What a judge said is claimed to be false: of the target or, where that is the judge itself, of itself.

    electorate: mask of the seats bonded now. deadline: until when the jury may be summoned or, where nobody can sit
    on one, until when the circle votes.
    """

    dispute: int
    round: int
    judge: int
    target: int
    challenger: str
    evidence: bytes
    electorate: int
    deadline: int

    @property
    def is_asking(self) -> bool:
        """The claim only asks the judge to show what its record follows from."""
        return self.evidence == ASKING


@dataclass(frozen=True)
class Summoned:
    """A dispute's jury was drawn. jury: mask of those who may vote, until the deadline."""

    dispute: int
    seed: bytes
    jury: int
    deadline: int


@dataclass(frozen=True)
class Voted:
    """A seat said what recomputing gave. answer: an `Answer`."""

    dispute: int
    seat: int
    answer: int


@dataclass(frozen=True)
class Resolved:
    """A dispute was closed. outcome: an `Outcome`. fine: what the judge lost.

    free_at: 0 unless the judge lost its seat by this.
    """

    dispute: int
    outcome: int
    fine: int
    free_at: int


@dataclass(frozen=True)
class Withdrawn:
    """Somebody took what the circle owed it."""

    account: str
    amount: int


@dataclass(frozen=True)
class Referred:
    """A jury's votes were counted. stage: `Stage.APPEAL` or `Stage.CIRCLE`, until the deadline."""

    dispute: int
    stage: int
    deadline: int


@dataclass(frozen=True)
class Appealed:
    """Somebody pledged the appeal bond: the circle votes until the deadline."""

    dispute: int
    appellant: str
    deadline: int


@dataclass(frozen=True)
class Restarted:
    """A seat lost its base and its memory: what it commits from now on follows from the genesis."""

    seat: int


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
    | Referred
    | Appealed
    | Restarted
)
EVENTS = {kind.__name__: kind for kind in get_args(Event)}
