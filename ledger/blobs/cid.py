"""The names of blocks: CIDv1 with sha2-256, in base32 and base58btc.

Source: multiformats/cid, multiformats/multibase. Only what a Folkmoot blob can be made of is accepted.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from ledger.errors import PeerFault

RAW = 0x55
DAG_PB = 0x70
DIGEST_BYTES = 32
CID_BYTES = 36
# Base58 of 36 bytes is at most 50 characters, base32 is 58; one more for the multibase prefix.
CID_TEXT_MAX = 60

_SHA2_256 = bytes([0x12, DIGEST_BYTES])
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class BadCid(PeerFault):
    """The text or bytes name no sha2-256 block of codec raw or dag-pb."""


@dataclass(frozen=True)
class Cid:
    """One block's name."""

    codec: int
    """RAW or DAG_PB."""
    digest: bytes
    """32 bytes, sha2-256 of the block."""

    def __post_init__(self) -> None:
        if self.codec not in (RAW, DAG_PB) or len(self.digest) != DIGEST_BYTES:
            raise ValueError(f"no CID has codec {self.codec:#x} and a digest of {len(self.digest)} bytes here")

    @property
    def binary(self) -> bytes:
        """36 bytes: version 1, codec, multihash."""
        return bytes([1, self.codec]) + _SHA2_256 + self.digest

    @property
    def text(self) -> str:
        """Base32, lower case, prefix `b`: 59 characters, as Kubo prints it."""
        return "b" + base64.b32encode(self.binary).decode().rstrip("=").lower()


def cid_of(digest: bytes, codec: int = RAW) -> Cid:
    """The name of the block with this digest. Raises ValueError if the digest is not 32 bytes (R6.3)."""
    return Cid(codec, digest)


def digest_of(block: bytes) -> bytes:
    """sha2-256 of a block, 32 bytes."""
    return hashlib.sha256(block).digest()


@lru_cache(maxsize=1024)
def parse_cid(text: str) -> Cid:
    """Read a CIDv1 in base32 (`b…`) or base58btc (`z…`). Raises BadCid with the reason."""
    if len(text) > CID_TEXT_MAX:
        raise BadCid(f"a CID here has at most {CID_TEXT_MAX} characters, got {len(text)}")
    if text.startswith("b"):
        return parse_binary(_from_base32(text))
    if text.startswith("z"):
        return parse_binary(_from_base58(text[1:]))
    raise BadCid(f"a CID here starts with b (base32) or z (base58btc), got {text[:8]!r}")


def parse_binary(data: bytes) -> Cid:
    """Read the 36 bytes of a CIDv1. Raises BadCid with the reason."""
    if len(data) != CID_BYTES:
        raise BadCid(f"a sha2-256 CIDv1 is {CID_BYTES} bytes, got {len(data)}")
    version, codec, multihash = data[0], data[1], data[2:4]
    if version != 1:
        raise BadCid(f"the CID's version is 1, got {version}")
    if codec not in (RAW, DAG_PB):
        raise BadCid(f"the CID's codec is raw (0x55) or dag-pb (0x70), got {codec:#x}")
    if multihash != _SHA2_256:
        raise BadCid(f"the CID's multihash is sha2-256 (1220), got {multihash.hex()}")
    return Cid(codec, data[4:])


def _from_base32(text: str) -> bytes:
    body = text[1:]
    try:
        data = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except ValueError as error:  # binascii.Error and non-ASCII text
        raise BadCid(f"not base32: {text[:16]!r}") from error
    # One block, one name: no upper case, and no stray bits behind the last byte.
    if base64.b32encode(data).decode().rstrip("=").lower() != body:
        raise BadCid(f"not canonical base32: {text[:16]!r}")
    return data


def _from_base58(body: str) -> bytes:
    number = 0
    for character in body:
        value = _BASE58.find(character)
        if value < 0:
            raise BadCid(f"not base58btc: {character!r}")
        number = number * 58 + value
    zeros = len(body) - len(body.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
