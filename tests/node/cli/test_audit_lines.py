"""The report of an audit, as people and machines get it."""

import pytest

from ledger.audit.findings import Report
from node.cli.audit_lines import make_fields, print_report


def test_the_report_says_what_was_and_what_was_not_recomputed(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(1, "0x" + "11" * 20, 9, scope="2 drawn from 40 in rounds 1 to 10, seed 7")
    report.recomputed, report.not_recomputed, report.started, report.pruned = 1, 1, 2, 3
    report.sample, report.sample_seed = [(3, 1), (5, 0)], 7
    print_report(report)
    said = " ".join(capsys.readouterr().out.split())
    assert "1 attestation recomputed of 2 drawn from 40 in rounds 1 to 10, seed 7" in said
    assert "from 2 checkpoints on; 1 could not be; 3 updates of final rounds are not served any more" in said
    assert {"sample": [(3, 1), (5, 0)], "sample_seed": 7, "recomputed": 1}.items() <= make_fields(report).items()
