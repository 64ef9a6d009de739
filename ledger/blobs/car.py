"""CARv1: blocks in one stream, for the gateway and for Kubo's `dag/import`.

Source: ipld.io/specs/transport/car/carv1. A section is varint(length) ‖ CID ‖ block; the header is DAG-CBOR.
"""

from ledger.blobs.cid import CID_BYTES, Cid
from ledger.untrusted.varints import encode_varint

# {"roots": [42(h'00' ‖ CID)], "version": 1}, where only the CID differs from one blob to the next.
_BEFORE_CID = b"\xa2\x65roots\x81\xd8\x2a\x58" + bytes([CID_BYTES + 1]) + b"\x00"
_AFTER_CID = b"\x67version\x01"


def encode_car_header(root: Cid) -> bytes:
    """The header of a CAR with this one root."""
    body = _BEFORE_CID + root.binary + _AFTER_CID
    return encode_varint(len(body)) + body


def encode_section_head(cid: Cid, block_bytes: int) -> bytes:
    """What stands before a block of this many bytes."""
    return encode_varint(CID_BYTES + block_bytes) + cid.binary
