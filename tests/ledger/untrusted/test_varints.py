"""Numbers in as few bytes as they take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.untrusted.varints import encode_varint, read_varint


@given(st.integers(0, 2**70 - 1), st.binary(max_size=3))
def test_a_number_comes_back_and_what_follows_it_is_left(number: int, rest: bytes) -> None:
    encoded = encode_varint(number)
    assert len(encoded) == max(1, -(-number.bit_length() // 7))
    assert read_varint(b"ab" + encoded + rest, 2, 10) == (number, 2 + len(encoded))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff\xff", b"\x80\x80\x80\x01"])
def test_what_is_cut_off_or_too_long_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut off or longer than 3 bytes at byte 0"):
        read_varint(data, 0, 3)
