"""What an audit says: numbered checks, findings with their evidence, and who was in the circle when."""

from dataclasses import dataclass, field
from enum import StrEnum


class Check(StrEnum):
    """The audit's checks; the values name them in reports (R22)."""

    CODE = "A1"
    HISTORY = "A2"
    BLOBS = "A3"
    DRAWS = "A4"
    VERDICTS = "A5"
    RECORDS = "A6"
    REPUTATIONS = "A7"
    FAULTS = "A8"
    COPIES = "A9"
    VOTES = "A11"

    @property
    def statement(self) -> str:
        """In a few words, what holds when there is no finding."""
        return _STATEMENTS[self]


_STATEMENTS = {
    Check.CODE: "the deployed code is the circle contract of this version",
    Check.HISTORY: "the events fold to the contract's running hash",
    Check.BLOBS: "every committed update is to be had, whole and by its author",
    Check.DRAWS: "neighbours and juries are those that the chain drew",
    Check.VERDICTS: "every verdict is what the rule gives",
    Check.RECORDS: "records and bases are what the blobs give",
    Check.REPUTATIONS: "every reputation follows from the verdicts",
    Check.FAULTS: "nobody was convicted on chain",
    Check.COPIES: "no update is another author's",
    Check.VOTES: "every vote on a dispute is what recomputing gives",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. evidence: field → value, as text."""

    check: Check
    round: int | None
    seat: int | None
    fact: str
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MembershipChange:
    """One change in who takes part. time_s: the block's, Unix seconds, None where its header could not be read."""

    change: str
    round: int
    seat: int
    peer: str
    why: str
    block: int
    transaction: str
    time_s: int | None = None


@dataclass(frozen=True)
class DisputeLine:
    """A dispute and how it went. outcome: of `Outcome`, or the stage it is in.

    upholding, rejecting, withholding: the seats that answered so in either stage. fine: wei that the judge lost.
    is_false: what recomputing says of the claim, None where nobody can tell.
    """

    dispute: int
    round: int
    judge: int
    target: int
    challenger: str
    outcome: str
    upholding: list[int]
    rejecting: list[int]
    withholding: list[int]
    fine: int
    is_false: bool | None
    block: int
    transaction: str


@dataclass
class Report:
    """An audit's result. examined: how many things each check looked at. notes: what to know, and no finding.

    scope: which rounds were to be recomputed, in a few words; sample: the (round, judge) drawn by sample_seed, None
    where all were. recomputed, not_recomputed: of these attestations, how many were and how many could not be.
    started: from how many checkpoints. pruned: updates of final rounds that nobody serves any more; nobody has to.
    """

    chain_id: int
    contract: str
    head: int
    task: str = ""
    rule: str = ""
    rounds: int = 0
    seats: int = 0
    scope: str = ""
    sample: list[tuple[int, int]] | None = None
    sample_seed: int | None = None
    recomputed: int = 0
    not_recomputed: int = 0
    started: int = 0
    pruned: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    examined: dict[Check, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unavailable_verdicts: int = 0
    reputations: dict[str, float] = field(default_factory=dict)
    membership: list[MembershipChange] = field(default_factory=list)
    disputes: list[DisputeLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """No finding at all."""
        return not self.findings

    def count(self, check: Check, number: int = 1) -> None:
        """Something was looked at."""
        self.examined[check] = self.examined.get(check, 0) + number

    def add(
        self,
        check: Check,
        fact: str,
        *,
        round_number: int | None = None,
        seat: int | None = None,
        **evidence: object,
    ) -> None:
        """Something was found."""
        texts = {name: str(value) for name, value in evidence.items()}
        self.findings.append(Finding(check, round_number, seat, fact, texts))
