"""A bundle verifies itself in the page's reader: it finds what the audit finds, and takes no altered file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rlp
from eth_hash.auto import keccak

from ledger.audit.bundle.car_file import write_car
from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import HeaderRow, ScopeRow, SlotProof, State, to_hex
from ledger.audit.bundle.writer import Evidence
from ledger.audit.findings import Check, Report
from ledger.audit.reopening import open_bundle
from ledger.chain.contract.artifact import load_circle_artifact
from ledger.chain.proofs.accounts import SLOTS
from ledger.chain.proofs.items import BadProof
from ledger.chain.proofs.tries import Trie
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


# -------------------------------------------------------------------------------------------- proofs of state


def prove_state(evidence: Evidence) -> tuple[HeaderRow, State]:
    """A header over a state with the circle in it, as the chain would have it, and the proofs."""
    held = dict(zip(SLOTS, [evidence.history + bytes(8), *evidence.reputation_words], strict=True))
    encoded = {slot: rlp.encode(int.from_bytes(word)) for slot, word in held.items() if any(word)}
    storage = Trie({keccak(slot.to_bytes(32, "big")): value for slot, value in encoded.items()})
    account = rlp.encode([1, 0, storage.root, keccak(evidence.circle_code)])
    others = {keccak(bytes([place]) * 20): rlp.encode([place, 0, bytes(32), bytes(32)]) for place in range(1, 40)}
    key = keccak(bytes.fromhex(evidence.network.contract[2:]))
    accounts = Trie({key: account, **others})
    fields = [bytes(32), bytes(32), bytes(20), accounts.root, bytes(32), bytes(32), bytes(256), 0]
    header = rlp.encode([*fields, evidence.block.number, 0, 0, evidence.block.time_s, b"", bytes(32), bytes(8)])
    state = State(
        list(map(to_hex, accounts.show(key))),
        [
            SlotProof(slot, to_hex(held[slot]), list(map(to_hex, storage.show(keccak(slot.to_bytes(32, "big"))))))
            for slot in SLOTS
        ],
    )
    return HeaderRow(evidence.block.number, to_hex(keccak(header)), evidence.block.time_s, to_hex(header)), state


def flip(node: str) -> str:
    """A node with its last bit turned."""
    return node[:-1] + f"{int(node[-1], 16) ^ 1:x}"


def spoil(state: State) -> dict[str, State]:
    """What a maker might write in place of a state's proofs, by name."""
    change = msgspec.structs.replace
    first, *rest = state.storage
    one = f"0x{1:064x}"
    return {
        "a node of the account": change(state, account=[*state.account[:-1], flip(state.account[-1])]),
        "the state's root node": change(state, account=[flip(state.account[0]), *state.account[1:]]),
        "no proof of the account": change(state, account=[]),
        "a node too many": change(state, account=[*state.account, state.account[-1]]),
        "a node of the storage": change(state, storage=[change(first, proof=[*map(flip, first.proof)]), *rest]),
        "a node of the storage too many": change(
            state, storage=[change(first, proof=[*first.proof, first.proof[-1]]), *rest]
        ),
        "another value": change(state, storage=[change(first, value=one), *rest]),
        "another slot's proof": change(state, storage=[change(first, proof=rest[0].proof), *rest]),
        "a slot that is missing": change(state, storage=state.storage[:-1]),
        "a slot twice": change(state, storage=[first, *state.storage]),
        "slots in another order": change(state, storage=[*rest, first]),
        "a slot that nobody asked for": change(state, storage=[first, SlotProof(1, one, first.proof), *rest]),
    }


def test_proofs_of_state_hold_or_the_bundle_is_refused_by_page_and_audit(
    reader: Engine, saved: tuple[Path, Report], tmp_path: Path
) -> None:
    with Bundle(saved[0]) as bundle:
        evidence = read_evidence(bundle)
    block, state = prove_state(evidence)
    proved = tmp_path / "proved.car"
    alter_bundle(saved[0], proved, block=block, state=state)
    said = told(verify(reader, proved.read_bytes()))
    assert (said["block"], said["state"]) == ("right", "right")
    open_bundle(proved, None)[0].close()
    history, words = evidence.history, list(evidence.reputation_words)
    altered: dict[str, dict[str, Any]] = {name: {"state": one} for name, one in spoil(state).items()}
    altered["another running hash"] = {"state": state, "history": bytes([history[0] ^ 1]) + history[1:]}
    altered["another reputation"] = {"state": state, "reputation_words": [bytes(32), *words[1:]]}
    altered["other code"] = {"state": state, "circle_code": evidence.circle_code[:-1] + b"\0"}
    altered["another time"] = {"state": state, "block": msgspec.structs.replace(block, time_s=block.time_s + 1)}
    altered["no header"] = {"state": state, "block": msgspec.structs.replace(block, rlp=None)}
    for name, changes in altered.items():
        path = tmp_path / "altered.car"
        alter_bundle(saved[0], path, **({"block": block} | changes))
        with pytest.raises((BadBundle, BadProof)):
            open_bundle(path, None)
        assert "refused" in verify(reader, path.read_bytes()), name
