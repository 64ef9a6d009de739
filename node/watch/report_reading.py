"""An audit's report as `folkmoot audit --json` prints it, read back: checked before anything is made of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.audit.findings import Report
from ledger.audit.groups import FindingGroup, group_findings
from ledger.errors import UsageError
from ledger.files import opened_regular
from ledger.untrusted.parsing import is_nested_deeply

FORMAT: Final = 1
"""Of the reports that are understood, see docs/audit-report.schema.json."""
REPORT_MAX_BYTES: Final = 256 << 20
_TEXT_MAX: Final = 400
_LEAST: Final = {
    "chain_id": 1,
    "head": 0,
    "rounds": 0,
    "seats": 0,
    "recomputed": 0,
    "not_recomputed": 0,
    "pruned": 0,
}


class BadReport(ValueError):
    """The bytes are no report: a sentence says why."""


class _Frame(msgspec.Struct):
    """What a report for machines has beside the report itself."""

    format: int
    made_at: str | None = None
    made_by: str = ""
    headline: str = ""
    names: dict[str, str] = {}


@dataclass(frozen=True)
class ReadReport:
    """A report, and who made it when."""

    report: Report
    """What was found."""
    headline: str
    """In a sentence: clean, or not and by whom."""
    made_at: str | None
    """ISO 8601, UTC; None where it does not say."""
    made_by: str
    """The program and its version, as it says itself."""
    names: dict[str, str]
    """Address → what the auditor calls it."""
    groups: tuple[FindingGroup, ...]
    """The findings put together, in the order of a report."""


def read_report(path: Path) -> ReadReport:
    """Of a file. Raises UsageError with a sentence."""
    try:
        with opened_regular(path) as file:
            data = file.read(REPORT_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--report {path}: {error.strerror or error}: name a file that can be read") from error
    try:
        return decode_report(data)
    except BadReport as error:
        raise UsageError(f"--report {path} is no report of `folkmoot audit --json`: {error}") from error


def decode_report(data: bytes) -> ReadReport:
    """Of bytes. Raises BadReport."""
    if len(data) > REPORT_MAX_BYTES:
        raise BadReport(f"it has more than {REPORT_MAX_BYTES >> 20} MiB")
    # [REJECT] depth before parsing
    if is_nested_deeply(data):
        raise BadReport("it is nested too deeply")
    try:
        frame = msgspec.json.decode(data, type=_Frame)
        if frame.format != FORMAT:
            raise BadReport(f"its format is {frame.format}, and this program reads format {FORMAT}")
        report = msgspec.json.decode(data, type=Report)
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, BadReport):
            raise
        raise BadReport(_shorten(str(error))) from error
    for name, least in _LEAST.items():
        if getattr(report, name) < least:
            raise BadReport(f"its {name} is {getattr(report, name)}")
    groups = tuple(group_findings(report))
    # Whoever wrote a file by hand may have written another verdict above the findings than they come to.
    is_fit = frame.headline.startswith("clean" if report.clean else "not clean")
    headline = frame.headline if is_fit else _sum_up(report)
    return ReadReport(report, headline, frame.made_at, frame.made_by, frame.names, groups)


def check_same_circle(found: ReadReport, chain_id: int, contract: str) -> None:
    """Whether a report is of this circle. Raises UsageError."""
    report = found.report
    if (report.chain_id, report.contract.lower()) != (chain_id, contract.lower()):
        raise UsageError(
            f"--report is of circle {_shorten(report.contract)} on chain {report.chain_id}, and this is {contract}"
            f" on chain {chain_id}: give a report of this circle"
        )


def split_line(line: bytes) -> tuple[str, Any]:
    """(progress, note or report, its value; a report still as bytes) of a line of `audit --json-lines`."""
    if is_nested_deeply(line):
        raise BadReport("it is nested too deeply")
    try:
        found = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        (name, value), *_ = found.items()
        return name, bytes(value) if name == "report" else msgspec.json.decode(value)
    except (ValueError, RecursionError) as error:
        raise BadReport(_shorten(str(error))) from error


def _sum_up(report: Report) -> str:
    """For reports of earlier versions, which have no headline."""
    if report.clean:
        return "clean: no finding"
    return f"not clean: {len(report.findings)} findings" if len(report.findings) > 1 else "not clean: 1 finding"


def _shorten(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"
