"""Whose steps a circle's model is made of, told from the gateways of whoever is there."""

import json
from typing import Any

import msgspec
import pytest

from ledger.audit.bundle.reader import Bundle
from ledger.audit.claims import ClaimedUpdate, read_claims, write_with_claim
from node.cli.main import main
from tests.support.network.local_run import LocalRun

pytestmark = [pytest.mark.rule("R33"), pytest.mark.rule("R33.8")]
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
    assert "is what `folkmoot trace --without` left of a model" in trace(str(rest), status=SET_UP)

    # A bundle proves it without a network; and says so where it is made to claim something else.
    proof = folder / "proof.car"
    assert f"check it with `folkmoot trace --check {proof}`" in trace("--of", str(POISONER), "--proof", str(proof))
    capsys.readouterr()
    assert main(["trace", "--check", str(proof), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["state_proved"]
    [claim] = checked["claims"]
    assert (claim["excluded"], claim["holds"], claim["updates"]) == (True, True, [])
    assert main(["trace", "--check", str(proof), "--block-hash", checked["block_hash"]]) == 0
    assert main(["trace", "--check", str(proof), "--block-hash", "0x" + "12" * 32]) == SET_UP
    second = folder / "second.car"
    assert main(["trace", "--bundle", str(proof), "--of", "1", "--proof", str(second)]) == 0
    assert (
        main(["trace", "--bundle", str(second), "--verdicts", "--seat", "0", "--of", "3", "--proof", str(second)])
        == 0
    )
    capsys.readouterr()
    assert main(["trace", "--check", str(second), "--json"]) == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert [one["basis"] for one in claims] == ["account", "account", "verdicts"]
    assert [len(one["updates"]) for one in claims] == [0, 3, 0]
    assert [one["excluded"] for one in claims] == [True, False, True]
    lies: list[dict[str, Any]] = [{"round": 2}, {"of": 3}, {"digest": "0x" + "00" * 32}]
    lies += [{"excluded": True, "updates": []}, {"seat": POISONER}]
    contradictions: list[dict[str, Any]] = [
        {"excluded": True},
        {"updates": []},
        {"digest": None},
        {"digest": "0x00"},
    ]
    contradictions += [{"basis": "verdicts"}, {"basis": "faith"}, {"version": 2}]
    contradictions += [{"updates": [ClaimedUpdate("-1", 1, 1)]}, {"round": 9}, {"seat": 9}]
    for changes in [*lies, *contradictions]:
        false = folder / "false.car"
        with Bundle(second) as bundle:
            whole = read_claims(bundle)[1]
            write_with_claim(bundle, false, msgspec.structs.replace(whole, **changes))
        capsys.readouterr()
        status = main(["trace", "--check", str(false)])
        told_of_it = capsys.readouterr()
        assert (status == 1) == (told_of_it.out.count("FALSE") == 1) == (changes in lies)
        assert status in (1, USAGE, SET_UP)
        assert "fault of the program" not in told_of_it.err
    with Bundle(second) as bundle:
        other = msgspec.structs.replace(read_claims(bundle)[1], bundle=bundle.root.manifest)
        write_with_claim(bundle, folder / "other.car", other)
    assert main(["trace", "--check", str(folder / "other.car")]) == SET_UP
    assert "a claim about another bundle" in capsys.readouterr().err
    data = bytearray(proof.read_bytes())
    data[len(data) // 2] ^= 1
    proof.write_bytes(data)
    assert main(["trace", "--check", str(proof)]) == SET_UP

    assert "its updates are not in the base of seat 0" in trace("--verdicts", "--of", str(POISONER), "--seat", "0")
    assert "there is no model of round 9" in trace("--round", "9", status=USAGE)
    assert "--of 9: the circle has no such seat" in trace("--of", "9", status=USAGE)
    assert "give both" in trace("--without", "1", status=USAGE)
