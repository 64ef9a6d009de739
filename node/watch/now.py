"""Where a circle stands at this moment: what the page shows first, and what is sent at every change."""

from typing import Any

from ledger.audit.findings import Report
from ledger.circle.draw import seats_of
from ledger.circle.history import Phase
from node.watch.audit_watch import AuditState
from node.watch.query import Query
from node.watch.source import Following, Source


def describe_now(source: Source, _: Query) -> dict[str, Any]:
    """GET /api/now, and each `now` of GET /api/live. Raises NotReady before the history is read."""
    view, history = source.view, source.view.history
    round_ = history.round
    is_open = round_ is not None and history.phase in (Phase.COMMIT, Phase.ATTEST)
    block = source.head
    return {
        "revision": source.revision,
        "block": block,
        "blockTimeS": view.find_time(block),
        "round": history.number,
        "phase": history.phase.name.lower(),
        "deadlineS": view.deadline_s,
        "roster": seats_of(history.roster | history.late) if is_open else [],
        "committed": seats_of(round_.committed) if round_ is not None else [],
        "attested": sorted(round_.heard) if round_ is not None else [],
        "waitedFor": view.list_waited_for(),
        "openDisputes": len(history.open_disputes),
        "findings": source.findings,
        "audit": _describe_audit(source.audit.state),
        "following": describe_following(source.describe_following()),
    }


def _describe_audit(state: AuditState) -> dict[str, Any]:
    """Where the audit is, and of how much its findings are: none in half of it is not none."""
    report = None if state.found is None else state.found.report
    return {
        "state": state.state,
        "block": None if report is None else report.head,
        "isWhole": report is not None and is_whole(report),
    }


def is_whole(report: Report) -> bool:
    """Whether a report speaks of every attestation up to its block, and of one at least."""
    is_chosen = report.sample is not None or report.scope.startswith("rounds ")
    return report.recomputed > 0 and not report.not_recomputed and not is_chosen


def describe_following(found: Following) -> dict[str, Any]:
    """How far the page can be relied upon, as fields."""
    return {"state": found.state, "says": found.says, "sinceS": found.since_s}
