"""CIDs: the text forms of Kubo and js-ipfs, and nothing but BadCid for anything else."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.blobs.cid import DAG_PB, RAW, BadCid, Cid, cid_of, digest_of, parse_binary, parse_cid

pytestmark = pytest.mark.rule("R6.3")

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
# The same CID of `hello world`, printed by npm multiformats 14.0.5 with its base58btc encoder.
HELLO_BASE58 = "zb2rhj7crUKTQYRGCRATFaQ6YFLTde2YzdqbbhAASkL9uRDXn"

digests = st.binary(min_size=32, max_size=32)
codecs = st.sampled_from([RAW, DAG_PB])


@pytest.mark.parametrize(("content", "text"), [(b"", EMPTY), (b"hello world", HELLO)])
def test_a_raw_block_has_the_name_kubo_gives_it(content: bytes, text: str) -> None:
    assert cid_of(digest_of(content)).text == text
    assert parse_cid(text) == Cid(RAW, hashlib.sha256(content).digest())


def test_base58_names_the_same_block() -> None:
    assert parse_cid(HELLO_BASE58) == parse_cid(HELLO)


@given(codecs, digests)
def test_text_and_bytes_are_inverse_to_their_readers(codec: int, digest: bytes) -> None:
    cid = Cid(codec, digest)
    assert parse_cid(cid.text) == cid
    assert parse_binary(cid.binary) == cid


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "starts with"),
        ("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "starts with"),
        (EMPTY[:-1], "base32"),
        (EMPTY.upper(), "starts with"),
        ("b" + EMPTY[1:].upper(), "canonical"),
        (EMPTY[:-1] + "v", "canonical"),
        ("bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "codec"),
        ("bafkqaaa", "bytes"),
        ("b" + "a" * 200, "characters"),
        ("z0OIl", "base58"),
        ("z" + "1" * 36, "version"),
    ],
)
def test_other_names_are_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(BadCid, match=reason):
        parse_cid(text)


@given(
    st.one_of(st.text(max_size=80), st.text(max_size=70).map("b".__add__), st.text(max_size=70).map("z".__add__))
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadCid):
        assert parse_cid(text).codec in (RAW, DAG_PB)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(BadCid):
        assert parse_binary(data).binary == data
