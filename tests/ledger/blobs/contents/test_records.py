"""The blobs of a round: round trips, golden bytes, and whose blob it is."""

import hashlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.blobs.contents.records import (
    RECORD_MAX_BYTES,
    Genesis,
    InvalidBlob,
    Record,
    RecordEntry,
    Update,
    decode_genesis,
    decode_record,
    decode_update,
    encode_genesis,
    encode_record,
    encode_update,
    state_digest,
    update_max_bytes,
)
from ledger.blobs.unixfs import build_dag
from ledger.circle.manifest import Manifest, Tensor
from ledger.codec import PLAIN, ZSTD, MalformedFrame, blocks_of, max_payload_bytes, quantise
from ledger.errors import PeerFault
from ledger.privacy.statement import PrivacyStatement, make_statement
from tests.support import golden
from tests.support.histories.parts import manifest_of
from tests.support.privacy import TERMS

pytestmark = pytest.mark.rule("R8")

NETWORK, AUTHOR, BASE = b"\x11" * 32, b"\x22" * 20, b"\x33" * 32
MANIFEST = manifest_of(9, 2, layout=(Tensor("w", (5,), 0),), codec=PLAIN, rule_parameters={})
QUANTISED = quantise(np.array([0, 1, -1, 0.5, 3], np.float32), blocks_of(MANIFEST.sizes), PLAIN)
UPDATE = Update(NETWORK, 3, AUTHOR, BASE, PLAIN, QUANTISED.payload, b"", None)
PRIVATE = msgspec.structs.replace(MANIFEST, privacy=TERMS)
STATEMENT = make_statement(TERMS, 3, 1, examples=1000)
STATED = msgspec.structs.replace(UPDATE, privacy=STATEMENT)
RECORD = Record(
    NETWORK,
    3,
    AUTHOR,
    BASE,
    b"\x44" * 32,
    (
        RecordEntry(0, b"\x55" * 32, "accepted", True, {"distance2": "12", "limit2": "1" + "0" * 30}),
        RecordEntry(2, b"\x66" * 32, "unavailable", False, {}),
    ),
    b"\x77" * 32,
    b"\x88" * 32,
    b"",
)


def decoded(blob: bytes, manifest: Manifest = MANIFEST) -> Update:
    return decode_update(blob, manifest, NETWORK, 3, AUTHOR)


def changed(**fields: Any) -> bytes:
    return encode_update(msgspec.structs.replace(UPDATE, **fields))


def array_blob(magic: bytes, values: Any) -> bytes:
    return magic + msgspec.msgpack.encode(values)


digests = st.binary(min_size=32, max_size=32)
entries = st.builds(
    RecordEntry,
    seat=st.integers(0, 255),
    digest=digests,
    verdict=st.sampled_from(["accepted", "rejected", "invalid", "unavailable"]),
    mixed=st.booleans(),
    figures=st.dictionaries(st.text(max_size=9), st.integers(0, 10**40).map(str), max_size=3),
)
records = st.builds(
    Record,
    network=digests,
    round=st.integers(1, 2**32 - 1),
    author=st.binary(min_size=20, max_size=20),
    base=digests,
    update=digests,
    entries=st.lists(entries, max_size=6).map(tuple),
    next_base=digests,
    next_memory=digests,
    checkpoint=st.sampled_from([b"", b"\x99" * 32]),
)


@pytest.mark.rule("R14")
@given(records)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    blob = encode_record(record)
    assert decode_record(blob) == record
    assert encode_record(decode_record(blob)) == blob


@given(st.integers(1, 2**32 - 1), st.binary(max_size=11))
def test_an_update_comes_back_as_it_was(number: int, payload: bytes) -> None:
    update = Update(NETWORK, number, AUTHOR, BASE, PLAIN, payload, b"", None)
    assert decode_update(encode_update(update), MANIFEST, NETWORK, number, AUTHOR) == update


def test_a_genesis_comes_back_as_its_state() -> None:
    blob = encode_genesis(Genesis(PLAIN, QUANTISED.payload))
    assert (decode_genesis(blob, MANIFEST) == QUANTISED.state).all()


def test_blobs_are_the_ones_once_written_down() -> None:
    blobs = {
        "genesis": encode_genesis(Genesis(PLAIN, QUANTISED.payload)),
        "update": encode_update(UPDATE),
        "private update": encode_update(STATED),
        "record": encode_record(RECORD),
    }
    found = {name: {"blob": blob.hex(), "digest": build_dag(blob).root.hex()} for name, blob in blobs.items()}
    golden.expect("records", found | {"state_digest": state_digest(QUANTISED.state).hex()})


def test_a_states_digest_is_that_of_little_endian_int32_whatever_its_layout_in_memory() -> None:
    values = np.arange(-6, 6, dtype=np.int32)
    expected = hashlib.sha256(b"".join(int(v).to_bytes(4, "little", signed=True) for v in values)).digest()
    assert state_digest(values) == expected
    assert state_digest(values.astype(">i4")) == expected
    assert state_digest(np.repeat(values, 2)[::2]) == expected


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"network": b"\x12" * 32}, "another network"),
        ({"network": b""}, "another network"),
        ({"round": 4}, "names round 4, it is anchored for 3"),
        ({"round": -3}, "names round -3"),
        ({"author": b"\x23" * 20}, "names author 2323"),
        ({"author": b""}, "names author"),
        ({"base": b"\x33" * 31}, "31 bytes"),
        ({"base": b""}, "0 bytes"),
        ({"codec": ZSTD}, "codec is 'int8-zstd', the circle's is 'int8'"),
        ({"codec": ""}, "codec"),
    ],
)
def test_an_update_for_anything_else_is_refused_with_the_reason(
    fields: dict[str, bytes | int | str], says: str
) -> None:
    with pytest.raises(InvalidBlob, match=says):
        decoded(changed(**fields))


@pytest.mark.parametrize(
    ("blob", "says"),
    [
        (b"", "begins with"),
        (b"FMU", "begins with"),
        (b"FMU3", "does not parse"),
        (b"FMU1" + encode_update(UPDATE)[4:], "begins with"),
        (encode_record(RECORD), "begins with"),
        (encode_update(UPDATE)[:-1], "does not parse"),
        (encode_update(UPDATE) + b"\0", "does not parse"),
        (array_blob(b"FMU3", [NETWORK, 3, AUTHOR, BASE, PLAIN, b"", b"", None, b"surplus"]), "does not parse"),
        (array_blob(b"FMU3", [NETWORK, 3, AUTHOR, BASE, PLAIN, b"", b""]), "does not parse"),
        (array_blob(b"FMU3", [NETWORK, "3", AUTHOR, BASE, PLAIN, b"", b"", None]), "does not parse"),
        (array_blob(b"FMU3", [NETWORK, 3.0, AUTHOR, BASE, PLAIN, b"", b"", None]), "does not parse"),
        (array_blob(b"FMU3", {"network": NETWORK}), "does not parse"),
        (array_blob(b"FMU3", [NETWORK, 3, AUTHOR, BASE, PLAIN, b"", b"", []]), "does not parse"),
        (
            array_blob(b"FMU3", [NETWORK, 3, AUTHOR, BASE, PLAIN, b"", b"", [0, 0, 0, 0, "2", 1, 0]]),
            "does not parse",
        ),
        (
            array_blob(b"FMU3", [NETWORK, 3, AUTHOR, BASE, PLAIN, b"", b"", [0, 0, 0, 0, "2", 1.0]]),
            "does not parse",
        ),
        (array_blob(b"FMU3", [NETWORK, 3, AUTHOR, BASE, PLAIN, b"", b"", [0, 0, 0, 0, 2, 1]]), "does not parse"),
        (b"FMU3" + b"\x91" * 120, "does not parse"),
        (b"FMU3\x96\xc6\xff\xff\xff\xff", "does not parse"),
        (b"FMU3\xdd\xff\xff\xff\xff", "does not parse"),
        (b"FMU3\x96\xc4\x00\x03\xc4\x00\xc4\x00\xa2\xff\xfe\xc4\x00", "does not parse"),
    ],
)
def test_bytes_that_are_no_update_are_refused(blob: bytes, says: str) -> None:
    with pytest.raises(InvalidBlob, match=says):
        decoded(blob)


@pytest.mark.rule("R30.3")
def test_an_update_states_what_it_spends_exactly_where_the_circle_has_terms_for_it() -> None:
    assert decoded(encode_update(STATED), PRIVATE) == STATED
    with pytest.raises(InvalidBlob, match="no privacy statement, and the circle has"):
        decoded(encode_update(UPDATE), PRIVATE)
    with pytest.raises(InvalidBlob, match="a privacy statement, and the circle has no"):
        decoded(encode_update(STATED))


@pytest.mark.rule("R30.3")
def test_an_update_that_says_less_than_it_spends_is_refused_with_both_figures() -> None:
    said, spent = STATEMENT.epsilon_milli - 1, STATEMENT.epsilon_milli
    liar = msgspec.structs.replace(STATEMENT, epsilon_milli=said)
    with pytest.raises(InvalidBlob, match=f"says that ε {said} milli is spent, it is {spent}"):
        decoded(changed(privacy=liar), PRIVATE)


@pytest.mark.rule("R7")
def test_an_oversize_blob_is_refused_before_it_is_parsed() -> None:
    limit = update_max_bytes(MANIFEST)
    with pytest.raises(InvalidBlob, match=f"the task allows {limit}"):
        decoded(b"FMU3" + bytes(limit))
    with pytest.raises(InvalidBlob, match="the task allows"):
        decode_record(b"FMR3" + bytes(RECORD_MAX_BYTES))
    with pytest.raises(InvalidBlob, match="the task allows"):
        decode_genesis(b"FMG1" + bytes(limit), MANIFEST)


@pytest.mark.rule("R7")
def test_the_largest_honest_update_fits() -> None:
    longest_statement = PrivacyStatement(2**63, 2**63, 2**63, 2**63, "9" * 20, 2**63)
    longest = Update(
        NETWORK,
        2**63,
        AUTHOR,
        BASE,
        ZSTD,
        bytes(max_payload_bytes(blocks_of(MANIFEST.sizes))),
        bytes(32),
        longest_statement,
    )
    assert len(encode_update(longest)) <= update_max_bytes(MANIFEST)


@pytest.mark.rule("R7")
def test_a_record_of_the_largest_circle_fits() -> None:
    figures = {"distance2": "9" * 25, "limit2": "9" * 25}
    full = tuple(RecordEntry(seat, b"\x55" * 32, "unavailable", True, figures) for seat in range(255))
    assert len(encode_record(msgspec.structs.replace(RECORD, entries=full))) <= RECORD_MAX_BYTES


@pytest.mark.parametrize("field", ["author", "codec"])
def test_a_fault_does_not_repeat_a_field_that_fills_the_blob(field: str) -> None:
    """It would be doubled in memory by the hex, and again in every log and finding."""
    wide = msgspec.structs.replace(MANIFEST, layout=(Tensor("w", (10**6,), 0),))
    value = b"\xee" * 900_000 if field == "author" else "x" * 900_000
    with pytest.raises(InvalidBlob) as fault:
        decoded(changed(**{field: value}), wide)
    assert len(str(fault.value)) < 300


def test_a_genesis_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedFrame):
        decode_genesis(encode_genesis(Genesis(PLAIN, bytes(7))), MANIFEST)


@given(st.binary(max_size=200), st.sampled_from([b"FMU3", b"FMR3", b"FMG1", b""]))
def test_any_bytes_are_a_blob_or_a_fault(body: bytes, magic: bytes) -> None:
    for decode in (decoded, decode_record, lambda blob: decode_genesis(blob, MANIFEST)):
        try:
            decode(magic + body)
        except PeerFault:
            continue


@given(st.data())
def test_mutated_blobs_are_a_blob_or_a_fault(data: st.DataObject) -> None:
    blob = bytearray(data.draw(st.sampled_from([encode_update(UPDATE), encode_record(RECORD)])))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(blob) - 1))
        blob[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    for decode in (decoded, decode_record, lambda b: decode_genesis(b, MANIFEST)):
        try:
            decode(bytes(blob))
        except PeerFault:
            continue
