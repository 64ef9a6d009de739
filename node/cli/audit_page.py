"""`folkmoot audit --html`: the report as one page, with a reader in it that checks the bundle."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from ledger.audit.findings import Report
from ledger.audit.groups import group_findings
from ledger.errors import SetupError
from ledger.files import write_whole
from node.cli.audit_lines import find_version, sum_up
from node.cli.audit_names import Names
from node.cli.bundle_lines import list_bundle_facts
from node.operating.wording import format_time


def add_page_option(parser: argparse.ArgumentParser) -> None:
    """--html."""
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write the report as one page too, to read, print and keep; it checks a bundle by itself",
    )


def check_page_option(options: argparse.Namespace) -> None:
    """Raises SetupError where the page has no folder to go to, before anything is audited."""
    path: Path | None = options.html
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise SetupError(f"--html {path} names no file in a folder that there is: make the folder, or name another")


def write_page(report: Report, path: Path, names: Names) -> None:
    """Raises SetupError where the file cannot be written."""
    from node.page.report import Shown, encode_report_page

    page = encode_report_page(
        report,
        report.history,
        Shown(
            sum_up(report, group_findings(report), names),
            list(_list_source(report)),
            f"Made by folkmoot {find_version()}.",
            names.describe,
        ),
    )
    try:
        write_whole(path, page, through=path.parent)
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror}): name another file") from error


def _list_source(report: Report) -> Iterator[tuple[str, str]]:
    """Which block, by whose word, and what the bundle proves."""
    if report.head_hash:
        when = "" if report.head_time_s is None else f", {format_time(report.head_time_s)}"
        yield "block", f"{report.head}{when}, {report.head_hash}"
        asked = "" if report.read_at_s is None else f", {format_time(report.read_at_s)}"
        told = "" if report.bundle is None else ", as the bundle's maker says"
        yield "read from", f"{report.endpoint or 'an endpoint'}{asked}{told}"
    if report.bundle is not None:
        for kind, said in list_bundle_facts(report):
            yield {"root": "bundle", "word": "not proved"}.get(kind, kind), said
