"""A bundle's tables: one spelling, no more fields than there are, and pages that are cut the same every time."""

import pytest

from ledger.audit.bundle.names import DAG_JSON, BadBundle, BlockName
from ledger.audit.bundle.rows import (
    PAGE_BYTES,
    BlobRow,
    HeaderRow,
    Link,
    MissingRow,
    cut_pages,
    decode_block,
    encode_block,
    to_hex,
)

pytestmark = [pytest.mark.rule("R32.2"), pytest.mark.rule("R32.3")]

ROOT = Link.to(BlockName.of(DAG_JSON, b"{}"))
ROW = MissingRow(to_hex(bytes(32)), [("http://gateway.example", 'it said "né"')])


def test_a_row_has_one_spelling() -> None:
    encoded = encode_block(HeaderRow(7, to_hex(bytes(32)), 5, None))
    assert encoded == b'{"hash":"0x' + b"0" * 64 + b'","number":7,"rlp":null,"time_s":5}'
    assert decode_block(encoded, HeaderRow) == HeaderRow(7, to_hex(bytes(32)), 5, None)
    assert decode_block(encode_block([ROW]), list[MissingRow]) == [ROW]


def test_a_link_is_written_as_ipld_has_it() -> None:
    assert encode_block(ROOT) == b'{"/":"' + ROOT.cid.encode() + b'"}'
    assert decode_block(encode_block(ROOT), Link).name == BlockName.of(DAG_JSON, b"{}")


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"[]",
        b'{"number":7}',
        b'{"hash":"0x' + b"0" * 64 + b'","number":7,"rlp":null,"time_s":5 }',
        b'{"number":7,"hash":"0x' + b"0" * 64 + b'","rlp":null,"time_s":5}',
        b'{"hash":"0x' + b"0" * 64 + b'","number":7.0,"rlp":null,"time_s":5}',
        b'{"hash":"0x' + b"0" * 64 + b'","number":7,"rlp":null,"time_s":5,"more":1}',
        b'{"hash":"0x' + b"A" * 64 + b'","number":7,"rlp":null,"time_s":5}',
        b'{"hash":"0x' + b"0" * 64 + b'\\n","number":7,"rlp":null,"time_s":5}',
        b'{"hash":"0x' + b"0" * 64 + b'","number":-7,"rlp":null,"time_s":5}',
        b'{"hash":"0x' + b"0" * 64 + b'","number":9007199254740992,"rlp":null,"time_s":5}',
        b'{"hash":"0x' + b"0" * 64 + b'","number":7,"rlp":"0x0","time_s":5}',
        b"[" * 100_000,
    ],
)
def test_any_other_shape_or_spelling_is_refused(block: bytes) -> None:
    with pytest.raises(BadBundle, match="HeaderRow"):
        decode_block(block, HeaderRow)


def test_pages_are_filled_one_after_the_other_and_hold_the_rows_in_order() -> None:
    rows = [BlobRow(to_hex(number.to_bytes(32, "big")), ROOT) for number in range(5000)]
    pages = list(cut_pages(rows))
    assert [row for page in pages for row in decode_block(page, list[BlobRow])] == rows
    assert all(len(page) <= PAGE_BYTES for page in pages)
    assert all(len(page) + len(encode_block(rows[0])) + 1 > PAGE_BYTES for page in pages[:-1])
    assert list(cut_pages([])) == []
