"""What a demo's last page shows, and what it leaves out."""

import io

import pytest
from rich.console import Console

from node.demo.results import RunResults
from node.demo.run import DemoOutcome
from node.demo.summary import print_summary


@pytest.mark.parametrize(("seconds", "is_there"), [([], False), ([1.5], True)])
def test_a_run_of_one_round_shows_no_empty_table_of_costs(seconds: list[float], is_there: bool) -> None:
    results = RunResults(attacks={0: "honest"}, seconds=seconds)
    if seconds:
        results.bytes_sent.append(100)
        results.gas.append(70_000)
    report = {"examined": {}, "clean": True, "groups": [], "rule": "none"}
    outcome = DemoOutcome(results, report, {"rounds": 1.0}, {})
    page = io.StringIO()
    print_summary(Console(file=page, width=100), None, outcome, {0: 0.5}, poisoned=False)
    assert ("what a round costs" in page.getvalue()) is is_there
