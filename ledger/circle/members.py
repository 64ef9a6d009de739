"""Seats and disputes as the chain tells of them: who holds what, and what is open."""

from dataclasses import dataclass, field

from ledger.circle.events import Answer, Disputed, Outcome, Stage, Summoned
from ledger.identity.addresses import address_bytes


@dataclass
class Seat:
    """The peer that sits there and where it has been reached.

    What concerns one holder begins anew with the next one: see `tenure`.
    """

    peer: str
    """Its hot key; the last one, once the seat is given up."""
    endpoints: list[str]
    """Newest last."""
    cold: str
    """The key that may leave and rotate, and that is owed the bond."""
    inviter: str
    """Whose invitation let it in; the zero address where admission is open."""
    bond: int
    """Wei, what is left of it."""
    since_round: int
    """The round under way when it joined."""
    tenure: int = 1
    """How many sat here before it, plus 1."""
    free_at: int | None = None
    """Unix seconds from when the seat may be released, None while it is held."""
    is_released: bool = False
    """It is free, and its bond is owed to its cold key."""
    announced: tuple[str, str, int] | None = None
    """The keys and the time of a rotation under way."""
    strikes: int = 0
    """Settlements in a row that found it below the floor."""
    disputes: int = 0
    """Open ones about what it said."""
    keys: list[str] = field(default_factory=list)
    """Every hot key it had."""
    former: list[str] = field(default_factory=list)
    """Where those who sat here before were reached last, newest last; of the last few."""
    since_dispute: int = 0
    """How many disputes had been raised when it joined: it has a voice in those that came later."""
    restarted_round: int = 0
    """The round under way when it last started anew (R23.4), 0 for never."""
    attested_round: int = 0
    """The last round in which it attested, 0 for none."""
    convictions: int = 0
    """Upheld claims about what it said."""
    suspended_until: int | None = None
    """The round from which `wake` ends its suspension (R26.6), None where it has none."""
    silent_until: int = 0
    """Unix seconds: when the last window ended in which it paid for keeping silent as a juror, 0 for none."""

    @property
    def endpoint(self) -> str:
        """Where its peer is reached, or was last."""
        return self.endpoints[-1]

    @property
    def is_held(self) -> bool:
        """Neither left, ejected nor released."""
        return self.free_at is None

    @property
    def begun_round(self) -> int:
        """Its base and memory follow from what it committed from this round on, and from the genesis (R15)."""
        return max(self.since_round, self.restarted_round)

    @property
    def author(self) -> bytes:
        """The address as 20 bytes."""
        return address_bytes(self.peer)


@dataclass
class Votes:
    """The answers in one stage of a dispute, as masks of seats."""

    upholding: int = 0
    """Of those who say that the claim is right."""
    rejecting: int = 0
    """Of those who say that the claim is wrong."""
    withholding: int = 0
    """Of those who could not get what the verdict follows from."""

    @property
    def cast(self) -> int:
        """Mask of the seats that have voted."""
        return self.upholding | self.rejecting | self.withholding

    @property
    def against_judge(self) -> int:
        """Mask of the seats that find for the claim: the burden of proof is the judge's."""
        return self.upholding | self.withholding

    def add(self, seat: int, answer: Answer) -> None:
        """Count a vote."""
        match answer:
            case Answer.UPHOLDS:
                self.upholding |= 1 << seat
            case Answer.REJECTS:
                self.rejecting |= 1 << seat
            case Answer.WITHHELD:
                self.withholding |= 1 << seat


@dataclass
class Dispute:
    """A claim that something a judge said was false, and how it fares (R26)."""

    claim: Disputed
    """The event that raised it."""
    judge_tenure: int
    """How many sat in the judge's seat before the judge, plus 1."""
    pool: int
    """Mask of the seats that the jury is drawn from."""
    stage: Stage
    """Where it stands, or stood when it ended."""
    deadline: int
    """Unix seconds: when the stage is over at the latest."""
    summoned: Summoned | None = None
    """The event that drew the jury; None before."""
    jury_votes: Votes = field(default_factory=Votes)
    """Of the jury's stage."""
    circle_votes: Votes = field(default_factory=Votes)
    """Of the whole circle's stage."""
    voters: dict[int, str] = field(default_factory=dict)
    """Seat → the key it voted with last."""
    asker: int | None = None
    """The seat whose claim only asks the judge to show what it judged from (R26.1a); None for any other claim."""
    appellant: str | None = None
    """Who pledged the appeal bond; None where nobody did."""
    outcome: Outcome | None = None
    """None while it is open."""
    fine: int = 0
    """Wei that the judge lost."""
    jurors_fined: int = 0
    """Wei that mistaken jurors lost."""

    @property
    def number(self) -> int:
        """As the contract counts it."""
        return self.claim.dispute

    @property
    def claimed(self) -> tuple[int, int, int, int]:
        """What it is about: round, judge, the judge's tenure, target."""
        return self.claim.round, self.claim.judge, self.judge_tenure, self.claim.target

    @property
    def electorate(self) -> int:
        """Mask of the seats bonded when it was raised."""
        return self.claim.electorate

    @property
    def jury(self) -> int:
        """Mask of the seats drawn for the jury; 0 before."""
        return self.summoned.jury if self.summoned else 0

    @property
    def seed(self) -> bytes:
        """What the jury was drawn with; empty before."""
        return self.summoned.seed if self.summoned else b""

    @property
    def asked(self) -> int:
        """Mask of the seats whose votes the stage is for; 0 in a stage without votes."""
        return {Stage.JURY: self.jury, Stage.CIRCLE: self.electorate}.get(self.stage, 0)

    @property
    def votes(self) -> Votes:
        """Of the stage that it is or ended in; before the circle is asked, the jury's."""
        return self.circle_votes if self.stage == Stage.CIRCLE else self.jury_votes

    @property
    def is_decided(self) -> bool:
        """No further vote can change how the stage ends."""
        if not self.asked:
            return False
        size, votes = self.asked.bit_count(), self.votes
        most = max(votes.against_judge.bit_count(), votes.rejecting.bit_count())
        return 2 * most > size or (self.stage == Stage.JURY and votes.cast == self.jury)

    def is_over(self, now_s: float) -> bool:
        """The stage is over, so that `resolve` takes the dispute on. now_s: Unix seconds, the block's."""
        return self.is_decided or now_s >= self.deadline

    @property
    def next_stage(self) -> Stage | None:
        """What comes after the stage with the votes cast so far, None where that ends the dispute."""
        if self.stage != Stage.JURY:
            return None
        against = self.jury_votes.against_judge.bit_count()
        return Stage.CIRCLE if 2 * against > self.jury.bit_count() else Stage.APPEAL

    @property
    def verdict(self) -> Outcome:
        """How it ends if it ends with the votes cast so far."""
        if self.stage == Stage.DRAWING:
            return Outcome.REJECTED
        votes, size = self.votes, (self.electorate if self.stage == Stage.CIRCLE else self.jury).bit_count()
        if self.stage == Stage.CIRCLE and 2 * votes.against_judge.bit_count() > size:
            return Outcome.UPHELD
        return Outcome.REJECTED if 2 * votes.rejecting.bit_count() > size else Outcome.VOID

    @property
    def bars_another(self) -> bool:
        """The same claim cannot be raised again: it is open, or was decided."""
        is_undecided = self.outcome == Outcome.VOID or self.stage == Stage.DRAWING
        return self.outcome is None or not is_undecided

    @property
    def is_bond_burned(self) -> bool:
        """It cost its challenger the bond: rejected, and more than a question, or nobody drew its jury."""
        return self.outcome == Outcome.REJECTED and (self.asker is None or self.stage == Stage.DRAWING)

    @property
    def mistaken_jurors(self) -> int:
        """Mask of the jurors whose answer more than half of the electorate found wrong by recomputing."""
        size = self.electorate.bit_count()
        if 2 * self.circle_votes.upholding.bit_count() > size:
            return self.jury_votes.rejecting
        return self.jury_votes.upholding if 2 * self.circle_votes.rejecting.bit_count() > size else 0

    def vote_argument(self, answer: Answer) -> int:
        """The argument of `vote`, and of `appeal` with `Answer.REJECTS`: it names the claim too (R26.4)."""
        return self.claim.round << 18 | self.claim.judge << 10 | self.claim.target << 2 | answer
