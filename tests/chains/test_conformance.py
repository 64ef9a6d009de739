"""Our chain answers as Anvil does, but for what docs/chain-conformance.md tells and explains."""

from pathlib import Path

import pytest

from scripts.chains.conformance.differences import explained
from scripts.chains.conformance.run import CASES, compare
from scripts.chains.conformance.table import render, stale
from tests.support.chains import anvil

TABLE = Path(__file__).resolve().parents[2] / "docs" / "chain-conformance.md"


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """Per case where the answers differ."""
    return compare()


def test_every_case_has_a_name_of_its_own() -> None:
    keys = [case.key for case in CASES]
    assert len(set(keys)) == len(keys)


def test_no_answer_differs_without_a_reason(found: dict[str, list[str]]) -> None:
    unexplained = {case: explained(case, lines)[1] for case, lines in found.items()}
    assert {case: lines for case, lines in unexplained.items() if lines} == {}


def test_no_reason_is_out_of_date(found: dict[str, list[str]]) -> None:
    assert [rule.why for rule in stale(found)] == []


def test_the_table_in_the_docs_is_that_of_this_run(found: dict[str, list[str]]) -> None:
    assert TABLE.read_text() == render(found, anvil.VERSION), "run `python -m scripts.chains.conform`"
