"""What a bundle's dag-json blocks say, in the one spelling that they have (R32.1, R32.2, R32.3)."""

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from ledger.audit.bundle.car_file import BLOCK_BYTES_MAX
from ledger.audit.bundle.names import BadBundle, BlockName, parse_name
from ledger.untrusted.parsing import decode_json

KIND: Final = "folkmoot-bundle"
SIGNATURE_KIND: Final = "folkmoot-bundle-signature"
VERSION: Final = 1
PAGE_BYTES: Final = 1 << 18

_T = TypeVar("_T")
_Row = TypeVar("_Row", bound="Row")
Whole = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Hex = Annotated[str, Meta(pattern=r"\A0x(?:[0-9a-f]{2})*\Z")]
Digest = Annotated[str, Meta(pattern=r"\A0x[0-9a-f]{64}\Z")]
Address = Annotated[str, Meta(pattern=r"\A0x[0-9a-f]{40}\Z")]
Said = Annotated[str, Meta(max_length=512)]
_HEX: Final = re.compile(r"0x(?:[0-9a-f]{2})*", re.ASCII)


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object of a bundle."""


class Link(Row, frozen=True):
    """Names another block."""

    cid: str = msgspec.field(name="/")
    """A CIDv1 in base32."""

    @classmethod
    def to(cls, name: BlockName) -> "Link":
        """A link to the block of this name."""
        return cls(name.text)

    @property
    def name(self) -> BlockName:
        """The block's. Raises BadBundle."""
        return parse_name(self.cid)


class HeaderRow(Row, frozen=True):
    """A block of the chain."""

    number: Whole
    """Its height."""
    hash: Digest
    """32 bytes."""
    time_s: Whole
    """Unix seconds."""
    rlp: Hex | None
    """The header, which hashes to the hash; None where nobody could build it."""


class EventRow(Row, frozen=True):
    """A log of the circle."""

    block: Whole
    """Number of its block."""
    index: Whole
    """Its place among that block's logs."""
    block_hash: Digest
    """32 bytes."""
    transaction: Digest
    """The hash of its transaction."""
    topics: Annotated[list[Digest], Meta(max_length=4)]
    """The event's signature hash, then what is indexed."""
    data: Hex
    """What is not indexed."""


class ReceiptRow(Row, frozen=True):
    """A proof of a receipt."""

    block: Whole
    """Number of the block."""
    index: Whole
    """The transaction's place in it."""
    proof: list[Hex]
    """The trie's nodes, root first."""


class TransactionRow(Row, frozen=True):
    """A transaction whose input says something."""

    hash: Digest
    """32 bytes."""
    block: Whole
    """Number of its block."""
    index: Whole
    """Its place in it."""
    sender: Address = msgspec.field(name="from")
    """Whose it is."""
    to: Address | None
    """Whom it called; None where it made a contract."""
    nonce: Whole
    """The sender's."""
    input: Hex
    """What it carries."""
    raw: Hex | None
    """It as it was signed; None where the endpoint does not tell."""
    proof: list[Hex]
    """The trie's nodes, root first; empty where there is no proof."""


class BlobRow(Row, frozen=True):
    """A blob that is here."""

    digest: Digest
    """Of its root."""
    root: Link
    """To its root."""


class InvalidRow(Row, frozen=True):
    """Bytes at a digest that make no blob."""

    digest: Digest
    """Of the root."""
    blocks: list[Link]
    """What shows it, the root first; all of codec raw."""


class MissingRow(Row, frozen=True):
    """A blob that could not be had."""

    digest: Digest
    """Of its root."""
    reasons: list[tuple[Said, Said]]
    """Of each gateway, what it did."""


class Made(Row, frozen=True):
    """Who read the chain and fetched the blobs, by its own word."""

    at_s: Whole
    """When it was, Unix seconds."""
    endpoint: Said
    """The JSON-RPC endpoint's host."""
    program: Said
    """Name and version."""


class ScopeRow(Row, frozen=True):
    """Which rounds the blobs are good for."""

    first: Whole
    """From this one on."""
    sample: Whole | None
    """So many attestations of these; None for all."""
    seed: Whole | None
    """Drew the sample; None where a block did."""
    seed_block: Whole | None = None
    """Number of the block that drew it."""


class Code(Row, frozen=True):
    """What lay at the two addresses."""

    circle: Link
    """The circle's code, immutables included."""
    court: Link
    """The court's."""


class Calls(Row, frozen=True):
    """What the contract answered at the end of the block."""

    history: Hex
    """The running hash, 24 bytes."""
    reputation_words: Annotated[list[Digest], Meta(min_length=16, max_length=16)]
    """The sixteen words."""


class SlotProof(Row, frozen=True):
    """A word of the circle's storage."""

    slot: Whole
    """Its number."""
    value: Digest
    """32 bytes."""
    proof: list[Hex]
    """The trie's nodes, root first."""


class State(Row, frozen=True):
    """What the block's state root proves."""

    account: list[Hex]
    """The trie's nodes to the circle's account, root first."""
    storage: list[SlotProof]
    """Words of its storage, by ascending slot."""


class Root(Row, frozen=True):
    """The root of a bundle."""

    kind: str
    """KIND."""
    version: Whole
    """VERSION."""
    chain_id: Whole
    """The chain's."""
    contract: Address
    """The circle's."""
    block: HeaderRow
    """As of which the chain was read."""
    made: Made
    """By whom."""
    scope: ScopeRow
    """What it is good for."""
    code: Code
    """What lies there."""
    calls: Calls
    """What the contract said."""
    state: Link | None
    """The proofs of that, where there are any."""
    manifest: Link
    """The manifest's bytes."""
    events: list[Link]
    """Pages of EventRow."""
    headers: list[Link]
    """Pages of HeaderRow."""
    receipts: list[Link]
    """Pages of ReceiptRow."""
    transactions: list[Link]
    """Pages of TransactionRow."""
    blobs: list[Link]
    """Pages of BlobRow."""
    invalid: list[Link]
    """Pages of InvalidRow."""
    missing: list[Link]
    """Pages of MissingRow."""


class SignatureBlock(Row, frozen=True):
    """Somebody's signature of a bundle (R32.5)."""

    kind: str
    """SIGNATURE_KIND."""
    version: Whole
    """VERSION."""
    bundle: Link
    """To the root."""
    claimed_s: Whole
    """When it was signed, by the signer's word; Unix seconds."""
    signer: Address
    """Whose key it was."""
    signature: Hex
    """65 bytes."""


def encode_block(value: object) -> bytes:
    """A row, or a list of rows, as its dag-json block."""
    return msgspec.json.encode(value, order="sorted")


def decode_block(block: bytes, kind: type[_T]) -> _T:
    """Read a dag-json block. Raises BadBundle for another shape, or another spelling than its one."""
    try:
        value = decode_json(block, kind)
    except ValueError as error:
        raise BadBundle(f"a block of the bundle is no {_name_kind(kind)}: {str(error)[:200]}") from None
    if encode_block(value) != block:
        raise BadBundle(f"a block of the bundle, a {_name_kind(kind)}, is not in its one spelling")
    return value


def cut_pages(rows: Iterable[Row]) -> Iterator[bytes]:
    """Rows, in the table's order, as pages. Raises ValueError for a row that is larger than a block may be."""
    page: list[bytes] = []
    size = 2
    for row in rows:
        encoded = encode_block(row)
        if len(encoded) + 2 > BLOCK_BYTES_MAX:
            raise ValueError(f"a row of {len(encoded)} bytes is larger than a block may be")
        if page and size + len(encoded) + 1 > PAGE_BYTES:
            yield b"[" + b",".join(page) + b"]"
            page, size = [], 2
        page.append(encoded)
        size += len(encoded) + 1
    if page:
        yield b"[" + b",".join(page) + b"]"


def to_bytes(text: str) -> bytes:
    """The bytes that hex of a bundle stands for."""
    return bytes.fromhex(text[2:])


def to_hex(data: bytes) -> str:
    """Bytes as a bundle's hex."""
    return "0x" + data.hex()


def _name_kind(kind: Any) -> str:
    return getattr(kind, "__name__", "page")
