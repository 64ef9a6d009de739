"""Whose steps a circle's model is made of, told from the gateways of whoever is there."""

import json
from typing import Any

import pytest

from node.cli.main import main
from tests.support.network.local_run import LocalRun

pytestmark = pytest.mark.rule("R33")
USAGE, SET_UP = 2, 3
POISONER = 3


def test_a_model_is_accounted_for_and_a_poisoner_has_no_share(
    run: LocalRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run.start("honest", "honest", "honest", "sign-flip", rounds=3, options=["--rule", "tether"])
    run.wait_finished(0, 1, 2)
    circle, folder = ["--circle", str(run.network.circle_file)], run.network.folder

    def trace(*options: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main(["trace", *options, *circle]) == status
        said = capsys.readouterr()
        return said.out if status == 0 else said.err

    told: dict[str, Any] = json.loads(trace("--json"))
    shares = {peer["seat"]: peer for peer in told["peers"]}
    assert shares[POISONER]["updates"] == 0
    assert all(shares[seat]["updates"] == 3 for seat in (0, 1, 2))
    assert sum(peer["of_the_way"] for peer in told["peers"]) == pytest.approx(1, abs=0.01)
    assert told["residual"] <= told["residual_bound"]
    assert "excluded: none of its 3 updates is in it" in trace("--of", str(POISONER))

    # Of a file it is the same account, and of a changed one none.
    model = folder / "model.safetensors"
    assert main(["model", "export", *circle, "--out", str(model)]) == 0
    assert json.loads(trace(str(model), "--json"))["peers"] == told["peers"]
    data = bytearray(model.read_bytes())
    data[-3] ^= 1
    (folder / "changed.safetensors").write_bytes(data)
    assert "is not the model that it says it is" in trace(str(folder / "changed.safetensors"), status=SET_UP)

    rest, graph = folder / "rest.safetensors", folder / "graph.svg"
    said = trace("--without", "0", "--out", str(rest), "--graph", str(graph), "--of", "0")
    assert "First-order unlearning" in said
    assert "accuracy" in said
    assert graph.read_text().startswith("<?xml")
    assert "is no model that `folkmoot model export` wrote" in trace(str(rest), status=SET_UP)

    assert "its updates are not in the base of seat 0" in trace("--verdicts", "--of", str(POISONER), "--seat", "0")
    assert "there is no model of round 9" in trace("--round", "9", status=USAGE)
    assert "--of 9: the circle has no such seat" in trace("--of", "9", status=USAGE)
    assert "give both" in trace("--without", "1", status=USAGE)
