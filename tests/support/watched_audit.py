"""An audit as the live page reads it, of a report that a test has."""

from ledger.audit.findings import Report
from node.cli.audit_lines import make_fields
from node.operating.figures import dump_json
from node.watch.audit_watch import AuditWatch, make_reported
from node.watch.report_reading import decode_report


def show_report(report: Report) -> AuditWatch:
    """In the place of a running audit: this report, through its form for machines and back."""
    return make_reported(decode_report(dump_json(make_fields(report)).encode()), "report.json")
