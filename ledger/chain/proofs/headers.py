"""A block's header: built from what an endpoint tells of the block, and read back from its bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import rlp
from eth_hash.auto import keccak

from ledger.chain.proofs.items import BadProof, decode_list, read_fixed, read_number
from ledger.chain.rpc import answers
from ledger.chain.rpc.answers import Nonsense

# In the order of the header. Numbers are written without leading zeros, all else as it is.
_FIELDS: Final = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
)
# What came with London, Shanghai, Cancun and Prague, each only with those before it.
_LATER: Final = (
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
)
_ITEMS_MAX: Final = 64


@dataclass(frozen=True)
class Header:
    """What the bytes of a header say."""

    hash: bytes
    """Of the block, 32 bytes."""
    number: int
    """Its height."""
    time_s: int
    """Unix seconds."""
    state_root: bytes
    """32 bytes."""
    transactions_root: bytes
    """32 bytes."""
    receipts_root: bytes
    """32 bytes."""


def encode_header(told: Mapping[str, Any], block_hash: bytes) -> bytes | None:
    """The header of a block as an endpoint tells it; None where the fields do not hash to the block's hash.

    told: the JSON of eth_getBlockByNumber. block_hash: 32 bytes.
    """
    fields = [*_FIELDS, *(field for field in _LATER if told.get(field[0]) is not None)]
    try:
        items = [_encode_field(told.get(name), is_number=is_number) for name, is_number in fields]
    except Nonsense:
        return None
    encoded: bytes = rlp.encode(items)
    return encoded if keccak(encoded) == block_hash else None


def decode_header(encoded: bytes) -> Header:
    """Read a header. Raises BadProof."""
    items = decode_list(encoded)
    if not len(_FIELDS) <= len(items) <= _ITEMS_MAX:
        raise BadProof(f"a header has {len(items)} items")
    return Header(
        keccak(encoded),
        read_number(items[8], 8),
        read_number(items[11], 8),
        read_fixed(items[3], 32),
        read_fixed(items[4], 32),
        read_fixed(items[5], 32),
    )


def _encode_field(raw: Any, *, is_number: bool) -> bytes:
    if not is_number:
        return answers.parse_data(raw)
    number = answers.parse_quantity(raw)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
