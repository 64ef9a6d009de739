"""The committed artifact is what the committed source compiles to."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_recompiling_the_circle_gives_the_committed_artifact(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("vyper") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("vyper is missing: install the `dev` extra")
        pytest.skip("vyper is not installed (the `dev` extra has it)")
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from compile_contracts import compile_circle

    committed = json.loads((ROOT / "contracts" / "Circle.json").read_text())
    assert compile_circle() == committed, "run `python scripts/compile_contracts.py` after a change of the contract"
