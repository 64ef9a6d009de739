"""`folkmoot audit --html`: the report as one page, with a reader in it that checks the bundle."""

import argparse
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import SetupError, UsageError
from ledger.files import write_whole
from node.cli.audit_names import Names
from node.operating.wording import format_time

if TYPE_CHECKING:
    from ledger.audit.findings import Report
    from node.page.provenance import Provenance


def add_page_option(parser: argparse.ArgumentParser) -> None:
    """--html."""
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write the report as one page too, to read, print and keep; it checks a bundle by itself",
    )

    parser.add_argument(
        "--provenance",
        action="store_true",
        help="with --html and a bundle: the page says too whose updates the last model is made of, and draws it;"
        " that takes about as long as the audit once more",
    )


def check_page_option(options: argparse.Namespace) -> None:
    """Raises UsageError, and SetupError where the page has no folder to go to, before anything is audited."""
    path: Path | None = options.html
    if options.provenance and (path is None or (options.bundle is None and options.save is None)):
        raise UsageError("--provenance goes with --html and a bundle: name one, or --save one")
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise SetupError(f"--html {path} names no file in a folder that there is: make the folder, or name another")


def write_page(report: "Report", path: Path, names: Names, traced: Path | None = None) -> None:
    """traced: the bundle whose model is accounted for; None for no such account.

    Raises SetupError where the file cannot be written.
    """
    from ledger.audit.groups import group_findings
    from node.cli.audit_lines import sum_up
    from node.operating.versions import find_version
    from node.page.report import Shown, encode_report_page

    names = names.beside(report.history)
    page = encode_report_page(
        report,
        report.history,
        Shown(
            sum_up(report, group_findings(report), names),
            list(_list_source(report)),
            f"Made by folkmoot {find_version()}.",
            names.describe,
            None if traced is None else _trace_bundle(traced),
        ),
    )
    try:
        write_whole(path, page, through=path.parent)
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror}): name another file") from error


def _trace_bundle(path: Path) -> "Provenance":
    """Of the circle's last model; or why there is no account of it."""
    from ledger.audit.tracing import Room, check_traceable
    from node.cli.accounting import account_for
    from node.cli.trace_bundle import BundleFetch
    from node.cli.trace_lines import list_totals
    from node.cli.trace_picture import encode_graph
    from node.opened_circle import open_bundled
    from node.page.provenance import Provenance

    try:
        opened = open_bundled(path)
        with opened.bundle as bundle, Room() as room:
            wanted = check_traceable(opened.history, None, None)
            told = account_for(opened, wanted, None, room, lambda: nullcontext(BundleFetch(bundle)))
            account = told.traced.account
            sentence = (
                f"What {told.whose} is made of: its way from the genesis is {account.length:.4g} long, and at most"
                f" {account.residual:.2f} grid units of a value are rounding, where {account.bound:.2f} may be."
            )
            return Provenance(sentence, list_totals(told), encode_graph(told, None, "svg"))
    except (UsageError, SetupError) as error:
        return Provenance(f"There is none of the last model: {error}.")


def _list_source(report: "Report") -> Iterator[tuple[str, str]]:
    """Which block, by whose word, and what the bundle proves."""
    from node.cli.bundle_lines import list_bundle_facts

    if report.head_hash:
        when = "" if report.head_time_s is None else f", {format_time(report.head_time_s)}"
        yield "block", f"{report.head}{when}, {report.head_hash}"
        asked = "" if report.read_at_s is None else f", {format_time(report.read_at_s)}"
        told = "" if report.bundle is None else ", as the bundle's maker says"
        yield "read from", f"{report.endpoint or 'an endpoint'}{asked}{told}"
    if report.bundle is not None:
        for kind, said in list_bundle_facts(report):
            yield {"root": "bundle", "word": "not proved"}.get(kind, kind), said
