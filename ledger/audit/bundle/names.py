"""Names of blocks in a bundle: CIDv1 with sha2-256, of codec raw, dag-pb or dag-json (R32.1)."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from ledger.blobs.cid import DAG_PB, DIGEST_BYTES, RAW
from ledger.errors import SetupError

DAG_JSON: Final = 0x0129
_PREFIXES: Final = {
    RAW: bytes([1, RAW, 0x12, DIGEST_BYTES]),
    DAG_PB: bytes([1, DAG_PB, 0x12, DIGEST_BYTES]),
    DAG_JSON: bytes([1, 0xA9, 0x02, 0x12, DIGEST_BYTES]),
}
# Base32 of 36 or 37 bytes, and the multibase prefix.
_TEXT_MAX: Final = 61


class BadBundle(SetupError):
    """The file is no bundle, or not the whole and unaltered one that somebody made."""


@dataclass(frozen=True)
class BlockName:
    """One block's name."""

    codec: int
    """RAW, DAG_PB or DAG_JSON."""
    digest: bytes
    """32 bytes, sha2-256 of the block."""

    @classmethod
    def of(cls, codec: int, block: bytes) -> "BlockName":
        """The name of these bytes."""
        return cls(codec, hashlib.sha256(block).digest())

    @property
    def binary(self) -> bytes:
        """36 bytes, of codec dag-json 37."""
        return _PREFIXES[self.codec] + self.digest

    @property
    def text(self) -> str:
        """Base32, lower case, prefix `b`."""
        return "b" + base64.b32encode(self.binary).decode().rstrip("=").lower()


def take_name(data: bytes) -> tuple[BlockName, int]:
    """The name that bytes begin with, and how long it is. Raises BadBundle."""
    for codec, prefix in _PREFIXES.items():
        end = len(prefix) + DIGEST_BYTES
        if data.startswith(prefix) and len(data) >= end:
            return BlockName(codec, bytes(data[len(prefix) : end])), end
    raise BadBundle(f"a block's name begins with {data[:5].hex()}, which is no CID of a bundle's block")


def parse_name(text: str) -> BlockName:
    """Read a CID in base32. Raises BadBundle for any other spelling."""
    try:
        if len(text) > _TEXT_MAX or not text.startswith("b"):
            raise ValueError
        body = text[1:].upper()
        data = base64.b32decode(body + "=" * (-len(body) % 8))
    except ValueError:
        raise BadBundle(f"{text[:16]!r} is no CID in base32") from None
    name, length = take_name(data)
    if length != len(data) or name.text != text:
        raise BadBundle(f"{text[:16]!r} is no CID in its one spelling")
    return name
