"""The task manifest: canonical bytes, limits, and JSON from somebody who means harm."""

import contextlib
import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.circle.draw import MAX_DEGREE
from ledger.circle.manifest import (
    MANIFEST_MAX_BYTES,
    MAX_CHECKPOINT_EVERY,
    MAX_DIMENSIONS,
    MAX_EXPONENT,
    MAX_PARAMETERS,
    MIN_EXPONENT,
    MalformedManifest,
    Manifest,
    Origin,
    Tensor,
    check_manifest,
    decode_manifest,
    manifest_digest,
)
from ledger.circle.verdict_word import MAX_ROUND
from ledger.codec import CODECS
from ledger.privacy.terms import PrivacyTerms
from tests.support import golden
from tests.support.privacy import TERMS

pytestmark = pytest.mark.rule("R3.2")

FIELDS = {
    "version": 1,
    "task": "fashion-mnist",
    "task_options": {"seed": 7, "alpha": 0.5, "split": "skewed"},
    "layout": [["fc1.bias", [10], 0], ["fc1.weight", [10, 784], 0], ["scale", [], -3]],
    "genesis": "0f" * 32,
    "codec": "int8-zstd",
    "degree": 4,
    "rule": "balance",
    "rule_parameters": {"kappa_milli": 500, "gamma_milli": 300},
    "rounds": 20,
    "frozen": "ab" * 32,
    "frozen_marks": "abab0f0f",
    "checkpoint_every": 16,
}


def text(**changed: Any) -> bytes:
    return json.dumps(FIELDS | changed).encode()


names = st.text(st.characters(codec="utf-8"), max_size=20)
option_names = st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name != "data")
options = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | names
exponents = st.integers(MIN_EXPONENT, MAX_EXPONENT)
shapes = st.lists(st.integers(1, 9), max_size=4).map(tuple)
manifests = st.builds(
    Manifest,
    version=st.just(1),
    task=st.from_regex(r"[\w.-]{1,128}", fullmatch=True),
    task_options=st.dictionaries(option_names, options, max_size=4),
    layout=st.lists(
        st.builds(Tensor, names, shapes, exponents), min_size=1, max_size=6, unique_by=lambda one: one.name
    ).map(lambda tensors: tuple(sorted(tensors, key=lambda one: one.name))),
    genesis=st.binary(min_size=32, max_size=32).map(bytes.hex),
    codec=st.sampled_from(CODECS),
    degree=st.integers(1, MAX_DEGREE),
    rule=st.just("balance"),
    rule_parameters=st.dictionaries(st.sampled_from(["gamma_milli", "kappa_milli"]), st.integers(1, 10**5)),
    rounds=st.integers(1, MAX_ROUND),
    frozen=st.just("cd" * 32),
    frozen_marks=st.binary(min_size=2, max_size=40).map(lambda raw: raw[: len(raw) // 2 * 2].hex()),
    checkpoint_every=st.integers(1, MAX_CHECKPOINT_EVERY),
)


@given(manifests)
def test_what_is_encoded_is_what_is_decoded(manifest: Manifest) -> None:
    encoded = manifest.encode()
    assert decode_manifest(encoded) == manifest
    assert decode_manifest(encoded).encode() == encoded


def test_the_bytes_do_not_depend_on_the_order_of_the_keys() -> None:
    first, other = decode_manifest(text()), decode_manifest(json.dumps(dict(reversed(FIELDS.items()))).encode())
    assert first.encode() == other.encode()
    swapped = msgspec.structs.replace(first, rule_parameters=dict(reversed(first.rule_parameters.items())))
    assert swapped.encode() == first.encode()


def test_bytes_and_digest_are_the_ones_once_written_down() -> None:
    encoded = decode_manifest(text()).encode()
    assert manifest_digest(encoded) == hashlib.sha256(encoded).digest()
    golden.expect("manifest", {"encoded": encoded.decode(), "digest": manifest_digest(encoded).hex()})


def test_the_number_of_parameters_is_that_of_the_layout() -> None:
    assert decode_manifest(text()).state_size == 10 + 7840 + 1
    assert decode_manifest(text()).genesis_digest == b"\x0f" * 32


def test_an_empty_tensor_and_a_scalar_are_tensors() -> None:
    manifest = decode_manifest(text(layout=[["empty", [0, 5], 0], ["scalar", [], 0]]))
    assert manifest.state_size == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"version": 2}, "version 2"),
        ({"version": True}, "does not parse"),
        ({"checkpoint_every": 0}, "a checkpoint every 0 rounds is not in 1..256"),
        ({"checkpoint_every": 257}, "a checkpoint every 257 rounds is not in 1..256"),
        ({"task": ""}, "task"),
        ({"task": "x" * 129}, "task"),
        ({"task": "\x1b[2J"}, "task"),
        ({"task": "[bold]x[/bold]"}, "task"),
        ({"task": "../../etc/passwd"}, "task"),
        ({"layout": []}, "0 parameters"),
        ({"layout": [["a", [0], 0]]}, "0 parameters"),
        ({"layout": [["a", [-1, -3], 0]]}, "dimension"),
        ({"layout": [["a", [0, -3], 0]]}, "dimension"),
        ({"layout": [["a", [MAX_PARAMETERS + 1], 0]]}, "dimension"),
        ({"layout": [["a", [MAX_PARAMETERS], 0], ["b", [1], 0]]}, "parameters"),
        ({"layout": [["a", [2**14, 2**15], 0]]}, "parameters"),
        ({"layout": [["a", [1] * (MAX_DIMENSIONS + 1), 0]]}, "dimensions"),
        ({"layout": [["a", [MAX_PARAMETERS] * MAX_DIMENSIONS, 0]]}, "parameters"),
        ({"layout": [["a", [10**3000, 10**3000], 0]]}, "dimension"),
        ({"layout": [["a", [2**62] * 700, 0]]}, "dimensions"),
        ({"layout": [["a", [1.5]]]}, "does not parse"),
        ({"layout": [["a"]]}, "does not parse"),
        ({"layout": [["a", [1]]]}, "does not parse"),
        ({"layout": [["a", [1], 2, 3]]}, "does not parse"),
        ({"layout": [["a", [1], 0.0]]}, "does not parse"),
        ({"layout": [["a", [1], None]]}, "does not parse"),
        ({"layout": [["a", [1], MAX_EXPONENT + 1]]}, "exponent"),
        ({"layout": [["b", [1], 0], ["a", [1], MIN_EXPONENT - 1]]}, "exponent"),
        ({"layout": [["a", [1], 10**3000]]}, "exponent"),
        ({"layout": [["a", [1], 0], ["a", [1], 0]]}, "ascend"),
        ({"layout": [["b", [1], 0], ["a", [1], 0]]}, "ascend"),
        ({"genesis": ""}, "genesis"),
        ({"genesis": "0F" * 32}, "genesis"),
        ({"genesis": "0f" * 32 + "\n"}, "genesis"),
        ({"genesis": "0f" * 31}, "genesis"),
        ({"degree": 0}, "degree"),
        ({"degree": MAX_DEGREE + 1}, "degree"),
        ({"degree": -(10**1000)}, "degree"),
        ({"rounds": 0}, "rounds"),
        ({"rounds": MAX_ROUND + 1}, "rounds"),
        ({"rounds": 10**4000}, "rounds"),
        ({"rule_parameters": {"gamma_milli": 1.5}}, "does not parse"),
        ({"rule_parameters": {"gamma_milli": None}}, "does not parse"),
        ({"surprise": 1}, "does not parse"),
        ({"task_options": {"a": [1]}}, "does not parse"),
        ({"task_options": {"a": True}}, "does not parse"),
        ({"task_options": {"data": "/etc/passwd"}}, "task option 'data'"),
        ({"task_options": {"a b": 1}}, "task option 'a b'"),
        ({"task_options": {"a" * 65: 1}}, "is no name"),
        ({"task_options": {f"a{place}": 1 for place in range(65)}}, "65 task options"),
        ({"task_options": {"epochs": 10**18}}, "no integer within"),
        ({"task_options": {"schema": "x" * 8193}}, "longer than 8192 bytes"),
        ({"task_options": {"seed": "x"}}, "seed"),
        ({"task_options": {"seed": -1}}, "seed"),
        ({"task_options": {"seed": 1.5}}, "seed"),
        ({"task_options": {"seed": 2**32}}, "seed"),
        ({"task_options": {"skew": "much"}}, "skew"),
        ({"task_options": {"samples": -1}}, "samples"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused_with_the_reason(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(MalformedManifest, match=says):
        decode_manifest(text(**changed))


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_is_required(field: str) -> None:
    with pytest.raises(MalformedManifest, match=field):
        decode_manifest(json.dumps({name: value for name, value in FIELDS.items() if name != field}).encode())


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe{}",
        b'{"version":1e400}',
        b'{"version":NaN}',
        text() + b"{}",
        text().replace(b": 20", b": " + b"9" * 6000),
        text(task="x" * 100).replace(b"x" * 100, b"\xc3\x28"),
        text(task="x" * 100).replace(b"x" * 100, b"\\ud800"),
        b'{"version":' + b"[" * 16000,
        b'{"version":' + b'["]",' * 3000,
        b'{"task_options":{"a":' + b'{"a":' * 3000,
    ],
    ids=["empty", "null", "list", "bom", "1e400", "nan", "two", "long", "utf8", "half", "deep", "hidden", "deeper"],
)  # fmt: skip
def test_json_that_is_none_is_refused(encoded: bytes) -> None:
    with pytest.raises(MalformedManifest, match="does not parse"):
        decode_manifest(encoded)


PRIVATE = msgspec.to_builtins(TERMS)


@pytest.mark.rule("R30.1")
def test_privacy_terms_stand_in_the_manifest_and_under_its_digest() -> None:
    manifest = decode_manifest(text(privacy=PRIVATE))
    assert manifest.privacy == TERMS
    encoded = manifest.encode()
    assert decode_manifest(encoded) == manifest
    golden.expect("manifest_private", {"encoded": encoded.decode(), "digest": manifest_digest(encoded).hex()})


@pytest.mark.rule("R30.1")
def test_a_circle_without_privacy_terms_has_no_such_field() -> None:
    assert b"privacy" not in decode_manifest(text()).encode()
    assert decode_manifest(text(privacy=None)).encode() == decode_manifest(text()).encode()


@pytest.mark.rule("R30.1")
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"sigma": 1.958}, "does not parse"),
        ({"sigma": "1.9580"}, "the manifest's privacy's sigma 1.9580 is not in its canonical form, 1.958"),
        ({"delta": "1e-999999999"}, "is no decimal number"),
        ({"epsilon_milli": 8000.5}, "does not parse"),
        ({"epsilon_milli": 0}, "the manifest's privacy's epsilon_milli 0 is not in"),
        ({"noise": "none"}, "does not parse"),
    ],
)
def test_privacy_terms_that_cannot_be_are_refused_with_the_reason(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(MalformedManifest, match=says):
        decode_manifest(text(privacy=PRIVATE | changed))


@pytest.mark.parametrize("field", sorted(PrivacyTerms.__struct_fields__))
def test_every_privacy_term_is_required(field: str) -> None:
    with pytest.raises(MalformedManifest, match=field):
        decode_manifest(text(privacy={name: value for name, value in PRIVATE.items() if name != field}))


ORIGIN = {"chain_id": 31337, "contract": "0x" + 40 * "a", "round": 7}


@pytest.mark.rule("R31")
def test_where_a_circle_comes_from_stands_in_the_manifest_and_nowhere_else() -> None:
    manifest = decode_manifest(text(origin=ORIGIN))
    assert manifest.origin == Origin(chain_id=31337, contract="0x" + 40 * "a", round=7)
    encoded = manifest.encode()
    assert decode_manifest(encoded) == manifest
    golden.expect("manifest_origin", {"encoded": encoded.decode(), "digest": manifest_digest(encoded).hex()})
    assert b"origin" not in decode_manifest(text()).encode()
    assert decode_manifest(text(origin=None)).encode() == decode_manifest(text()).encode()


@pytest.mark.rule("R31")
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"chain_id": 0}, "the origin's chain id 0 is not in"),
        ({"chain_id": 1 << 53}, "the origin's chain id 9007199254740992 is not in"),
        ({"contract": "0x" + 40 * "A"}, "40 lower-case hex digits"),
        ({"contract": "0x" + 39 * "a"}, "40 lower-case hex digits"),
        ({"contract": "0x" + 40 * "a" + "\n"}, "40 lower-case hex digits"),
        ({"round": -1}, "the origin's round -1 is not in"),
        ({"round": 1 << 21}, "the origin's round 2097152 is not in"),
        ({"block": 1}, "does not parse"),
        ({"round": "7"}, "does not parse"),
    ],
)
def test_an_origin_that_cannot_be_is_refused_with_the_reason(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(MalformedManifest, match=says):
        decode_manifest(text(origin=ORIGIN | changed))


def test_size_is_checked_before_parsing() -> None:
    with pytest.raises(MalformedManifest, match="above 16384"):
        decode_manifest(b" " * (MANIFEST_MAX_BYTES + 1))
    padded = text().ljust(MANIFEST_MAX_BYTES)
    assert decode_manifest(padded) == decode_manifest(text())


def test_a_manifest_too_large_for_the_chain_is_not_encoded() -> None:
    huge = msgspec.structs.replace(decode_manifest(text()), task_options={"x": "y" * MANIFEST_MAX_BYTES})
    with pytest.raises(ValueError, match="a circle holds 16384"):
        huge.encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_a_fault(encoded: bytes) -> None:
    with contextlib.suppress(MalformedManifest):
        decode_manifest(encoded)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*sorted(FIELDS), "privacy"]), json_values, min_size=1, max_size=3))
def test_any_values_in_any_fields_are_a_manifest_or_a_fault(changed: dict[str, Any]) -> None:
    try:
        manifest = decode_manifest(text(**changed))
    except MalformedManifest:
        return
    check_manifest(manifest)
    assert 1 <= manifest.state_size <= MAX_PARAMETERS


@given(st.data())
def test_mutated_manifests_are_a_manifest_or_a_fault(data: st.DataObject) -> None:
    encoded = bytearray(text())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(encoded) - 1))
        encoded[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(MalformedManifest):
        decode_manifest(bytes(encoded))
