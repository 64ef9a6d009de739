"""Seats and disputes as the chain tells of them: who holds what, and what is open."""

from dataclasses import dataclass, field

from eth_utils.address import to_canonical_address

from ledger.events import Disputed, Outcome, Summoned


@dataclass
class Seat:
    """Who sits there and where it has been reached, newest endpoint last.

    peer: its hot key. cold: its cold key. bond: wei. since_round: the round under way when it joined. tenure: how
    many sat here before it, plus 1. free_at: Unix seconds from when the seat may be released, None while it is
    held. announced: the keys and the time of a rotation under way. former: where those who sat here before were
    reached last, newest last; of the last few.
    """

    peer: str
    endpoints: list[str]
    cold: str
    inviter: str
    bond: int
    since_round: int
    tenure: int = 1
    free_at: int | None = None
    is_released: bool = False
    announced: tuple[str, str, int] | None = None
    strikes: int = 0
    disputes: int = 0
    keys: list[str] = field(default_factory=list)
    former: list[str] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """Neither left, ejected nor released."""
        return self.free_at is None

    @property
    def author(self) -> bytes:
        """The address as 20 bytes."""
        return to_canonical_address(self.peer)


@dataclass
class Dispute:
    """A claim that a judge's verdict was false, and the votes about it.

    eligible: mask of who the jury is drawn from; summoned: None while it is not. upholding, rejecting: masks of
    seats; voters: seat → the key it voted with. outcome: None while it is open.
    """

    claim: Disputed
    judge_tenure: int
    eligible: int
    summoned: Summoned | None = None
    upholding: int = 0
    rejecting: int = 0
    voters: dict[int, str] = field(default_factory=dict)
    outcome: Outcome | None = None
    paid: int = 0

    @property
    def claimed(self) -> tuple[int, int, int, int]:
        """Whose verdict it is about: round, judge, the judge's tenure, target."""
        return self.claim.round, self.claim.judge, self.judge_tenure, self.claim.target

    @property
    def jury(self) -> int:
        """Mask of the seats that may vote."""
        return self.summoned.jury if self.summoned else 0

    @property
    def seed(self) -> bytes:
        """What the jury was drawn with; empty before."""
        return self.summoned.seed if self.summoned else b""

    @property
    def deadline(self) -> int:
        """Unix seconds: until then the jury may vote, or be summoned."""
        return self.summoned.deadline if self.summoned else self.claim.deadline

    @property
    def has_majority(self) -> bool:
        """Whether more than half of the jury has voted, so that the votes count."""
        return 2 * (self.upholding | self.rejecting).bit_count() > self.jury.bit_count()

    @property
    def is_decided(self) -> bool:
        """Whether no further vote can change how it ends."""
        if self.summoned is None:
            return False
        most = max(self.upholding.bit_count(), self.rejecting.bit_count())
        return 2 * most > self.jury.bit_count() or (self.upholding | self.rejecting) == self.jury

    @property
    def verdict(self) -> Outcome:
        """How it ends with the votes cast so far; who never summons a jury loses."""
        if self.summoned is not None and not self.has_majority:
            return Outcome.VOID
        is_upheld = self.upholding.bit_count() > self.rejecting.bit_count()
        return Outcome.UPHELD if is_upheld else Outcome.REJECTED
