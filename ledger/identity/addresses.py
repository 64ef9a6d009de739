"""Addresses of accounts and numbers, as bytes and as a contract encodes them."""

from functools import lru_cache
from typing import Final

from eth_utils.address import to_checksum_address

ADDRESS_BYTES: Final = 20
NOBODY: Final = "0x" + 40 * "0"
"""The address that is nobody's."""


def address_bytes(account: str) -> bytes:
    """Decode an address. account: 0x and 40 hex digits, in any case. Returns 20 bytes. Raises ValueError."""
    decoded = bytes.fromhex(account.removeprefix("0x"))
    if len(decoded) != ADDRESS_BYTES:
        raise ValueError(f"{account[:80]!r} is no address: it has {len(decoded)} bytes, not {ADDRESS_BYTES}")
    return decoded


@lru_cache(maxsize=1024)
def address_text(address: bytes) -> str:
    """20 bytes as an EIP-55 checksummed address; the latest are remembered, as a checksum costs a hash."""
    return str(to_checksum_address(address))


def encode_word(number: int) -> bytes:
    """A number as a contract encodes it: 32 bytes, big-endian."""
    return number.to_bytes(32, "big")


def encode_address(account: str) -> bytes:
    """An account as a contract encodes it: 32 bytes. Raises ValueError."""
    return address_bytes(account).rjust(32, b"\0")
