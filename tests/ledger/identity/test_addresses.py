"""Addresses as bytes: those the library decodes, and nothing else."""

import pytest
from eth_utils.address import to_canonical_address, to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from ledger.identity.addresses import address_bytes


@given(st.binary(min_size=20, max_size=20))
def test_any_spelling_of_an_address_is_its_bytes(account: bytes) -> None:
    spelt = to_checksum_address(account)
    assert address_bytes(spelt) == address_bytes(spelt.lower()) == to_canonical_address(spelt) == account


@pytest.mark.parametrize("text", ["", "0x", "0x" + "ab" * 19, "0x" + "ab" * 21, "0x" + "zz" * 20])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address|non-hexadecimal"):
        address_bytes(text)
