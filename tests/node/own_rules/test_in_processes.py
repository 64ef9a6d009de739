"""A process that an audit starts has the rules that its parent was lent, as the bytes whose digest was taken."""

import pickle
from pathlib import Path

import msgspec
import pytest

from ledger.audit.crew import appoint
from ledger.audit.findings import Report
from ledger.audit.plan import plan_from
from ledger.rules.lent import list_lent
from node.own_rules.rule_file import name_for_circle
from tests.support.histories.circles import NETWORK, Circle, FalseJudge, genesis_state

pytestmark = pytest.mark.rule("R12.6")

FILE = """
from dataclasses import dataclass
from ledger.rules.median import Median

@dataclass(frozen=True)
class Mine(Median):
    pass
"""


def audited(circle: Circle, jobs: int) -> bytes:
    """The report of all rounds, to the byte."""
    report, plan = Report(NETWORK.chain_id, NETWORK.contract, 0), plan_from(circle.known, 1)
    with appoint(jobs, circle.known, NETWORK, genesis_state(), report, plan, 1 << 24) as auditor:
        for round_ in plan.find_rounds(circle.known):
            blobs, _ = circle.served(round_.number)
            auditor.examine(round_, blobs)
            auditor.take_up(round_, blobs)
    return msgspec.json.encode(report)


def test_an_audit_in_two_processes_recomputes_by_the_lent_rule_as_one_does(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE)
    name = name_for_circle(f"{tmp_path / 'mine.py'}:Mine")
    circle = Circle(rounds=2, rule=name, rule_parameters={}, cheats={2: FalseJudge(2, 0, (2,))})
    # Whatever the file says by now.
    (tmp_path / "mine.py").write_text("raise AssertionError('other code')\n")
    alone = audited(circle, 1)
    assert b'"seat":2' in alone
    assert audited(circle, 2) == alone


def test_what_is_lent_goes_to_another_process_as_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE)
    name = name_for_circle(f"{tmp_path / 'mine.py'}:Mine")
    (tmp_path / "mine.py").unlink()
    (make,) = pickle.loads(pickle.dumps(list_lent(name))).values()
    assert make("Mine", {}).is_replayable
    assert list_lent("tether") == list_lent(f"Mine@{'0' * 64}") == {}
