"""What stands before the sections of a frame of codec v2: its kind, its layout, and how long they are.

    header = kind + 2 · layout, one byte ‖ raw bytes of map, codes, wides ‖ stored bytes of steps, map, codes, wides

The seven lengths are LEB128: seven bits a byte, the lowest first, all but the last with the eighth bit set, in as
few bytes as hold them.
"""

from dataclasses import dataclass
from typing import Final

from ledger.codec.zstd_tables import MalformedFrame
from ledger.untrusted.varints import encode_varint, read_varint

KEY_FRAME, DELTA_FRAME = 0, 1
DENSE, SPARSE = 0, 1
_LENGTHS: Final = 7
# Of four bytes at most: 2**28 − 1 is more than any section of the longest state takes.
_LENGTH_BYTES: Final = 4


@dataclass(frozen=True)
class FrameHeader:
    """What a frame tells of itself."""

    kind: int
    """KEY_FRAME or DELTA_FRAME."""
    layout: int
    """DENSE or SPARSE."""
    map: int
    """Raw bytes of the section."""
    codes: int
    """Raw bytes of the section."""
    wides: int
    """Raw bytes of the section."""
    stored: tuple[int, ...]
    """Bytes that each of the four sections takes in the frame."""

    def encode(self) -> bytes:
        """The header's bytes; the sections follow."""
        lengths = (self.map, self.codes, self.wides, *self.stored)
        return bytes([self.kind | self.layout << 1]) + b"".join(map(encode_varint, lengths))


def read_header(payload: bytes) -> tuple[FrameHeader, int]:
    """The header (R9.4) and its length in bytes. Raises MalformedFrame, also for a payload not as long as told."""
    if not payload or payload[0] > (DELTA_FRAME | SPARSE << 1):
        raise MalformedFrame(
            f"the frame begins with {payload[:1].hex() or 'nothing'}, not with a kind and a layout"
        )
    lengths, at = [], 1
    for _ in range(_LENGTHS):
        length, at = _read_length(payload, at)
        lengths.append(length)
    map_, codes, wides, *stored = lengths
    if at + sum(stored) != len(payload):
        raise MalformedFrame(f"the frame has {len(payload)} bytes, its header tells of {at + sum(stored)}")
    return FrameHeader(payload[0] & 1, payload[0] >> 1, map_, codes, wides, tuple(stored)), at


def _read_length(payload: bytes, at: int) -> tuple[int, int]:
    """A length and where the next one begins."""
    try:
        length, behind = read_varint(payload, at, _LENGTH_BYTES)
    except ValueError:
        raise MalformedFrame("a length in the frame's header does not end where it should") from None
    if behind - at > 1 and not payload[behind - 1]:
        raise MalformedFrame("a length in the frame's header has more bytes than it needs")
    return length, behind
