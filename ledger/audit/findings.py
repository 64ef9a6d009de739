"""What an audit says: numbered checks, and findings with their evidence."""

from dataclasses import dataclass, field
from enum import StrEnum


class Check(StrEnum):
    """The audit's checks; the values name them in reports."""

    CODE = "A1"
    HISTORY = "A2"
    BLOBS = "A3"
    TOPOLOGY = "A4"
    VERDICTS = "A5"
    RECORDS = "A6"
    REPUTATIONS = "A7"
    COPIES = "A9"

    @property
    def statement(self) -> str:
        """In a few words, what holds when there is no finding."""
        return _STATEMENTS[self]


_STATEMENTS = {
    Check.CODE: "the deployed code is the circle contract of this version",
    Check.HISTORY: "the events fold to the contract's running hash",
    Check.BLOBS: "every committed update is to be had, whole and by its author",
    Check.TOPOLOGY: "judges judged the neighbours that the seed gave them",
    Check.VERDICTS: "every verdict is what the rule gives",
    Check.RECORDS: "records and bases are what the blobs give",
    Check.REPUTATIONS: "every reputation follows from the verdicts",
    Check.COPIES: "no update is another author's",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. evidence: field → value, as text."""

    check: Check
    round: int | None
    seat: int | None
    fact: str
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """An audit's result. examined: how many things each check looked at."""

    chain_id: int
    contract: str
    head: int
    task: str = ""
    rule: str = ""
    rounds: int = 0
    seats: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    examined: dict[Check, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unavailable_verdicts: int = 0
    reputations: dict[str, float] = field(default_factory=dict)

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
