"""`folkmoot audit`: recompute every verdict and reputation of a circle from the chain and the blobs."""

import argparse
import asyncio
import contextlib
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger.audit.findings import Check, Report
from ledger.errors import UsageError
from node.cli.options import DEFAULT_RPC, Subparsers, add_json, add_rpc, choose_rpc_urls, parse_patience, print_json
from node.operating.printing import say_lines
from node.operating.wording import format_count


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("audit", help="audit a circle's rounds", description=__doc__)
    add_rpc(parser)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--contract", metavar="ADDRESS")
    where.add_argument("--circle", type=Path, metavar="FILE", help="take chain and address from a circle file")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for one blob (default 30)")
    parser.add_argument(
        "--from",
        dest="first",
        type=int,
        metavar="ROUND",
        help="from this round on; otherwise all, but for those that nobody can dispute any more",
    )
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="only so many attestations of these, drawn at random, and all disputed",
    )
    parser.add_argument("--seed", type=int, metavar="NUMBER", help="of the sample, to draw an earlier one again")
    parser.add_argument(
        "--statement",
        nargs="?",
        const="",
        metavar="LAW,…",
        help="print a privacy statement to hand on, not the report: what is claimed and spent, what was checked,"
        " and what cannot be; with gdpr, ai-act, hipaa the facts under the articles of these laws besides",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Audit and print. 0: clean; 1: findings."""
    from ledger.audit.run import audit
    from ledger.chain.deployment.deploy import CircleFile
    from node.cli.privacy_statement import describe_statement

    if not 0 < options.timeout < float("inf"):
        raise UsageError(f"--timeout {options.timeout} is not above 0: give seconds")
    scope, laws = _parse_scope(options), _parse_laws(options.statement)
    file = CircleFile.read(options.circle) if options.circle else None
    rpc = choose_rpc_urls(options) or (file.read_rpc_urls() if file else [DEFAULT_RPC])
    address = file.contract if file else options.contract
    first_block = file.block if file else 0
    borne = parse_patience(options)
    if file is not None:
        _check_file(file, rpc, borne)
    about: dict[str, Any] = {
        "first_block": first_block,
        "timeout_s": options.timeout,
        "patience": borne,
        "scope": scope,
    }
    if options.json:
        report = asyncio.run(audit(rpc, address, **about))
        print_json(make_fields(report) if laws is None else join_statement_fields(report, laws))
    else:
        report = _audit_with_progress(rpc, address, about)
        if laws is None:
            print_report(report)
        else:
            say_lines("\n".join(describe_statement(report, laws)))
    return 0 if report.clean else 1


def _parse_scope(options: argparse.Namespace) -> Any:
    """Which rounds are recomputed. Raises UsageError."""
    from ledger.audit.run import Scope

    if options.first is not None and options.first < 1:
        raise UsageError(f"--from {options.first} is no round: they are counted from 1")
    if options.sample is not None and options.sample < 1:
        raise UsageError(f"--sample {options.sample} is not above 0: give a number of attestations")
    if options.seed is not None and (options.sample is None or options.seed < 0):
        raise UsageError("--seed is a number from 0 that draws a --sample: give both")
    seed = secrets.randbits(32) if options.seed is None else options.seed
    return Scope(options.first, options.sample, seed)


def _parse_laws(text: str | None) -> list[str] | None:
    """The laws of --statement, none of them where it has no value; None without it. Raises UsageError."""
    from ledger.audit.legal_statement import LAWS

    if text is None:
        return None
    named = list(dict.fromkeys(text.split(","))) if text else []
    for law in named:
        if law not in LAWS:
            raise UsageError(
                f"--statement {law[:20]!r} is none of {', '.join(LAWS)}: choose some of them, with commas between"
            )
    return named


def _check_file(file: Any, rpc: list[str], borne: Any) -> None:
    """A file pins chain, task and terms. Foreign code is a finding, so it is left to the audit."""
    from ledger.chain.contract.artifact import CodeMismatch
    from ledger.chain.deployment.deploy import open_circle

    with contextlib.suppress(CodeMismatch):
        open_circle(file, rpc, patience=borne)


def _audit_with_progress(rpc: list[str], address: str, about: dict[str, Any]) -> Report:
    """Audit under a bar that counts rounds, on stderr, where that is a terminal; it leaves nothing behind."""
    from rich.progress import Progress

    from ledger.audit.run import audit
    from node.operating.console import CleanConsole

    console = CleanConsole(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        rounds = bar.add_task("reading the chain", total=None)

        def show(done: int, total: int) -> None:
            bar.update(rounds, description=f"{done} of {total} rounds", completed=done, total=total)

        return asyncio.run(audit(rpc, address, progress=show, **about))


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
