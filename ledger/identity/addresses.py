"""Addresses of accounts, as bytes."""

from typing import Final

ADDRESS_BYTES: Final = 20


def address_bytes(account: str) -> bytes:
    """Decode an address. account: 0x and 40 hex digits, in any case. Returns 20 bytes. Raises ValueError."""
    decoded = bytes.fromhex(account.removeprefix("0x"))
    if len(decoded) != ADDRESS_BYTES:
        raise ValueError(f"{account[:80]!r} is no address: it has {len(decoded)} bytes, not {ADDRESS_BYTES}")
    return decoded
