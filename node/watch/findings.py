"""GET /api/findings: what the audit behind the page has found, with the evidence of each finding.

It says what the report says, and nothing of its own.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from ledger.audit.findings import Check, Finding, Report
from ledger.audit.groups import FindingGroup, describe_rounds
from ledger.blobs.cid import cid_of
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.events import Attested, Committed
from ledger.circle.round import NO_RECORD
from ledger.untrusted.text import make_printable
from node.operating.wording import format_count
from node.watch.audit_watch import AuditState, AuditWatch
from node.watch.happenings import tell_time
from node.watch.now import is_whole
from node.watch.query import SEAT_MAX, Query
from node.watch.report_reading import ReadReport
from node.watch.source import Source
from node.watch.spelling import to_camel
from node.watch.view import View

_GROUPS_MAX: Final = 1024
_PER_GROUP: Final = 20
"""So many findings of each group are told of, and so many where one seat's are asked for:"""
_PER_SEAT_GROUP: Final = 2000
_HOLDERS_MAX: Final = 1024
_NOTES_MAX: Final = 200
_EVIDENCE_MAX: Final = 40
_TIMES_S: Final = 1.0


def describe_findings(source: Source, query: Query) -> dict[str, Any]:
    """`seat`: tell of this seat's groups alone, and of more findings of each."""
    seat = query.number("seat", -1, least=0, most=SEAT_MAX)
    audit: AuditWatch = source.audit
    state = audit.state
    report = None if state.found is None else _describe_report(source, state.found, None if seat < 0 else seat)
    return {**describe_audit_state(state), "report": report}


def describe_audit_state(state: AuditState) -> dict[str, Any]:
    """Where the audit is, as fields."""
    progress = None if state.progress is None else dict(zip(("done", "total"), state.progress, strict=True))
    return {
        "state": state.state,
        "says": make_printable(state.says),
        "progress": progress,
        "version": state.version,
    }


def _describe_report(source: Source, found: ReadReport, seat: int | None) -> dict[str, Any]:
    report, view = found.report, source.view
    groups = [group for group in found.groups if seat is None or group.seat == seat][:_GROUPS_MAX]
    places = _Places(view, {finding.round for group in groups for finding in group.findings[:_PER_SEAT_GROUP]})
    most = _PER_GROUP if seat is None else _PER_SEAT_GROUP
    return {
        "headline": make_printable(found.headline, 2000),
        "clean": report.clean,
        "whole": is_whole(report),
        "madeAt": found.made_at,
        "madeBy": make_printable(found.made_by),
        "endpoint": make_printable(report.endpoint),
        "block": report.head,
        "blockHash": report.head_hash,
        "blockTimeS": report.head_time_s,
        "rounds": report.rounds,
        "scope": make_printable(report.scope),
        "findings": len(report.findings),
        "checks": [_describe_check(report, check) for check in Check],
        "notChecked": list(_list_unchecked(report, view)),
        "groups": [_describe_group(group, found.names, places, most) for group in groups],
        "groupsLeft": max(0, len(found.groups) - _GROUPS_MAX) if seat is None else 0,
        "blobs": report.blobs,
        "blobBytes": report.blob_bytes,
        "recomputed": report.recomputed,
        "availability": _describe_availability(report),
        "notes": [make_printable(note) for note in report.notes[:_NOTES_MAX]],
    }


def _describe_check(report: Report, check: Check) -> dict[str, Any]:
    return {
        "check": check.value,
        "statement": check.statement,
        "lookedAt": report.examined.get(check, 0),
        "findings": sum(finding.check == check for finding in report.findings),
    }


def _list_unchecked(report: Report, view: View) -> Iterator[str]:
    """What the report does not speak of, a sentence each."""
    newest = sum(round_.settled for round_ in view.history.rounds)
    if report.head < view.block:
        yield f"nothing that came after block {report.head}, where the newest here is block {view.block}"
    if report.rounds < newest:
        yield f"rounds after {report.rounds}, where {newest} are settled"
    if report.sample is not None:
        drawn = format_count(len(report.sample), "attestation")
        yield f"all attestations but the {drawn} of a sample"
    elif report.scope.startswith("rounds "):
        yield f"attestations of other rounds than these: {make_printable(report.scope)}"
    if report.not_recomputed:
        yield f"{format_count(report.not_recomputed, 'attestation')}, which could not be recomputed"
    if report.pruned:
        yield f"{format_count(report.pruned, 'update')} of final rounds, not served any more, which need not be"
    if report.unavailable_verdicts:
        yield f"verdicts that judges left out: {report.unavailable_verdicts} updates were not to be had, they say"
    for check in Check:
        if not report.examined.get(check):
            yield f"{check.value}, whether {check.statement}: there was nothing of it to look at"


def _describe_group(group: FindingGroup, names: dict[str, str], places: "_Places", most: int) -> dict[str, Any]:
    return {
        "seat": group.seat,
        "peer": make_printable(group.peer) or None,
        "auditorsName": make_printable(names.get(group.peer, "")) or None,
        "check": group.check.value,
        "statement": group.check.statement,
        "kind": None if group.kind is None else group.kind.value,
        "count": group.count,
        "lookedAt": group.looked_at,
        "rounds": describe_rounds(group.rounds),
        "says": make_printable(group.describe(), 1000),
        "fault": make_printable(group.fault) or None,
        "blamed": group.is_blamed,
        "findings": [_describe_finding(finding, places) for finding in group.findings[:most]],
        "left": max(0, group.count - most),
    }


def _describe_finding(finding: Finding, places: "_Places") -> dict[str, Any]:
    evidence = [
        {"name": make_printable(name, 100), "value": make_printable(value)}
        for name, value in list(finding.evidence.items())[:_EVIDENCE_MAX]
        if name != "peer"
    ]
    return {
        "round": finding.round,
        "fact": make_printable(finding.fact, 1000),
        "evidence": evidence,
        "onChain": places.list_anchors(finding),
    }


class _Places:
    """What a finding is about, where it stands on chain: the update and the record of its round and seat."""

    def __init__(self, view: View, rounds: set[int | None]) -> None:
        self._view = view
        self._placed: dict[tuple[int, int, type], PlacedEvent] = {}
        numbers = [number for number in rounds if number is not None]
        for number in numbers:
            for placed in view.list_round(number):
                event = placed.event
                if isinstance(event, Committed | Attested):
                    self._placed[number, event.seat, type(event)] = placed
        view.times.want({placed.position[0] for placed in self._placed.values()}, wait_s=_TIMES_S)

    def list_anchors(self, finding: Finding) -> list[dict[str, Any]]:
        """Digest and CID of each, and the transaction that anchored it."""
        history = self._view.history
        number, seat = finding.round, finding.seat
        if number is None or seat is None or not 1 <= number <= len(history.rounds):
            return []
        round_, anchors = history.rounds[number - 1], []
        if (digest := round_.commits.get(seat)) is not None:
            anchors.append(self._describe("its update", digest, (number, seat, Committed)))
        attestation = round_.attestations.get(seat)
        if attestation is not None and attestation.record != NO_RECORD:
            anchors.append(self._describe("its record", attestation.record, (number, seat, Attested)))
        return anchors

    def _describe(self, what: str, digest: bytes, key: tuple[int, int, type]) -> dict[str, Any]:
        placed = self._placed.get(key)
        block = None if placed is None else placed.position[0]
        return {
            "what": what,
            "digest": "0x" + digest.hex(),
            "cid": cid_of(digest).text,
            "block": block,
            "tx": None if placed is None else placed.transaction,
            **tell_time(self._view, block),
        }


def _describe_availability(report: Report) -> dict[str, Any]:
    """Who was there when, span by span, as the audit counts it: it judges nobody."""
    return {
        "spans": [list(span) for span in report.spans],
        "holders": [
            {
                "seat": holder.seat,
                "tenure": holder.tenure,
                "peer": make_printable(holder.peer),
                **to_camel(asdict(holder.total)),
                "spans": [
                    {"held": one.held, "attested": one.attested, "unreached": one.unreached} for one in holder.spans
                ],
            }
            for holder in report.availability[:_HOLDERS_MAX]
        ],
        "left": max(0, len(report.availability) - _HOLDERS_MAX),
    }
