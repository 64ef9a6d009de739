"""The committed artifact is what the committed sources compile to, and circle and court fit each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.proofs.accounts import HISTORY_SLOT, REPUTATION_SLOTS
from tests.support.contract.compiler import require_vyper

pytestmark = pytest.mark.rule("R3")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(name="scripts")
def _scripts() -> Any:
    require_vyper()
    from scripts.contracts import compile

    return compile


def test_recompiling_the_circle_gives_the_committed_artifact(scripts: Any) -> None:
    committed = json.loads((ROOT / "contracts" / "Circle.json").read_text())
    assert scripts.compile_circle() == committed, "run `python -m scripts.contracts.compile` after a change"


def test_the_circle_names_the_hash_of_the_courts_code(scripts: Any) -> None:
    assert f"COURT_HASH: constant(bytes32) = {scripts.court_hash()}\n" in (ROOT / "contracts/Circle.vy").read_text()


def test_neither_keeps_anything_of_its_own(scripts: Any) -> None:
    layouts = {name: scripts.compiled(name)["layout"] for name in ("Circle", "Court")}
    # What only one of them kept would lie where the other keeps something else.
    assert all(set(layout["storage_layout"]) == {"store"} for layout in layouts.values())
    assert "code_layout" not in layouts["Court"], "without immutables its code is the same wherever it lies"


@pytest.mark.rule("R32.4")
def test_the_running_hash_and_the_reputations_lie_where_proofs_look_for_them(scripts: Any) -> None:
    layout = scripts.compiled("Circle")["layout"]["storage_layout"]["store"]
    assert layout["clock"]["slot"] == HISTORY_SLOT
    words = layout["reputations"]
    assert range(words["slot"], words["slot"] + words["n_slots"]) == REPUTATION_SLOTS


def test_no_call_of_the_court_is_hidden_by_one_of_the_circle(scripts: Any) -> None:
    circle, court = (scripts.compiled(name) for name in ("Circle", "Court"))
    # The circle hands on what it does not know: four bytes decide, not names.
    assert not set(circle["method_identifiers"].values()) & set(court["method_identifiers"].values())
    assert not _events(circle) & _events(court)


def _events(compiled: dict[str, Any]) -> set[str]:
    return {entry["name"] for entry in compiled["abi"] if entry["type"] == "event"}


@pytest.mark.parametrize("name", ["Circle", "Court"])
def test_every_call_is_described_whole(scripts: Any, name: str) -> None:
    compiled = scripts.compiled(name)
    notices, details = ({_name(k): v for k, v in compiled[doc]["methods"].items()} for doc in ("userdoc", "devdoc"))
    for entry in compiled["abi"]:
        # Getters of public words have no place for a description.
        if entry["type"] == "function" and (call := entry["name"]) not in {"TASK", "owed", "dispute_count"}:
            assert notices[call]["notice"]
            described = details.get(call, {})
            assert set(described.get("params", {})) == {parameter["name"] for parameter in entry["inputs"]}, call
            assert len(described.get("returns", {})) == len(entry["outputs"]), call


def _name(signature: str) -> str:
    return signature.partition("(")[0]
