"""What an audit says: numbered checks, findings with their evidence, and who was in the circle when."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ledger.audit.availability import HolderAvailability
from ledger.audit.coin import CoinFlow
from ledger.audit.kinds import Kind, Unit
from ledger.circle.history import History


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
    PRIVACY = "A12"

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
    Check.PRIVACY: "privacy statements go on from update to update, and steps are as large as their noise",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    check: Check
    """Which check found it."""
    round: int | None
    """The round it is about; None where it is about none."""
    seat: int | None
    """The seat it is about; None where it is about none."""
    fact: str
    """What is so, in one sentence."""
    evidence: dict[str, str] = field(default_factory=dict)
    """Field → value, as text."""
    kind: Kind | None = None
    """What it is of; None where its check knows no kinds."""

    @property
    def peer(self) -> str:
        """The key of who sat in the seat; empty where it is not said."""
        return self.evidence.get("peer", "")


@dataclass(frozen=True)
class MembershipChange:
    """One change in who takes part."""

    change: str
    """What happened, in a word: joined, quarantined …"""
    round: int
    """The one it happened in; of a founder the one it was there for first."""
    seat: int
    """Whose it is."""
    peer: str
    """The seat's hot key then."""
    why: str
    """In a sentence."""
    block: int
    """Number of the block with the event."""
    transaction: str
    """Its hash, 0x-prefixed hex."""
    time_s: int | None = None
    """The block's, Unix seconds; None where its header could not be read."""


@dataclass(frozen=True)
class PrivacyLine:
    """What an update says of its author's privacy, and how large its step is."""

    round: int
    """The update's."""
    seat: int
    """The author's."""
    epsilon_milli: int
    """ε that is spent, in thousandths."""
    rounds: int
    """So many rounds were charged so far."""
    charged: int
    """So many of them since the author's update before; 0 where it published its base."""
    tenure: int
    """The author's in that seat, from 1."""
    sigma: str
    """σ that it says, decimal text."""
    rate: int
    """q that it says, in billionths."""
    examples: int
    """n that it says; 0 where it does not."""
    noise_milli: int | None
    """‖own − base‖² in thousandths of what the noise alone gives on average; None where the base is not known,
    or the frame is too coarse for the noise."""
    measured: int
    """Of so many of its values; a frame may be too coarse for the rest."""


@dataclass(frozen=True)
class HolderPrivacy:
    """What one author, in one tenure of a seat, has spent of its privacy, and what of that was looked at."""

    seat: int
    """Its seat."""
    tenure: int
    """From 1: so many sat there before it, plus 1."""
    peer: str
    """The key that its newest update is signed with."""
    updates: int
    """So many updates it has published; those still sealed are left out."""
    read: int
    """Of so many the statement was read."""
    first_round: int
    """The round of its first update."""
    last_round: int
    """The round of its newest one."""
    newest: PrivacyLine | None
    """Of the newest that was read; None where none was."""
    charged: int
    """So many of those read were charged, and hold noise."""
    measured: int
    """Of so many charged ones the step was measured."""
    least_measured: int
    """Of those, the fewest values in which the noise was to be seen; 0 where none was measured."""
    values: int
    """How many values an update has."""
    least_noise_milli: int | None
    """The least of these, in thousandths of the noise; None where there is none."""


@dataclass(frozen=True)
class DisputeLine:
    """A dispute and how it went."""

    dispute: int
    """Its number."""
    round: int
    """The round of the verdict."""
    judge: int
    """The judge's seat."""
    target: int
    """The seat that was judged, or the judge's own."""
    challenger: str
    """The address that raised it."""
    outcome: str
    """Name of an `Outcome`, or of the `Stage` it is in, in lower case."""
    upholding: list[int]
    """The seats that upheld the claim, in either stage."""
    rejecting: list[int]
    """The seats that rejected it."""
    withholding: list[int]
    """The seats that could not get what the verdict follows from."""
    fine: int
    """Wei that the judge lost."""
    is_false: bool | None
    """What recomputing says of the verdict; None where nobody can tell."""
    block: int
    """Number of the block in which it was raised."""
    transaction: str
    """The hash of the transaction that raised it, 0x-prefixed hex."""


@dataclass
class Report:
    """An audit's result."""

    chain_id: int
    """Of the chain."""
    contract: str
    """The circle's address."""
    head: int
    """Number of the block as of which the chain was read; 0 where it was not."""
    head_hash: str = ""
    """That block's hash, 0x-prefixed hex; empty where the chain was not read."""
    head_time_s: int | None = None
    """That block's time, Unix seconds."""
    endpoint: str = ""
    """Host and port of the endpoint that told of the chain; of a bundle, of the one that told its maker."""
    read_at_s: int | None = None
    """When it did, by the clock of whoever asked it, Unix seconds; None where nobody says."""
    bundle: dict[str, Any] | None = None
    """The bundle that was written or read (R32); None where there is none."""
    task: str = ""
    """Name of the circle's task."""
    rule: str = ""
    """Name of its screening rule."""
    rounds: int = 0
    """How many rounds there are, the one under way included."""
    seats: int = 0
    """How many were ever taken."""
    scope: str = ""
    """Which rounds were to be recomputed, in a few words."""
    sample: list[tuple[int, int]] | None = None
    """The (round, judge) drawn; None where all were to be recomputed."""
    sample_seed: int | None = None
    """What drew the sample; None where there is none."""
    sample_block: int | None = None
    """Number of the block whose hash gave that; None where a number was given or drawn."""
    sample_block_hash: str | None = None
    """That block's hash, 0x-prefixed hex."""
    remembered: int = 0
    """The last round of which an earlier audit's work was taken from the auditor's own folder; 0 where none was."""
    recomputed: int = 0
    """How many attestations were recomputed."""
    not_recomputed: int = 0
    """How many could not be."""
    started: int = 0
    """From how many checkpoints recomputing began."""
    pruned: int = 0
    """Updates of final rounds that nobody serves any more; nobody has to."""
    blobs: int = 0
    """How many were fetched."""
    blob_bytes: int = 0
    """Their bytes."""
    examined: dict[Check, int] = field(default_factory=dict)
    """How many things each check looked at."""
    looked_at: dict[Unit, dict[int, dict[str, int]]] = field(default_factory=dict)
    """What → seat → key of its peer → how many of it were looked at."""
    findings: list[Finding] = field(default_factory=list)
    """What is not as it should be."""
    unavailable_verdicts: int = 0
    """How many neighbours were unavailable to their judges."""
    reputations: dict[str, float] = field(default_factory=dict)
    """Hot key → its seat's reputation, 0..1, of the seats held now."""
    membership: list[MembershipChange] = field(default_factory=list)
    """Who came, went and fell below the floor, in order."""
    disputes: list[DisputeLine] = field(default_factory=list)
    """All that were raised."""
    privacy: list[PrivacyLine] = field(default_factory=list)
    """What each update looked at says of privacy; empty where the circle has no privacy terms."""
    privacy_terms: dict[str, str | int] | None = None
    """Field → value (R30.1); None where the circle has none, or its manifest was not read."""
    holders: list[HolderPrivacy] = field(default_factory=list)
    """What each author has spent; empty where the circle has no privacy terms."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """(first, last round) of those that availability is told of (R22.4)."""
    availability: list[HolderAvailability] = field(default_factory=list)
    """How each holder of a seat took part, span by span."""
    coin: CoinFlow | None = None
    """Who put down, lost and took what; None where the history was not read."""
    notes: list[str] = field(default_factory=list)
    """What is good to know and no finding."""

    def __post_init__(self) -> None:
        self.history: History | None = None
        """What the report is of, for whoever draws it, and no field; None where the chain was not read."""

    @property
    def clean(self) -> bool:
        """No finding at all."""
        return not self.findings

    def count(self, check: Check, number: int = 1) -> None:
        """Something was looked at."""
        self.examined[check] = self.examined.get(check, 0) + number

    def count_of(self, unit: Unit, seat: int, peer: str, number: int = 1) -> None:
        """Something of a peer was looked at."""
        peers = self.looked_at.setdefault(unit, {}).setdefault(seat, {})
        peers[peer] = peers.get(peer, 0) + number

    def add(
        self,
        check: Check,
        fact: str,
        kind: Kind | None = None,
        *,
        round_number: int | None = None,
        seat: int | None = None,
        **evidence: object,
    ) -> None:
        """Something was found."""
        texts = {name: str(value) for name, value in evidence.items()}
        self.findings.append(Finding(check, round_number, seat, fact, texts, kind))
