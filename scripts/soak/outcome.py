"""What came of a soak: figures of one scenario, as a line of JSON and as a row of a table."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """One scenario's."""

    scenario: str
    """Its name."""
    nodes: int
    """How many."""
    rounds: int
    """The circle's last one."""
    settled: int
    """So many are."""
    round_s: float
    """Median over rounds."""
    longest_s: float
    """The longest round."""
    stalls: int
    """Rounds that took longer than both of their windows."""
    sent_bytes: float
    """Median over nodes of what one sends in a round, with IP's heads."""
    received_bytes: float
    """The same of what it receives."""
    deaths: int
    """Ends that nobody planned."""
    restarts: int
    """Starts after a planned end."""
    planted: Mapping[int, str]
    """Seat → what it does wrong."""
    findings: Mapping[str, int]
    """`CHECK seat N` → how often the audit found that."""
    quarantined: Sequence[int]
    """Seats that were below the floor at some time."""
    unavailable: Mapping[str, float]
    """`all`, or a seat that stands out → share of its judges' verdicts that say unavailable."""
    weather: Mapping[str, Any]
    """The weather's counters."""
    seconds: float
    """The scenario took, without the audit."""
    audit_s: float
    """The audit took."""
    notes: Sequence[str]
    """What was done and seen, in words."""

    @property
    def found(self) -> list[int]:
        """Seats that the audit names."""
        return sorted({int(name.rpartition(" ")[2]) for name in self.findings})

    @property
    def wrongly_named(self) -> list[int]:
        """Seats that the audit names and nobody planted."""
        return [seat for seat in self.found if seat not in self.planted]

    @property
    def not_named(self) -> list[int]:
        """Planted seats that neither the audit names nor the circle shut out."""
        return [seat for seat in self.planted if seat not in self.found and seat not in self.quarantined]

    @property
    def is_good(self) -> bool:
        """Every round is settled, whoever was planted is named and nobody else, and no node died by itself."""
        return self.settled == self.rounds and not self.wrongly_named and not self.not_named and not self.deaths

    def as_line(self) -> str:
        """One line of JSON."""
        fields = {**asdict(self), "found": self.found, "is_good": self.is_good}
        return json.dumps({**fields, "planted": {str(seat): kind for seat, kind in self.planted.items()}})

    def as_row(self) -> str:
        """One row under `HEAD`."""
        named = ", ".join(f"{seat} ({self.planted.get(seat, 'honest')})" for seat in self.found) or "nobody"
        shut = ", ".join(map(str, self.quarantined)) or "nobody"
        return (
            f"| {self.scenario} | {self.nodes} | {self.settled} of {self.rounds} | {self.round_s:.1f} ({self.longest_s:.1f}) "
            f"| {self.sent_bytes / 1e3:.0f} / {self.received_bytes / 1e3:.0f} | {sum(self.findings.values())} | {named} "
            f"| {shut} | {self.restarts} | {self.deaths} | {self.stalls} | {self.seconds:.0f} + {self.audit_s:.0f} |"
        )


HEAD = (
    "| scenario | nodes | rounds settled | s a round: median (longest) | kB a peer-round: sent / received | findings | named "
    "| in quarantine | restarts | deaths | stalls | s: rounds + audit |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def count_findings(found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """An audit's findings by check and seat; those about no seat are about seat -1."""
    counts = Counter(f"{one['check']} seat {-1 if one['seat'] is None else one['seat']}" for one in found)
    return dict(sorted(counts.items()))


def measure_unavailable(rounds: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Of round events: the share of verdicts that say unavailable, of all, and of each seat with twice that and more."""
    total, lacking = Counter[str](), Counter[str]()
    for event in rounds:
        for seat, verdict in event["verdicts"].items():
            total[str(seat)] += 1
            lacking[str(seat)] += verdict == "unavailable"
    overall = lacking.total() / max(1, total.total())
    shares = {seat: lacking[seat] / total[seat] for seat in sorted(total, key=int) if lacking[seat]}
    return {"all": overall, **{seat: share for seat, share in shares.items() if share >= 2 * overall}}


def find_median(values: Sequence[float]) -> float:
    """0 of none."""
    return median(values) if values else 0.0
