"""Findings of one kind about one peer, told of at once: how many of how many, and in which rounds. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.audit.findings import Check, Finding, Report
from ledger.audit.kinds import Kind

_RANGES_SHOWN: Final = 6
"""Of rounds with more gaps than that only their number and the first and last are told."""
_ORDER: Final = {check: place for place, check in enumerate(Check)}


@dataclass(frozen=True)
class FindingGroup:
    """The findings of one check and kind about one peer in one seat."""

    check: Check
    """Which check found them."""
    kind: Kind | None
    """What they are of; None where the check knows no kinds: then all have the same fact."""
    seat: int | None
    """Whose they are about; None where they are about none."""
    peer: str
    """The key of who sat there; empty where the findings do not say it."""
    count: int
    """How many there are."""
    looked_at: int | None
    """Of so many things of this peer; None where that is not counted."""
    rounds: tuple[tuple[int, int], ...]
    """(first, last) of runs of rounds; empty where they are about none."""
    findings: tuple[Finding, ...]
    """In the order of the report."""

    @property
    def is_blamed(self) -> bool:
        """Whether the seat did it, as far as anybody can tell."""
        return self.seat is not None and (self.kind is None or self.kind.words.is_blamed)

    @property
    def fault(self) -> str:
        """Whose it is; empty where the check says no more."""
        return "" if self.kind is None else self.kind.words.fault

    def describe_what(self) -> str:
        """How many of how many are how: `119 of 119 verdicts false`."""
        if self.kind is None:
            fact = self.findings[0].fact
            return fact if self.count == 1 else f"{self.count} times: {fact}"
        words = self.kind.words
        if words.unit is None:
            return self.findings[0].fact if self.count == 1 else words.says
        # What was not counted as looked at, e.g. for being owed only, is no part of the whole.
        if self.looked_at is not None and self.count <= self.looked_at:
            return f"{self.count} of {self.looked_at} {words.name_unit(self.looked_at)} {words.says}"
        return f"{self.count} {words.name_unit(self.count)} {words.says}"

    def describe(self) -> str:
        """What is so, and in which rounds."""
        return ", ".join(filter(None, (self.describe_what(), describe_rounds(self.rounds))))


def group_findings(report: Report, among: Iterable[Finding] | None = None) -> list[FindingGroup]:
    """A report's findings, those of no seat first, then seat by seat, whoever has the most first.

    among: only these of them; all where it is None.
    """
    found: dict[tuple[Check, Kind | str, int | None, str], list[Finding]] = {}
    for finding in report.findings if among is None else among:
        key = (finding.check, finding.kind or finding.fact, finding.seat, finding.peer)
        found.setdefault(key, []).append(finding)
    groups = [_make_group(report, findings) for findings in found.values()]
    weights: dict[int | None, int] = {}
    for group in groups:
        weights[group.seat] = weights.get(group.seat, 0) + (group.count if group.is_blamed else 0)
    return sorted(
        groups,
        key=lambda group: (
            group.seat is not None,
            -weights[group.seat],
            -1 if group.seat is None else group.seat,
            not group.is_blamed,
            _ORDER[group.check],
        ),
    )


def make_group_fields(group: FindingGroup) -> dict[str, Any]:
    """A group for machines, without the findings in it."""
    return {
        "check": group.check.value,
        "kind": None if group.kind is None else group.kind.value,
        "seat": group.seat,
        "peer": group.peer or None,
        "count": group.count,
        "looked_at": group.looked_at,
        "rounds": [list(run) for run in group.rounds],
        "says": group.describe(),
        "fault": group.fault or None,
        "blamed": group.is_blamed,
    }


def _make_group(report: Report, findings: Sequence[Finding]) -> FindingGroup:
    first = findings[0]
    unit = None if first.kind is None else first.kind.words.unit
    looked_at = None
    if unit is not None and first.seat is not None:
        looked_at = report.looked_at.get(unit, {}).get(first.seat, {}).get(first.peer)
    rounds = find_ranges(finding.round for finding in findings if finding.round is not None)
    return FindingGroup(
        first.check, first.kind, first.seat, first.peer, len(findings), looked_at, rounds, tuple(findings)
    )


def find_ranges(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """(first, last) of each run of neighbours among the numbers, ascending."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return tuple(runs)


def describe_rounds(ranges: Sequence[tuple[int, int]]) -> str:
    """`round 3`, `rounds 3–5, 9`; of very many runs only how many rounds they have, and the first and last."""
    if not ranges:
        return ""
    first, last = ranges[0][0], ranges[-1][1]
    if len(ranges) > _RANGES_SHOWN:
        return f"{sum(end - start + 1 for start, end in ranges)} rounds between {first} and {last}"
    told = ", ".join(str(start) if start == end else f"{start}–{end}" for start, end in ranges)
    return f"round {told}" if first == last else f"rounds {told}"
