"""The committed artifact is what the committed sources compile to, and circle and court fit each other."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
from circle_calldata import functions
from circle_machines import BareMachine

from ledger.chain.artifact import circle_artifact

ROOT = Path(__file__).resolve().parents[2]
# What code may be deployed at most (EIP-170).
CODE_MOST = 24_576
COURT_CALLS = ("dispute", "summon", "vote", "appeal", "resolve", "restart")


@pytest.fixture(name="scripts")
def _scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    if importlib.util.find_spec("vyper") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("vyper is missing: install the `dev` extra")
        pytest.skip("vyper is not installed (the `dev` extra has it)")
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import compile_contracts

    return compile_contracts


def test_recompiling_the_circle_gives_the_committed_artifact(scripts: Any) -> None:
    committed = json.loads((ROOT / "contracts" / "Circle.json").read_text())
    assert scripts.compile_circle() == committed, "run `python scripts/compile_contracts.py` after a change"


def test_the_circle_names_the_hash_of_the_courts_code(scripts: Any) -> None:
    assert f"COURT_HASH: constant(bytes32) = {scripts.court_hash()}\n" in (ROOT / "contracts/Circle.vy").read_text()


def test_circle_and_court_lay_their_storage_out_alike(scripts: Any) -> None:
    circle, court = (scripts.compiled(name)["layout"] for name in ("Circle", "Court"))
    assert circle["storage_layout"] == court["storage_layout"]
    # What only one of them keeps would lie where the other keeps something else.
    assert set(circle["storage_layout"]) == {"store"}
    assert "code_layout" not in court, "the court has no immutables: its code is the same wherever it lies"


def test_no_call_of_the_court_is_hidden_by_one_of_the_circle(scripts: Any) -> None:
    signatures = [set(keys) for keys in (_selectors(scripts.compiled(name)["abi"]) for name in ("Circle", "Court"))]
    assert not signatures[0] & signatures[1]


def _selectors(abi: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in abi if entry["type"] in ("function", "event")]


def test_both_codes_may_be_deployed() -> None:
    artifact = circle_artifact()
    assert len(bytes.fromhex(artifact.runtime[2:])) + 32 * len(artifact.immutables) <= CODE_MOST
    assert len(bytes.fromhex(artifact.court_runtime[2:])) <= CODE_MOST


@pytest.mark.parametrize("call", COURT_CALLS)
def test_at_its_own_address_the_court_takes_no_call_and_no_coin(call: str) -> None:
    artifact, machine = circle_artifact(), BareMachine(3)
    assert set(COURT_CALLS) <= set(functions(artifact, views=False))
    court = machine.run(machine.accounts[0], None, artifact.court_creation).created
    assert court is not None
    assert machine.code(court) == bytes.fromhex(artifact.court_runtime[2:])
    filled = {"uint256": 0, "bytes32": b"\x01" * 32}
    arguments = [filled[kind] for kind in artifact.types("function", call)]
    for value in (0, 1, 10**18):
        assert (
            machine.run(machine.accounts[0], court, artifact.call_data(call, *arguments), value).reason is not None
        )
    assert machine.run(machine.accounts[0], court, b"", 1).reason is not None
    assert machine.balance(court) == 0


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
            assert bool(described.get("returns")) == bool(entry["outputs"]), call


def _name(signature: str) -> str:
    return signature.partition("(")[0]
