"""What the page says first: of the audit no more than it has looked at."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.audit.findings import Report
from node.cli.audit_lines import make_fields
from node.operating.figures import dump_json
from node.watch.audit_watch import AuditWatch, make_no_audit, make_reported
from node.watch.findings import describe_findings
from node.watch.now import describe_now, is_whole
from node.watch.report_reading import decode_report
from tests.support.audit_reports import liars
from tests.support.histories.circles import Circle
from tests.support.watched_circle import WatchedCircle, ask


def reported(report: Report) -> AuditWatch:
    return make_reported(decode_report(dump_json(make_fields(report, made_s=0.0)).encode()), "r.json")


@pytest.mark.parametrize(
    ("more", "whole"),
    [
        ({"recomputed": 5, "scope": "rounds 1 to 60"}, False),
        ({"recomputed": 5, "scope": "all"}, True),
        ({"recomputed": 5, "scope": "all", "not_recomputed": 1}, False),
        ({"recomputed": 5, "scope": "all", "sample": [(1, 2)]}, False),
        ({}, False),
    ],
)
def test_nothing_found_in_a_part_is_not_told_as_nothing_found(more: dict[str, Any], whole: bool) -> None:
    report = replace(liars(), **more)
    assert report.clean
    assert is_whole(report) == whole
    source = WatchedCircle(Circle(rounds=1))
    source.audit = reported(report)
    assert ask(source, describe_now)["audit"] == {"state": "report", "block": report.head, "isWhole": whole}
    told = ask(source, describe_findings)["report"]
    assert (told["clean"], told["whole"]) == (True, whole)


def test_without_an_audit_it_says_so() -> None:
    source = WatchedCircle(Circle(rounds=1))
    source.audit = make_no_audit()
    told = ask(source, describe_now)
    assert (told["findings"], told["audit"]) == (None, {"state": "off", "block": None, "isWhole": False})
