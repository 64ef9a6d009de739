"""What a demo's last page shows, and what it leaves out."""

import io

import pytest
from rich.console import Console

from node.demo.results import RunResults
from node.demo.run import DemoOutcome
from node.demo.summary import print_summary


def show(results: RunResults, rule: str = "none", *, poisoned: bool = False) -> str:
    """The page."""
    report = {"examined": {}, "clean": True, "groups": [], "rule": rule}
    page, outcome = io.StringIO(), DemoOutcome(results, report, {"rounds": 1.0}, {})
    print_summary(Console(file=page, width=100), None, outcome, {0: 0.5}, poisoned=poisoned)
    return page.getvalue()


@pytest.mark.parametrize(
    ("rule", "poisoned", "is_there"), [("tether", True, True), ("tether", False, False), ("none", True, False)]
)
def test_a_run_without_a_rule_is_advised_where_a_rule_kept_poison_out(
    rule: str, poisoned: bool, is_there: bool
) -> None:
    told = show(RunResults(attacks={0: "honest"}), rule, poisoned=poisoned)
    assert ("the same run with `--rule none`" in told) is is_there


@pytest.mark.parametrize(("seconds", "is_there"), [([], False), ([1.5], True)])
def test_a_run_of_one_round_shows_no_empty_table_of_costs(seconds: list[float], is_there: bool) -> None:
    results = RunResults(attacks={0: "honest"}, seconds=seconds)
    if seconds:
        results.bytes_sent.append(100)
        results.gas.append(70_000)
    assert ("what a round costs" in show(results)) is is_there
