"""`folkmoot audit --json` is what docs/audit-report.schema.json says, for circles of every kind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its types are another package

from ledger.audit.findings import Report
from ledger.chain.rpc.patience import EndpointPatience
from node.cli.audit_lines import FORMAT, make_fields
from node.cli.main import main
from node.operating.figures import dump_json
from tests.support.audit_reports import huge, liars
from tests.support.circle_endpoint import URL, Blobs, Endpoint, drawn_seed
from tests.support.histories.circles import GENESIS_BLOB, GENESIS_ROOT, NETWORK, Circle, Honest, Said

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs/audit-report.schema.json").read_text())


class Contrary(Honest):
    def attestation(self, number: int, said: Said) -> Said:
        return Said(said.seat, said.judged, said.judged & ~said.accepted, said.record)


def seal(schema: Any) -> Any:
    """The schema, with no field allowed that it does not name: so that it names all."""
    if isinstance(schema, list):
        return [seal(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    sealed = {name: seal(one) for name, one in schema.items()}
    return {**sealed, "additionalProperties": False} if isinstance(sealed.get("properties"), dict) else sealed


def check(fields: Any) -> None:
    found = list(Draft202012Validator(seal(SCHEMA)).iter_errors(fields))
    assert not found, [(error.json_path, error.message) for error in found][:5]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["format"] == {
        "const": FORMAT,
        "description": "Another number once a field means something else.",
    }


@pytest.mark.parametrize("make", [huge, liars, lambda: liars(1, 4), lambda: Report(1, "0x" + "11" * 20, 0)])
def test_reports_of_all_kinds_are_as_it_says(make: Callable[[], Report]) -> None:
    check(json.loads(dump_json(make_fields(make()))))


def test_what_is_not_as_it_says_is_told() -> None:
    fields = make_fields(liars(4))
    for wrong in ({"format": FORMAT + 1}, {"rounds": "60"}, {"findings": [{"check": "A99"}]}, {"unheard of": 1}):
        with pytest.raises(AssertionError):
            check(json.loads(dump_json({**fields, **wrong})))


@pytest.mark.parametrize("is_clean", [True, False])
def test_the_command_prints_what_it_says(
    is_clean: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cheats = {} if is_clean else {4: Contrary(4)}
    circle = Circle(rounds=2, genesis=GENESIS_ROOT.hex(), seed_of=drawn_seed, cheats=cheats)
    rpc = Endpoint(circle).rpc()
    rpc.patience = EndpointPatience(fault_s=0.6, catch_up_s=0.0)
    monkeypatch.setattr("ledger.audit.run.connect", lambda *_, **__: rpc)
    monkeypatch.setattr(
        "ledger.audit.run.BlobFetcher", lambda *_, **__: Blobs({GENESIS_ROOT: GENESIS_BLOB, **circle.blobs})
    )
    (tmp_path / "names.toml").write_text(f'{circle.known.seats[4].peer} = "Clinic Nord"')
    names = ["--names", str(tmp_path / "names.toml")]
    assert main(["audit", "--rpc", URL, "--contract", NETWORK.contract, "--json", *names]) == int(not is_clean)
    fields = json.loads(capsys.readouterr().out)
    check(fields)
    assert fields["clean"] is is_clean
    assert len(fields["availability"]) == 5
    assert fields["coin"]["put_down"] == 5 * circle.known.terms.bond
    assert [group["seat"] for group in fields["groups"]] == ([] if is_clean else [4])
    # And people get the same circle in their own words.
    assert main(["audit", "--rpc", URL, "--contract", NETWORK.contract, *names]) == int(not is_clean)
    said = capsys.readouterr().out
    assert said.startswith("clean: no finding in " if is_clean else "not clean: seat 4 (Clinic Nord, 0x")
