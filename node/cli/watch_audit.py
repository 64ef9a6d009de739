"""What `folkmoot watch` has working behind its page: an audit, or a report of one, and accounts of models."""

import argparse
from pathlib import Path
from typing import Any

from ledger.errors import UsageError
from node.cli.options import RPC_VARIABLE, choose_rpc_urls


def add_audit_options(parser: argparse.ArgumentParser) -> None:
    """--no-audit and --report."""
    parser.add_argument(
        "--no-audit",
        action="store_true",
        help="run no audit behind the page; otherwise one goes on as rounds settle, in a process of low priority",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.json",
        help="show this report of `folkmoot audit --json` in place of an audit of its own",
    )


def set_up_background(source: Any, options: argparse.Namespace) -> None:
    """Tell a source what works behind it. Raises UsageError for a report that is none, or of another circle."""
    from node.watch.audit_watch import make_audit, make_no_audit, make_reported
    from node.watch.background import Command
    from node.watch.report_reading import check_same_circle, read_report
    from node.watch.trace_desk import TraceDesk

    environment = {} if (urls := choose_rpc_urls(options)) is None else {RPC_VARIABLE: " ".join(urls)}
    audit, trace = spell_sources(options)
    source.traces = TraceDesk(Command(trace, environment))
    if options.report is not None:
        if options.no_audit:
            raise UsageError("--report shows a report and audits nothing: leave --no-audit out")
        found = read_report(options.report)
        network = source.circle.network
        check_same_circle(found, network.chain_id, network.contract)
        _check_block(source, found.report)
        source.audit = make_reported(found, options.report.name)
    elif options.no_audit:
        source.audit = make_no_audit()
    else:
        source.audit = make_audit(Command(audit, environment), is_followed=source.kind == "live")


def spell_sources(options: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the circle, and a file with its rule, is named to `audit` and to `trace`."""
    rule = () if options.rule_file is None else ("--rule-file", str(options.rule_file))
    if options.bundle is not None:
        pinned = (*rule, *(() if options.block_hash is None else ("--block-hash", options.block_hash)))
        return ("audit", str(options.bundle), *pinned), ("trace", "--bundle", str(options.bundle), *pinned)
    where = ("--circle", str(options.circle)) if options.contract is None else ("--contract", options.contract)
    daemon = () if options.ipfs_api is None else ("--ipfs-api", options.ipfs_api)
    common = (*where, *rule, "--patience", f"{options.patience:g}", *daemon)
    own = ("--folder", str(options.folder[0])) if options.folder else ()
    return ("audit", *common), ("trace", *common, *own)


def _check_block(source: Any, report: Any) -> None:
    """Whether the report's block is the chain's, as far as that can be told. Raises UsageError."""
    from ledger.chain.rpc import answers

    if not report.head_hash:
        return
    parse = answers.or_null(answers.block_parser(report.head))
    found = source.circle.rpc.request("eth_getBlockByNumber", [hex(report.head), False], parse)
    if found is not None and found.hash != report.head_hash.lower():
        raise UsageError(
            f"--report is of block {report.head} with hash {report.head_hash[:12]}…, and here that block is"
            f" {found.hash[:12]}…: it is of another chain, or its block was taken back; give a newer report"
        )
