"""What peers say to each other. A WebSocket frame is a msgpack array of messages, at most 64 KiB.

A message is an array whose first element is its number. Unknown messages and surplus elements are faults.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ledger.errors import PeerFault
from ledger.identity.addresses import address_bytes, address_text
from ledger.identity.network import Network
from ledger.identity.signing import announcement_hash, recover, sign

PROTOCOL_VERSION = 1
FRAME_BYTES = 64 * 1024
MAX_SEATS = 256
MAX_MESSAGES = 256
"""In one frame."""

RoundNumber = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Address = Annotated[bytes, Meta(min_length=20, max_length=20)]
Word = Annotated[bytes, Meta(min_length=32, max_length=32)]
SignatureBytes = Annotated[bytes, Meta(min_length=65, max_length=65)]


class BadMessage(PeerFault):
    """The frame is no message of this protocol: too long, not msgpack, or not one of the shapes below."""


class Forged(PeerFault):
    """An announcement that its author did not sign."""


class Challenge(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """First message of each side: which network it serves and 32 fresh random bytes for the other to sign."""

    version: Annotated[int, Meta(ge=0, le=2**31)]
    """Of the protocol."""
    network: Word
    """The EIP-712 domain separator, 32 bytes."""
    nonce: Word
    """The random bytes."""


class Hello(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """Second message of each side: who it is, proved by the signature of `ledger.identity.signing.hello_hash`."""

    peer: Address
    signature: SignatureBytes


class Announcement(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """ "My update of this round has this digest and may be fetched now." Flooded; signed by the author."""

    round: RoundNumber
    """The one of the update."""
    author: Address
    """The hot key's address, 20 bytes."""
    digest: Word
    """Of the update, 32 bytes."""
    signature: SignatureBytes
    """The author's, of the other fields."""

    @property
    def author_address(self) -> str:
        """EIP-55 checksummed."""
        return address_text(self.author)


class Have(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """ "I hold this blob too." Said to direct links only: the link says who holds it, so nothing is signed."""

    round: RoundNumber
    digest: Word


class Pull(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """ "Send me the announcements of this round that I lack." """

    round: RoundNumber
    """The one asked about."""
    known: Annotated[list[Address], Meta(max_length=MAX_SEATS)]
    """Authors whose announcement the sender has."""
    convicted: Annotated[list[Address], Meta(max_length=MAX_SEATS)]
    """Those of them of whom it has two."""


class PullAnswer(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=6):
    """Answer to a Pull: announcements, and the digests of the round whose blobs the sender holds."""

    round: RoundNumber
    """The one asked about."""
    announcements: Annotated[list[Announcement], Meta(max_length=MAX_SEATS)]
    """Those that the asker lacked."""
    held: Annotated[list[Word], Meta(max_length=MAX_SEATS)]
    """Digests of the round whose blobs the sender holds."""


class DialBack(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=7):
    """ "Dial me back at the endpoint that the chain names for me, and tell me whether you reached it." """

    endpoint: Word
    """SHA-256 of its text, so that both speak of the same one."""


class DialledBack(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=8):
    """Answer to a DialBack: whether the peer's gossip and its gateway were reached there."""

    endpoint: Word
    """SHA-256 of its text."""
    gossip: bool
    """The peer's gossip was reached there."""
    gateway: bool
    """The peer's gateway was reached there."""


Message = Challenge | Hello | Announcement | Have | Pull | PullAnswer | DialBack | DialledBack

_FRAME_HEADER_BYTES = 3
_encoder = msgspec.msgpack.Encoder()
_Frame = Annotated[list[Message], Meta(min_length=1, max_length=MAX_MESSAGES)]
_decoder: msgspec.msgpack.Decoder[list[Message]] = msgspec.msgpack.Decoder(_Frame)


def encode(message: Message) -> bytes:
    """One message, to be put into a frame."""
    return _encoder.encode(message)


def join_frame(encoded: Iterable[bytes]) -> bytes:
    """Join encoded messages, at most 256 and together short enough, to one frame."""
    parts = list(encoded)
    frame = b"\xdc" + len(parts).to_bytes(2, "big") + b"".join(parts)  # msgpack: array 16
    assert 1 <= len(parts) <= MAX_MESSAGES, f"{len(parts)} messages"
    assert len(frame) <= FRAME_BYTES, f"a frame of {len(frame)} bytes"
    return frame


def count_for_frame(encoded: Iterable[bytes]) -> int:
    """How many of the first of these messages fit into one frame."""
    count, total = 0, _FRAME_HEADER_BYTES
    for part in encoded:
        total += len(part)
        if total > FRAME_BYTES or count == MAX_MESSAGES:
            break
        count += 1
    return count


def decode(frame: bytes) -> list[Message]:
    """The messages of a frame. Raises BadMessage with the reason if it is none (R18)."""
    if len(frame) > FRAME_BYTES:
        raise BadMessage(f"a frame of {len(frame)} bytes, the limit is {FRAME_BYTES}")
    try:
        return _decoder.decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadMessage(f"not a frame of messages: {error}") from error


def sign_announcement(network: Network, key: bytes, author: str, round_number: int, digest: bytes) -> Announcement:
    """The author's own announcement. key: 32 bytes; author: its address; digest: 32 bytes."""
    signature = sign(key, announcement_hash(network, round_number, author, digest))
    return Announcement(round_number, address_bytes(author), digest, signature)


def check_signature(network: Network, announcement: Announcement) -> None:
    """Raises Forged (or BadSignature) unless the author named in the announcement signed it for this network."""
    author = announcement.author_address
    signed = announcement_hash(network, announcement.round, author, announcement.digest)
    signer = recover(signed, announcement.signature)
    if signer != author:
        raise Forged(f"an announcement names author {author}, but {signer} signed it")
