"""`folkmoot audit`: recompute every verdict and reputation of a circle from the chain and the blobs."""

import argparse
import asyncio
import contextlib
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import UsageError
from node.cli.audit_bundle import add_bundle_options, audit_bundle_file, audit_saving, check_bundle_options
from node.cli.audit_events import LinePrinter, ProgressEvents, add_json_lines, check_json_lines
from node.cli.audit_follow import (
    add_follow,
    check_follow,
    describe_finding,
    follow,
    make_settlements,
    remembering,
)
from node.cli.audit_names import add_reading_options, read_names
from node.cli.audit_pace import add_pace, parse_cache, parse_jobs, show_progress
from node.cli.audit_page import add_page_option, check_page_option, write_page
from node.cli.options import (
    DEFAULT_RPC,
    Subparsers,
    add_ipfs_api,
    add_json,
    add_rpc,
    add_rule_file,
    choose_rpc_urls,
    parse_patience,
    print_json,
)
from node.operating.printing import say, say_lines, say_progress

if TYPE_CHECKING:
    from ledger.audit.findings import Finding, Report


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("audit", help="audit a circle's rounds", description=__doc__)
    add_rpc(parser)
    add_rule_file(parser)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "bundle", nargs="?", type=Path, metavar="BUNDLE", help="audit a bundle that --save wrote, without a network"
    )
    where.add_argument("--contract", metavar="ADDRESS")
    where.add_argument("--circle", type=Path, metavar="FILE", help="take chain and address from a circle file")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for one blob (default 30)")
    add_ipfs_api(parser)
    parser.add_argument(
        "--from",
        dest="first",
        type=int,
        metavar="ROUND",
        help="from this round on; otherwise all, but for those that nobody can dispute any more",
    )
    parser.add_argument(
        "--since",
        type=int,
        metavar="BLOCK",
        help="from the first round on that was settled after this block, e.g. the one that your last report names",
    )
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="only so many attestations of these, drawn at random, and all disputed",
    )
    add_pace(parser)
    add_follow(parser)
    parser.add_argument("--seed", type=int, metavar="NUMBER", help="of the sample, to draw an earlier one again")
    parser.add_argument(
        "--seed-block",
        type=int,
        metavar="BLOCK",
        help="the hash of this block draws the sample: named before there is that block, nobody can know it before",
    )
    parser.add_argument(
        "--statement",
        nargs="?",
        const="",
        metavar="LAW,…",
        help="print a privacy statement to hand on, not the report: what is claimed and spent, what was checked,"
        " and what cannot be; with gdpr, ai-act, hipaa the facts under the articles of these laws besides",
    )
    add_reading_options(parser)
    add_bundle_options(parser)
    add_page_option(parser)
    add_json(parser)
    add_json_lines(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Audit and print. 0: clean; 1: findings."""
    from node.cli.audit_lines import join_statement_fields, make_fields, print_report
    from node.cli.bundle_lines import describe_bundle_lines
    from node.cli.privacy_statement import describe_statement

    if not 0 < options.timeout < float("inf"):
        raise UsageError(f"--timeout {options.timeout} is not above 0: give seconds")
    check_bundle_options(options)
    check_page_option(options)
    check_follow(options)
    check_json_lines(options)
    cache = parse_cache(options)
    scope, laws, names = _parse_scope(options), _parse_laws(options.statement), read_names(options.names)
    report = (_follow if options.follow else _audit_with_progress)(options, scope, cache)
    if options.html is not None:
        write_page(report, options.html, names, (options.bundle or options.save) if options.provenance else None)
    if options.json_lines:
        if not options.follow:
            LinePrinter(names).tell_report(report)
    elif options.json:
        print_json(make_fields(report, names=names) if laws is None else join_statement_fields(report, laws))
    elif laws is None:
        print_report(report, names, options.details)
        if report.bundle is not None:
            say_lines("\n".join(describe_bundle_lines(report)))
    else:
        say_lines("\n".join(describe_statement(report, laws)))
    return 0 if report.clean else 1


def _audit(
    options: argparse.Namespace, scope: Any, progress: Any, cache: Path | None = None, known: Any = None
) -> "Report":
    """From where the options say."""
    from ledger.audit.run import audit
    from ledger.chain.deployment.circle_file import CircleFile

    if options.bundle is not None:
        return audit_bundle_file(options, scope, parse_jobs(options), progress)
    rpc, address, first_block = _find_chain(options)
    borne = parse_patience(options)
    if options.circle:
        _check_file(CircleFile.read(options.circle), rpc, borne)
    about: dict[str, Any] = {
        "first_block": first_block,
        "timeout_s": options.timeout,
        "patience": borne,
        "scope": scope,
        "jobs": parse_jobs(options),
        "ipfs_api": options.ipfs_api,
    }
    if options.save is not None:
        return audit_saving(options, rpc, address, about, progress)
    about |= {"read_at_s": int(time.time()), "cache": cache, "known": known}
    return asyncio.run(audit(rpc, address, progress=progress, **about))


def _find_chain(options: argparse.Namespace) -> tuple[list[str], str, int]:
    """The endpoints, the circle's address, and a block from which on it is there."""
    from ledger.chain.deployment.circle_file import CircleFile

    if options.circle is None:
        return choose_rpc_urls(options) or [DEFAULT_RPC], options.contract, 0
    file = CircleFile.read(options.circle)
    return choose_rpc_urls(options) or file.read_rpc_urls(), file.contract, file.block


def _parse_scope(options: argparse.Namespace) -> Any:
    """Which rounds are recomputed. Raises UsageError."""
    from ledger.audit.run import Scope

    if options.first is not None and options.first < 1:
        raise UsageError(f"--from {options.first} is no round: they are counted from 1")
    if options.since is not None and options.since < 0:
        raise UsageError(f"--since {options.since} is no block: they are counted from 0")
    if options.since is not None and options.first is not None:
        raise UsageError("--since and --from both name the first round: give one")
    if options.since is not None and (options.bundle is not None or options.save is not None):
        raise UsageError("a bundle is told its first round by --from: give that in place of --since")
    if options.sample is not None and options.sample < 1:
        raise UsageError(f"--sample {options.sample} is not above 0: give a number of attestations")
    if options.seed is not None and (options.sample is None or options.seed < 0):
        raise UsageError("--seed is a number from 0 that draws a --sample: give both")
    if options.seed_block is not None and (options.sample is None or options.seed_block < 0):
        raise UsageError("--seed-block is the number of a block that draws a --sample: give both")
    if options.seed_block is not None and options.seed is not None:
        raise UsageError("--seed and --seed-block both draw the sample: give one")
    seed = secrets.randbits(32) if options.seed is None else options.seed
    return Scope(options.first, options.sample, seed, options.seed_block, options.since)


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
    from ledger.chain.deployment.circle_file import open_circle

    with contextlib.suppress(CodeMismatch):
        open_circle(file, rpc, patience=borne)


def _follow(options: argparse.Namespace, scope: Any, cache: Path | None) -> "Report":
    """Audit again whenever a round has settled. With --json nothing is said before the end."""
    from ledger.chain.reading import KnownEvents

    lines = LinePrinter(read_names(options.names)) if options.json_lines else None

    def tell(finding: "Finding") -> None:
        if not options.json and lines is None:
            say(describe_finding(finding))

    def note(sentence: str) -> None:
        if lines is not None:
            lines.tell_note(sentence)
        elif not options.json:
            say_progress(sentence)

    def audit() -> "Report":
        report = _audit_with_progress(options, scope, folder, known)
        if lines is not None:
            lines.tell_report(report)
        return report

    known = KnownEvents()
    with remembering(cache) as folder:
        settlements = make_settlements(*_find_chain(options), parse_patience(options))
        return follow(audit, settlements, tell, note)


def _audit_with_progress(
    options: argparse.Namespace, scope: Any, cache: Path | None, known: Any = None
) -> "Report":
    """Audit, and say meanwhile on stderr how far it is, or where a machine reads along in lines, or not at all."""
    if options.json_lines:
        return _audit(options, scope, ProgressEvents(), cache, known)
    with show_progress(quiet=options.json) as show:
        return _audit(options, scope, show, cache, known)
