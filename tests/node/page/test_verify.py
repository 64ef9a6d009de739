"""A bundle verifies itself in the page's reader: it finds what the audit finds, and takes no altered file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eth_hash.auto import keccak

from ledger.audit.bundle.car_file import write_car
from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import ScopeRow
from ledger.audit.findings import Check, Report
from ledger.audit.reopening import open_bundle
from ledger.chain.contract.artifact import load_circle_artifact
from tests.support.altered_bundle import alter_bundle, read_evidence
from tests.support.javascript import Engine, run_reader
from tests.support.saved_bundle import LIAR, make_circle, save_bundle

pytestmark = pytest.mark.rule("R32")


@pytest.fixture(scope="module")
def reader() -> Iterator[Engine]:
    with run_reader() as engine:
        yield engine


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    path = tmp_path_factory.mktemp("bundle") / "circle.car"
    return path, save_bundle(path, make_circle())


def verify(reader: Engine, file: bytes) -> Any:
    artifact = load_circle_artifact()
    runtime = bytes.fromhex(artifact.runtime[2:])
    known = {
        "runtime": keccak(runtime).hex(),
        "runtimeBytes": len(runtime),
        "court": keccak(artifact.court_code).hex(),
    }
    body = """
    try { return await verifyBundle(fromHex(file), known); }
    catch (error) { if (!(error instanceof Fault)) throw error; return { refused: error.message }; }
    """
    return reader.wait_for(body, file=file.hex(), known=known)


def told(found: Any) -> dict[str, str]:
    return {line["what"]: line["is"] for line in found["lines"]}


def test_it_finds_the_false_verdicts_that_the_audit_finds_and_nothing_else(
    reader: Engine, saved: tuple[Path, Report]
) -> None:
    path, report = saved
    found = verify(reader, path.read_bytes())
    wanted = [(one.round, one.seat) for one in report.findings if one.check == Check.VERDICTS]
    assert [(one["round"], one["judge"]) for one in found["findings"]] == wanted == [(n, LIAR) for n in (1, 2, 3)]
    assert len(report.findings) == found["findingCount"] == 3
    expected = {"blocks": "right", "code": "right", "history": "right", "reputations": "right", "records": "right"}
    assert expected.items() <= told(found).items()
    assert told(found)["verdicts"] == "wrong"
    assert not found["isClean"]


def test_an_honest_circles_bundle_is_clean(reader: Engine, tmp_path: Path) -> None:
    report = save_bundle(tmp_path / "circle.car", make_circle(has_liar=False))
    found = verify(reader, (tmp_path / "circle.car").read_bytes())
    assert report.clean
    assert found["isClean"]
    assert (found["contract"], found["block"]["number"]) == (report.contract.lower(), report.head)


def test_under_a_rule_that_it_does_not_know_it_says_that_verdicts_were_not_recomputed(
    reader: Engine, tmp_path: Path
) -> None:
    save_bundle(tmp_path / "circle.car", make_circle(has_liar=False, rule="tether", rule_parameters={}))
    found = verify(reader, (tmp_path / "circle.car").read_bytes())
    said = {line["what"]: line for line in found["lines"]}
    assert said["verdicts"]["is"] == "unknown"
    assert "not recomputed by this page under rule tether" in said["verdicts"]["said"]
    assert (said["history"]["is"], said["reputations"]["is"]) == ("right", "right")


def test_a_file_that_was_altered_anywhere_or_cut_off_is_refused(reader: Engine, saved: tuple[Path, Report]) -> None:
    file = saved[0].read_bytes()
    for place in range(70, len(file), len(file) // 12):
        altered = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
        assert "refused" in verify(reader, altered), place
    assert "refused" in verify(reader, file[:-1])
    assert "refused" in verify(reader, file[:1000])


def test_a_bundle_of_few_rounds_is_not_called_right_in_those_before(
    reader: Engine, saved: tuple[Path, Report], tmp_path: Path
) -> None:
    for first, verdicts in ((3, "wrong"), (4, "unknown")):
        alter_bundle(saved[0], tmp_path / "few.car", scope=ScopeRow(first, None, None))
        said = told(verify(reader, (tmp_path / "few.car").read_bytes()))
        assert (said["rounds before"], said["verdicts"]) == ("unknown", verdicts)


def test_without_a_header_it_says_that_the_chains_part_is_an_endpoints_word(
    reader: Engine, saved: tuple[Path, Report]
) -> None:
    said = told(verify(reader, saved[0].read_bytes()))
    assert (said["block"], said["state"]) == ("unknown", "unknown")


def test_a_root_in_another_spelling_or_with_another_field_is_refused(
    reader: Engine, saved: tuple[Path, Report], tmp_path: Path
) -> None:
    with Bundle(saved[0]) as bundle:
        root = bundle.read(bundle.name)
        for altered in (
            root.replace(b'"version":1', b'"version":1.0'),
            root.replace(b'{"blobs":', b'{"a":1,"blobs":'),
            root.replace(b'"chain_id":', b'"chain_id":1,"chain_id":'),
            b"[" * 100_000,
        ):
            name, names = BlockName.of(DAG_JSON, altered), list(bundle.names)
            with (tmp_path / "spelt.car").open("wb") as file:
                write_car(file, [name], [(name, altered), *((one, bundle.read(one)) for one in names[1:])])
            assert "refused" in verify(reader, (tmp_path / "spelt.car").read_bytes())


def test_events_out_of_order_or_later_than_the_block_are_wrong(
    reader: Engine, saved: tuple[Path, Report], tmp_path: Path
) -> None:
    with Bundle(saved[0]) as bundle:
        evidence = read_evidence(bundle)
    events = list(evidence.events)
    block = msgspec.structs.replace(evidence.block, number=evidence.block.number - 1)
    for changes in ({"events": [*events[:9], events[8], *events[9:]]}, {"block": block}):
        alter_bundle(saved[0], tmp_path / "order.car", **changes)
        assert told(verify(reader, (tmp_path / "order.car").read_bytes()))["history"] == "wrong"
        with pytest.raises(BadBundle):
            open_bundle(tmp_path / "order.car", None)
