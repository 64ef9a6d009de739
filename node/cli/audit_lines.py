"""What an audit found, in lines for people and fields for machines."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ledger.audit.findings import Check, Report
from ledger.audit.groups import group_findings, make_group_fields
from node.operating.wording import format_count


def join_statement_fields(report: Report, laws: list[str]) -> dict[str, Any]:
    """The statement for machines, with the articles of the laws named."""
    from ledger.audit.legal_statement import make_law_fields
    from ledger.audit.privacy_statement import make_statement_fields

    return make_statement_fields(report) | (make_law_fields(report, laws) if laws else {})


def make_fields(report: Report) -> dict[str, Any]:
    """The report for machines."""
    return {
        **asdict(report),
        "clean": report.clean,
        "examined": {check.value: number for check, number in report.examined.items()},
        "looked_at": {unit.value: seats for unit, seats in report.looked_at.items()},
        "groups": [make_group_fields(group) for group in group_findings(report)],
    }


def print_report(report: Report) -> None:
    """The report for people."""
    from rich.table import Table
    from rich.text import Text

    from node.operating.console import CleanConsole

    console = CleanConsole()
    console.print(
        f"circle {report.contract} on chain {report.chain_id}, up to block {report.head}", highlight=False
    )
    console.print(
        f"{report.task}, rule {report.rule}: {report.rounds} rounds, {report.seats} seats, "
        f"{report.blobs} blobs fetched ({report.blob_bytes / 1e6:.1f} MB)",
    )
    console.print(Text(_recomputed(report)))
    table = Table("check", "holds when", "looked at", "findings")
    for check in Check:
        found = sum(finding.check == check for finding in report.findings)
        style = "red" if found else "green" if report.examined.get(check) else "dim"
        table.add_row(
            check.value, check.statement, str(report.examined.get(check, 0)), Text(str(found), style), style=None
        )
    console.print(table)
    for finding in report.findings:
        place = " ".join(
            f"{name} {value}"
            for name, value in (("round", finding.round), ("seat", finding.seat))
            if value is not None
        )
        console.print(Text(f"{finding.check.value} {place}: {finding.fact}", "red"))
        for name, value in finding.evidence.items():
            console.print(Text(f"     {name}: {value}", "dim"))
    _print_membership(console, report)
    _print_privacy(console, report)
    _print_disputes(console, report)
    for note in report.notes:
        console.print(Text(f"note: {note}", "yellow"))
    if report.unavailable_verdicts:
        console.print(f"{report.unavailable_verdicts} neighbours were unavailable to their judges")
    if report.clean:
        console.print(Text("clean: everything on chain follows from the blobs", "bold green"))
    else:
        console.print(Text(format_count(len(report.findings), "finding"), "bold red"))


def _recomputed(report: Report) -> str:
    """What was recomputed, and what was not."""
    said = [f"{format_count(report.recomputed, 'attestation')} recomputed of {report.scope or 'no round'}"]
    if report.started:
        said.append(f"from {format_count(report.started, 'checkpoint')} on")
    if report.not_recomputed:
        said.append(f"{report.not_recomputed} could not be")
    if report.pruned:
        said.append(f"{report.pruned} updates of final rounds are not served any more, and need not be")
    return "; ".join(said)


def _print_membership(console: Any, report: Report) -> None:
    """Who came, went or was excluded, when and why; the founders' joining is left out."""
    from rich.table import Table
    from rich.text import Text

    changes = [change for change in report.membership if (change.change, change.round) != ("joined", 0)]
    if not changes:
        return
    table = Table("when", "block", "round", "seat", "what", "why", title="membership", title_justify="left")
    for change in changes:
        when = "" if change.time_s is None else f"{datetime.fromtimestamp(change.time_s, UTC):%Y-%m-%d %H:%M:%SZ}"
        place = (when, str(change.block), str(change.round), f"{change.seat} {change.peer}")
        table.add_row(*place, change.change, Text(change.why))
    console.print(table)


def _print_privacy(console: Any, report: Report) -> None:
    """Of each author its last statement, and the least step of all its charged updates in parts of the noise."""
    from rich.table import Table

    if not report.privacy:
        return
    table = Table("seat", "ε spent", "rounds charged", "least step / noise", title="privacy", title_justify="left")
    for seat in sorted({line.seat for line in report.privacy}):
        lines = [line for line in report.privacy if line.seat == seat]
        shares = [line.noise_milli for line in lines if line.charged and line.noise_milli is not None]
        least = f"{min(shares) / 1000:.3f}" if shares else "not known"
        table.add_row(str(seat), f"{lines[-1].epsilon_milli / 1000:.3f}", str(lines[-1].rounds), least)
    console.print(table)


def _print_disputes(console: Any, report: Report) -> None:
    """Each dispute: about which verdict, how the jury voted, and what recomputing gives."""
    from rich.table import Table

    if not report.disputes:
        return
    names = ("dispute", "round", "judge", "target", "outcome", "false", "right", "withheld", "recomputed")
    table = Table(*names, title="disputes", title_justify="left")
    for line in report.disputes:
        recomputed = {True: "false", False: "right", None: "cannot be"}[line.is_false]
        answers = (line.upholding, line.rejecting, line.withholding)
        votes = (" ".join(map(str, seats)) for seats in answers)
        numbers = map(str, (line.dispute, line.round, line.judge, line.target))
        table.add_row(*numbers, line.outcome, *votes, recomputed)
    console.print(table)
