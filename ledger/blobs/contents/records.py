"""The blobs a round leaves behind: genesis, updates and records, as bytes and back; see `checkpoint` beside it.

Every blob begins with four bytes `FM`, kind, version; the rest is one msgpack array. A blob names its network,
round and author inside, so its digest is worthless to anyone else.
"""

import hashlib
from typing import Final, TypeVar

import msgspec
import numpy as np

from ledger.arithmetic.exact import GridState
from ledger.circle.manifest import Manifest
from ledger.codec import blocks_of, decode, max_payload_bytes
from ledger.errors import PeerFault
from ledger.privacy.statement import BadStatement, PrivacyStatement, check_statement

GENESIS_MAGIC: Final = b"FMG1"
UPDATE_MAGIC: Final = b"FMU3"
RECORD_MAGIC: Final = b"FMR3"
_OVERHEAD_BYTES: Final = 256
RECORD_MAX_BYTES: Final = 1 << 18

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
INVALID: Final = "invalid"
UNAVAILABLE: Final = "unavailable"

_Blob = TypeVar("_Blob")


class InvalidBlob(PeerFault):
    """A blob does not parse or is not of the network, round and author it should be."""


class Genesis(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The state every peer starts from."""

    codec: str
    payload: bytes


class Update(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A peer's public state of one round."""

    network: bytes
    """The circle's domain separator, 32 bytes."""
    round: int
    """The one it was trained in."""
    author: bytes
    """The peer's address, 20 bytes."""
    base: bytes
    """Digest of the author's base (R15), 32 bytes."""
    codec: str
    """The name of the payload's codec."""
    payload: bytes
    """The codec's frame."""
    reference: bytes
    """Digest of the author's previous commit where the payload is a delta frame, else empty."""
    privacy: PrivacyStatement | None
    """What its author has spent, exactly where the circle has privacy terms."""


class RecordEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One neighbour in a record."""

    seat: int
    """The neighbour's."""
    digest: bytes
    """Of its update, as committed, 32 bytes."""
    verdict: str
    """accepted, rejected, invalid (rejected unread) or unavailable."""
    mixed: bool
    """Whether it entered the next base."""
    figures: dict[str, str]
    """Name → decimal integer, exactly what the rule compared."""


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All figures behind one peer's verdicts of a round."""

    network: bytes
    """The circle's domain separator, 32 bytes."""
    round: int
    """The one that was judged."""
    author: bytes
    """The judge's address, 20 bytes."""
    base: bytes
    """Digest of the author's base (R15), 32 bytes."""
    update: bytes
    """Digest of its own update, 32 bytes."""
    entries: tuple[RecordEntry, ...]
    """One for each neighbour."""
    next_base: bytes
    """Digest of the state it goes on with, 32 bytes."""
    next_memory: bytes
    """Digest of the memory it goes on with, 32 bytes."""
    checkpoint: bytes
    """Digest of the blob that holds what next_base and next_memory name (ledger.blobs.contents.checkpoint), 32
    bytes; empty where none is due."""


def state_digest(state: GridState) -> bytes:
    """SHA-256 over the state as little-endian int32. Returns 32 bytes."""
    return hashlib.sha256(np.ascontiguousarray(state, "<i4").data).digest()


def encode_genesis(genesis: Genesis) -> bytes:
    """The genesis blob."""
    return GENESIS_MAGIC + msgspec.msgpack.encode(genesis)


def decode_genesis(blob: bytes, manifest: Manifest) -> GridState:
    """The state of a genesis blob (R8). Raises InvalidBlob or MalformedFrame."""
    genesis = decode_blob(blob, GENESIS_MAGIC, Genesis, update_max_bytes(manifest))
    return decode(genesis.payload, genesis.codec, blocks_of(manifest.sizes))


def encode_update(update: Update) -> bytes:
    """The update blob."""
    return UPDATE_MAGIC + msgspec.msgpack.encode(update)


def decode_update(blob: bytes, manifest: Manifest, network: bytes, round_number: int, author: bytes) -> Update:
    """Parse an update and check whom it names. Raises InvalidBlob."""
    update = decode_blob(blob, UPDATE_MAGIC, Update, update_max_bytes(manifest))
    # [REJECT] R8: an update names the network, round and author it is anchored for.
    if update.network != network:
        raise InvalidBlob("the update names another network")
    if update.round != round_number:
        raise InvalidBlob(f"the update names round {update.round}, it is anchored for {round_number}")
    if update.author != author:
        # Only as much as an address holds is shown: the field may fill the whole blob.
        raise InvalidBlob(f"the update names author {update.author[:20].hex()}, the seat is {author.hex()}'s")
    if len(update.base) != 32:
        raise InvalidBlob(f"the base digest has {len(update.base)} bytes, not 32")
    if update.codec != manifest.codec:
        raise InvalidBlob(f"the update's codec is {update.codec[:20]!r}, the circle's is {manifest.codec!r}")
    if len(update.reference) not in (0, 32):
        raise InvalidBlob(f"the reference has {len(update.reference)} bytes, not 32 or none")
    try:
        check_statement(update.privacy, manifest.privacy)
    except BadStatement as error:
        raise InvalidBlob(str(error)) from error
    return update


def read_reference(blob: bytes, manifest: Manifest) -> bytes:
    """What an update is relative to, not yet checked at all; empty where it stands for itself or does not parse."""
    try:
        return decode_blob(blob, UPDATE_MAGIC, Update, update_max_bytes(manifest)).reference
    except InvalidBlob:
        return b""


def encode_record(record: Record) -> bytes:
    """The record blob (R14)."""
    return RECORD_MAGIC + msgspec.msgpack.encode(record)


def decode_record(blob: bytes) -> Record:
    """Parse a record. Raises InvalidBlob."""
    return decode_blob(blob, RECORD_MAGIC, Record, RECORD_MAX_BYTES)


def update_max_bytes(manifest: Manifest) -> int:
    """The most bytes an update (or genesis) blob of this task may take; fetching stops there."""
    return max_payload_bytes(blocks_of(manifest.sizes)) + _OVERHEAD_BYTES


def decode_blob(blob: bytes, magic: bytes, kind: type[_Blob], max_bytes: int) -> _Blob:
    """Parse a blob of one kind. Raises InvalidBlob."""
    # [REJECT] R7: sizes are checked before anything is parsed or allocated.
    if len(blob) > max_bytes:
        raise InvalidBlob(f"the blob has {len(blob)} bytes, the task allows {max_bytes}")
    if blob[:4] != magic:
        raise InvalidBlob(f"the blob begins with {blob[:4]!r}, not {magic!r}")
    try:
        return msgspec.msgpack.decode(memoryview(blob)[4:], type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # msgspec lets the latter through
        raise InvalidBlob(f"the blob does not parse: {error}") from error
