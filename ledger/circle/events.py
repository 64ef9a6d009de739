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
    """The deployment."""

    task: bytes
    """SHA-256 of the manifest's bytes."""
    manifest: bytes
    """The manifest whole, as JSON."""


@dataclass(frozen=True)
class Joined:
    """A peer took a seat."""

    seat: int
    """Its number."""
    peer: str
    """The hot key, which commits and attests."""
    cold: str
    """The key that may leave and rotate, and that is owed the bond."""
    inviter: str
    """Whose invitation it was; the zero address where admission is open."""
    endpoint: str
    """Where the peer is reached."""


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
    """The round under way."""
    seat: int
    """Whose update it is."""
    digest: bytes
    """The update's root digest, 32 bytes."""


@dataclass(frozen=True)
class Drawn:
    """The commit phase closed, or the seed is drawn again as nobody attested in time."""

    round: int
    """The round under way."""
    seed: bytes
    """32 bytes. It follows from the hash of the log's block (R3.9) and is not in the log; what decodes the log puts
    it here."""
    committed: int
    """Mask of the seats that committed."""


@dataclass(frozen=True)
class Attested:
    """A seat anchored its verdicts."""

    seat: int
    """The judge's."""
    verdicts: int
    """One word, see ledger/circle/verdict_word.py."""
    record: bytes
    """The record's digest, 32 bytes."""


@dataclass(frozen=True)
class Settled:
    """The round's verdicts became reputations."""

    round: int
    """The one that was settled."""
    attested: int
    """Mask of the seats whose verdicts counted."""
    reputations: tuple[int, ...]
    """Sixteen words with 16 bits a seat."""


@dataclass(frozen=True)
class Left:
    """A seat was given up by its cold key."""

    seat: int
    """Its number."""
    burned: int
    """Wei of its bond, for the strikes it had."""
    free_at: int
    """Unix seconds from when the seat may be released."""


@dataclass(frozen=True)
class Ejected:
    """A seat was taken away: it was below the floor for too long, or absent."""

    seat: int
    """Its number."""
    burned: int
    """Wei of its bond, 0 for absence."""
    free_at: int
    """Unix seconds from when the seat may be released."""


@dataclass(frozen=True)
class Released:
    """A seat given up became free again; its bond is owed to its cold key."""

    seat: int
    bond: int


@dataclass(frozen=True)
class Rotating:
    """New keys were announced for a seat."""

    seat: int
    """Its number."""
    peer: str
    """The new hot key."""
    cold: str
    """The new cold key."""
    rotates_at: int
    """Unix seconds from when they may be put in force; 0 where a rotation was called off."""


@dataclass(frozen=True)
class Rotated:
    """A seat's new keys are in force."""

    seat: int
    """Its number."""
    peer: str
    """The hot key from now on."""
    cold: str
    """The cold key from now on."""


@dataclass(frozen=True)
class Equivocated:
    """A seat's peer signed two updates for one round and lost the seat."""

    seat: int
    """Its number."""
    round: int
    """The round of the two updates."""
    reporter: str
    """Who proved it."""
    bond: int
    """Wei that the seat had, all of it burned."""
    free_at: int
    """Unix seconds from when the seat may be released."""


ASKING: Final = bytes(32)
"""The evidence of a claim that only asks its judge to show (R26.1a)."""
WITHOUT_RECORD: Final = keccak(b"")
"""The evidence of any other claim where recomputing gives no record."""


@dataclass(frozen=True)
class Disputed:
    """What a judge said is claimed to be false: of the target or, where that is the judge itself, of itself."""

    dispute: int
    """Its number, from 0."""
    round: int
    """The round that the claim is about."""
    judge: int
    """The seat that attested."""
    target: int
    """The seat that the verdict is about; the judge's own for a claim about its record and base."""
    challenger: str
    """Who raised it."""
    evidence: bytes
    """Digest of the record that recomputing gives, 32 bytes; WITHOUT_RECORD where it gives none, ASKING where the
    claim only asks."""
    electorate: int
    """Mask of the seats bonded now."""
    deadline: int
    """Until when the jury may be summoned or, where nobody can sit on one, until when the circle votes."""

    @property
    def is_asking(self) -> bool:
        """The claim only asks the judge to show what its record follows from."""
        return self.evidence == ASKING


@dataclass(frozen=True)
class Summoned:
    """A dispute's jury was drawn."""

    dispute: int
    """Its number."""
    seed: bytes
    """What the jury was drawn with, 32 bytes."""
    jury: int
    """Mask of the seats that may vote."""
    deadline: int
    """Until when they may."""


@dataclass(frozen=True)
class Voted:
    """A seat said what recomputing gave."""

    dispute: int
    """Its number."""
    seat: int
    """The voter's."""
    answer: int
    """An `Answer`."""


@dataclass(frozen=True)
class Resolved:
    """A dispute was closed."""

    dispute: int
    """Its number."""
    outcome: int
    """An `Outcome`."""
    fine: int
    """Wei that the judge lost."""
    free_at: int
    """From when the judge's seat may be released; 0 unless the judge lost it by this."""


@dataclass(frozen=True)
class Withdrawn:
    """Somebody took what the circle owed it."""

    account: str
    amount: int


@dataclass(frozen=True)
class Referred:
    """A jury's votes were counted."""

    dispute: int
    """Its number."""
    stage: int
    """`Stage.APPEAL` or `Stage.CIRCLE`."""
    deadline: int
    """Until when that stage lasts."""


@dataclass(frozen=True)
class Appealed:
    """Somebody pledged the appeal bond: the circle votes until the deadline."""

    dispute: int
    """Its number."""
    appellant: str
    """Who pledged the bond."""
    deadline: int
    """Until when the circle votes."""


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
