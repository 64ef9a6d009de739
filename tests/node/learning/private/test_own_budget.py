"""The budget that a node holds itself to: noted, shown by `status`, and never raised in silence."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import to_builtins

from ledger.errors import UsageError
from node.cli.privacy_lines import describe_spending, read_spending
from node.learning.private.budget import Spending
from node.learning.private.own_budget import note_budget, read_budget
from tests.support.privacy import TERMS


def test_a_larger_budget_than_before_is_told_and_a_smaller_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "privacy-budget.txt"
    assert read_budget(path) is None
    for budget_milli in (4000, 4000, 2300):
        note_budget(path, budget_milli)
        assert read_budget(path) == budget_milli
    assert caplog.records == []
    with caplog.at_level(logging.WARNING):
        note_budget(path, 8000)
    assert [record.getMessage() for record in caplog.records] == [
        "privacy budget is larger than before epsilon=8 before=2.3"
    ]


def test_a_damaged_note_says_nothing_and_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "privacy-budget.txt"
    note_budget(path, 4000)
    path.write_bytes(path.read_bytes().replace(b"4000", b"9000"))
    assert read_budget(path) is None
    note_budget(path, 8000)
    assert read_budget(path) == 8000


def test_a_folder_in_which_no_node_was_has_not_spent_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = SimpleNamespace(charges=tmp_path / "privacy.txt", privacy_budget=tmp_path / "privacy-budget.txt")
    monkeypatch.setattr("node.cli.privacy_lines.find_places", lambda _opened, _root: places)
    opened = SimpleNamespace(history=SimpleNamespace(manifest=SimpleNamespace(privacy=TERMS)))
    with pytest.raises(UsageError, match="mistyped: no node of this circle was here"):
        read_spending(opened, Path("mistyped"))
    note_budget(places.privacy_budget, 4000)
    assert read_spending(opened, Path("data")) == Spending(0, 4000, 0, None)


def test_status_tells_a_nodes_own_budget_from_the_circles() -> None:
    terms = to_builtins(TERMS)
    own = describe_spending(Spending(2144, 2300, 2, 0).to_fields(), terms)
    assert own == "this node: ε 2.144 of its own 2.3 (the circle's is 8) spent, 2 rounds charged, 0 left"
    circles = describe_spending(Spending(0, 8000, 0, None).to_fields(), terms)
    assert circles == "this node: ε 0 of the circle's 8 spent, no round yet"
