"""Reading a bundle: every row and proof comes back, the file's bytes are golden, and what is forged is refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.audit.bundle.car_file import encode_header, encode_section, write_car
from ledger.audit.bundle.facts import check_facts
from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName
from ledger.audit.bundle.offline import BundledBlobs
from ledger.audit.bundle.reader import Bundle
from ledger.audit.bundle.rows import EventRow, ReceiptRow, ScopeRow, State, to_hex
from ledger.audit.bundle.writer import Evidence, add_signature, sign_bundle, write_bundle
from ledger.blobs.cid import RAW
from ledger.blobs.unixfs import build_dag
from ledger.errors import PeerFault
from ledger.fetch.fetcher import Unavailable
from ledger.identity.signing import sign
from tests.support import golden
from tests.support.sample_bundle import (
    BLOB,
    DATA,
    KEY,
    LOST,
    NETWORK,
    NO_BLOB,
    OTHER_BLOB,
    TOPIC,
    make_evidence,
    make_header,
    read_block,
)

pytestmark = pytest.mark.rule("R32.2", "R32.3", "R32.4", "R32.5")

SIGNER = "0x23Ac426b66695c2D3A94b4A4d0d1F2e867772F2b"
CLAIMED = 1_800_000_007


def write(path: Path, **changes: Any) -> BlockName:
    return write_bundle(path, make_evidence(**changes), read_block)


def put_signature(path: Path, key: bytes = KEY, signer: str = SIGNER, claimed_s: int = CLAIMED) -> None:
    with Bundle(path) as bundle:
        block = sign_bundle(NETWORK, bundle.name, claimed_s, signer, lambda message: sign(key, message))
        add_signature(bundle, block)


def test_everything_comes_back(tmp_path: Path) -> None:
    root = write(tmp_path / "b.car")
    evidence = make_evidence()
    with Bundle(tmp_path / "b.car") as bundle:
        assert bundle.name == root
        assert list(bundle.read_events()) == evidence.events
        assert {row.number: row for row in bundle.read_headers()} == evidence.headers
        assert {(row.block, row.index): row for row in bundle.read_receipts()} == evidence.receipts
        assert {(row.block, row.index): row for row in bundle.read_transactions()} == evidence.transactions
        assert bundle.read_state() == evidence.state
        assert bundle.read(bundle.root.manifest.name) == evidence.manifest
        assert bundle.missing == evidence.missing
        for blob in (BLOB, OTHER_BLOB):
            assert bundle.read_blob(build_dag(blob).root, 100) == blob
        with pytest.raises(PeerFault):
            bundle.read_blob(build_dag(NO_BLOB).root, 100)
        with pytest.raises(PeerFault, match="at most 5"):
            bundle.read_blob(build_dag(BLOB).root, 5)
        with pytest.raises(BadBundle, match="neither blob"):
            bundle.read_blob(LOST, 100)


def test_every_proof_in_it_is_held_against_what_it_proves(tmp_path: Path) -> None:
    write(tmp_path / "b.car")
    with Bundle(tmp_path / "b.car") as bundle:
        proved = check_facts(bundle)
    assert (proved.header, proved.state, proved.headers, proved.headers_told) == (True, True, 2, 0)
    # Nothing says that block 7 is the chain's: whoever makes a bundle can make up such a block.
    assert proved.headers_bound == 1
    assert proved.placed == {(7, 0)}
    assert proved.transactions == {make_evidence().transactions[7, 0].hash}


def test_without_proofs_it_is_an_endpoints_word(tmp_path: Path) -> None:
    told = {number: msgspec.structs.replace(row, rlp=None) for number, row in make_evidence().headers.items()}
    plain = msgspec.structs.replace(make_evidence().transactions[7, 0], proof=[], raw=None)
    write(tmp_path / "b.car", block=told[9], headers=told, state=None, receipts={}, transactions={(7, 0): plain})
    with Bundle(tmp_path / "b.car") as bundle:
        proved = check_facts(bundle)
    assert (proved.header, proved.state, proved.headers, proved.headers_told) == (False, False, 0, 2)
    assert (proved.placed, proved.transactions) == (set(), set())


def _state(evidence: Evidence) -> State:
    assert evidence.state is not None
    return evidence.state


def _other_state(evidence: Evidence, **changes: Any) -> State:
    return msgspec.structs.replace(_state(evidence), **changes)


FORGERIES: dict[str, Callable[[Evidence], dict[str, Any]]] = {
    "another time": lambda e: {"block": msgspec.structs.replace(e.block, time_s=5)},
    "another hash": lambda e: {"block": msgspec.structs.replace(e.block, hash=to_hex(bytes(32)))},
    "another header": lambda e: {"headers": {**e.headers, 7: make_header(7)}},
    "a header from later": lambda e: {"headers": {**e.headers, 10: make_header(10)}},
    "a block older than the one before": lambda e: {
        "headers": {**e.headers, 8: msgspec.structs.replace(e.headers[9], number=8, time_s=5, rlp=None)}
    },
    "no header": lambda e: {"headers": {9: e.headers[9]}},
    "other code": lambda _: {"circle_code": b"other code"},
    "another running hash": lambda _: {"history": b"\x01" * 24},
    "another reputation": lambda e: {"reputation_words": [b"\x01" * 32, *e.reputation_words[1:]]},
    "an account's node too few": lambda e: {"state": _other_state(e, account=_state(e).account[:-1])},
    "another word": lambda e: {
        "state": _other_state(
            e,
            storage=[
                msgspec.structs.replace(_state(e).storage[0], value=to_hex(b"\x09" * 32)),
                *_state(e).storage[1:],
            ],
        )
    },
    "a word too few": lambda e: {"state": _other_state(e, storage=_state(e).storage[1:])},
    "another event": lambda e: {
        "events": [
            EventRow(7, 0, e.headers[7].hash, to_hex(bytes(32)), [to_hex(TOPIC)], to_hex(DATA[:-1] + b"\x06"))
        ]
    },
    "an event left out": lambda _: {"events": []},
    "an event of another block": lambda e: {
        "events": [EventRow(7, 0, to_hex(bytes(32)), to_hex(bytes(32)), [to_hex(TOPIC)], to_hex(DATA))]
    },
    "a receipt's place": lambda e: {"receipts": {(7, 1): ReceiptRow(7, 1, e.receipts[7, 0].proof)}},
    "a transaction's input": lambda e: {
        "transactions": {(7, 0): msgspec.structs.replace(e.transactions[7, 0], input="0x00")}
    },
    "a transaction's sender": lambda e: {
        "transactions": {(7, 0): msgspec.structs.replace(e.transactions[7, 0], sender="0x" + "11" * 20)}
    },
    "a transaction's hash": lambda e: {
        "transactions": {(7, 0): msgspec.structs.replace(e.transactions[7, 0], hash=to_hex(bytes(32)))}
    },
    "a transaction's proof": lambda e: {
        "transactions": {(7, 0): msgspec.structs.replace(e.transactions[7, 0], proof=["0xc0"])}
    },
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_fact_that_its_proof_contradicts_is_refused(
    tmp_path: Path, forge: Callable[[Evidence], dict[str, Any]]
) -> None:
    write(tmp_path / "b.car", **forge(make_evidence()))
    with pytest.raises(BadBundle, match=r"b\.car is no proper bundle"), Bundle(tmp_path / "b.car") as bundle:
        check_facts(bundle)


def test_a_blob_that_is_whole_and_called_none_is_refused(tmp_path: Path) -> None:
    root = build_dag(BLOB).root
    write(tmp_path / "b.car", whole=set(), invalid={root: [root]})
    with Bundle(tmp_path / "b.car") as bundle, pytest.raises(BadBundle, match="does not show it"):
        bundle.read_blob(root, 100)


def test_a_blob_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    root = build_dag(BLOB).root
    write(tmp_path / "b.car", missing={root: {"gateway": "lost"}})
    with pytest.raises(BadBundle, match="twice"):
        Bundle(tmp_path / "b.car")


def test_events_out_of_order_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "b.car", events=list(reversed(list(make_evidence().events))))
    with Bundle(tmp_path / "b.car") as bundle, pytest.raises(BadBundle, match="does not ascend"):
        list(bundle.read_events())


def test_signatures_stand_beside_the_root_and_do_not_change_it(tmp_path: Path) -> None:
    root = write(tmp_path / "b.car")
    put_signature(tmp_path / "b.car")
    put_signature(tmp_path / "b.car", claimed_s=CLAIMED + 1)
    with Bundle(tmp_path / "b.car") as bundle:
        assert bundle.name == root
        assert [(one.signer, one.claimed_s) for one in bundle.signatures] == [
            (SIGNER, CLAIMED),
            (SIGNER, CLAIMED + 1),
        ]
        check_facts(bundle)


def test_a_signature_by_another_key_than_it_names_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "b.car")
    put_signature(tmp_path / "b.car", key=bytes(31) + b"\x07")
    with pytest.raises(BadBundle, match="not 0x23ac"):
        Bundle(tmp_path / "b.car")


def test_a_signature_of_another_bundle_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "other.car", scope=ScopeRow(2, None, None))
    write(tmp_path / "b.car")
    with Bundle(tmp_path / "other.car") as other:
        block = sign_bundle(NETWORK, other.name, CLAIMED, SIGNER, lambda message: sign(KEY, message))
    with Bundle(tmp_path / "b.car") as bundle:
        add_signature(bundle, block)
    with pytest.raises(BadBundle, match="of something else"):
        Bundle(tmp_path / "b.car")


def test_a_car_of_somebody_elses_is_told_apart(tmp_path: Path) -> None:
    name = BlockName.of(DAG_JSON, b"{}")
    (tmp_path / "b.car").write_bytes(encode_header([name]) + encode_section(name, b"{}"))
    with pytest.raises(BadBundle, match=r"b\.car is no proper bundle"):
        Bundle(tmp_path / "b.car")


def test_a_bundles_bytes_are_the_same_for_ever(tmp_path: Path) -> None:
    write(tmp_path / "b.car")
    put_signature(tmp_path / "b.car")
    with Bundle(tmp_path / "b.car") as bundle:
        blocks = {name.text: bundle.read(name) for name in bundle.names}
        golden.expect(
            "bundle",
            {
                "file": (tmp_path / "b.car").read_bytes().hex(),
                "roots": [name.text for name in bundle.roots],
                "blocks": list(blocks),
                "root": msgspec.json.decode(blocks[bundle.name.text]),
                "blobs": {digest.hex(): bundle.read_blob(digest, 100).hex() for digest in bundle.blobs},
                "placed": sorted(check_facts(bundle).placed),
                "signed": [[one.signer, one.claimed_s] for one in bundle.signatures],
            },
        )


def test_a_blob_that_is_called_missing_and_is_there_counts_as_there(tmp_path: Path) -> None:
    hidden, lost = build_dag(BLOB).root, {"http://gateway.example": "status 404"}
    write(tmp_path / "a.car", whole=set(), missing={hidden: lost, LOST: lost})
    with Bundle(tmp_path / "a.car") as bundle, (tmp_path / "b.car").open("wb") as file:
        names = [(name, bundle.read(name)) for name in bundle.names]
        write_car(file, bundle.roots, [*names, (BlockName(RAW, hidden), BLOB)])
    with Bundle(tmp_path / "b.car") as bundle:
        fetch = BundledBlobs(bundle).fetch
        assert asyncio.run(fetch(hidden, [], max_bytes=100, timeout_s=1.0)) == BLOB
        with pytest.raises(Unavailable):
            asyncio.run(fetch(LOST, [], max_bytes=100, timeout_s=1.0))
