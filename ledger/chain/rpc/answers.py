"""What endpoints may answer: untrusted JSON becomes checked values here, before anything acts on it.

Each function takes the `result` of an answer and returns a value, or raises Nonsense; `Rpc.request` is given one,
so that whatever does not parse is a fault of the endpoint that was asked.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

_T = TypeVar("_T")
Parser = Callable[[Any], _T]

_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_HEIGHT_MAX: Final = 1 << 40
_TIME_MAX: Final = 1 << 63
_DIGEST_BYTES: Final = 32
_HISTORY_MAX: Final = 1024


class Nonsense(ValueError):
    """An answer that no endpoint in its senses gives."""


def parse_quantity(raw: Any, most: int = (1 << 256) - 1) -> int:
    """A number, 0x-prefixed hex. Never negative, never a JSON number or boolean."""
    if not isinstance(raw, str) or not _QUANTITY.fullmatch(raw) or (number := int(raw, 16)) > most:
        raise Nonsense(f"{_cut(raw)} is no quantity up to {most:#x}"[:120])
    return number


def parse_height(raw: Any) -> int:
    """A block's number: none that a chain could reach in a thousand years."""
    return parse_quantity(raw, _HEIGHT_MAX)


def parse_chain_id(raw: Any) -> int:
    """EIP-155's number of a chain."""
    return parse_quantity(raw, (1 << 64) - 1)


def parse_nonce(raw: Any) -> int:
    """How many transactions an account sent (EIP-2681)."""
    return parse_quantity(raw, (1 << 64) - 2)


def parse_data(raw: Any) -> bytes:
    """Bytes, 0x-prefixed hex."""
    try:
        if isinstance(raw, str) and raw.startswith("0x") and raw.isascii():
            # fromhex would skip blanks.
            return bytes.fromhex(raw[2:]) if not any(blank in raw for blank in " \t\n\r\v\f") else _refuse(raw)
    except ValueError:
        pass
    return _refuse(raw)


def parse_digest(raw: Any) -> str:
    """32 bytes as 0x-prefixed hex, in lower case."""
    if len(parse_data(raw)) != _DIGEST_BYTES:
        raise Nonsense(f"{_cut(raw)} is no digest")
    return str(raw).lower()


def accept_anything(raw: Any) -> Any:
    """An answer that does not matter."""
    return raw


def parse_flag(raw: Any) -> bool:
    """true or false."""
    if not isinstance(raw, bool):
        raise Nonsense(f"{_cut(raw)} is neither true nor false")
    return raw


def or_null(parse: Parser[_T]) -> Parser[_T | None]:
    """null, for what the endpoint does not have, or a value."""
    return lambda raw: None if raw is None else parse(raw)


def parse_shape(raw: Any, kind: type[_T]) -> _T:
    """JSON as a msgspec.Struct, or a list of them; members beyond its own are ignored."""
    try:
        return msgspec.convert(raw, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Nonsense(str(error)) from error


def decode_abi_values(types: Sequence[str], encoded: bytes) -> tuple[Any, ...]:
    """ABI-encoded values, whatever the bytes are."""
    try:
        return abi_decode(types, encoded)
    except (DecodingError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise Nonsense(f"{len(encoded)} bytes do not decode: {error}") from error


# ------------------------------------------------------------------------------------------------ blocks and fees


class _RawBlock(msgspec.Struct, frozen=True):
    number: str
    hash: str
    timestamp: str


@dataclass(frozen=True)
class BlockAnswer:
    """A header, as far as it matters."""

    number: int
    """The block's height."""
    hash: str
    """0x-prefixed hex."""
    time_s: int
    """Unix seconds."""


def block_parser(wanted: int | None) -> Parser[BlockAnswer]:
    """The block of a number, None for whichever it is; an answer about another block is none."""

    def parse(raw: Any) -> BlockAnswer:
        found = parse_shape(raw, _RawBlock)
        number = parse_height(found.number)
        if wanted not in (None, number):
            raise Nonsense(f"block {_cut(found.number)} in place of {wanted}")
        return BlockAnswer(number, parse_digest(found.hash), parse_quantity(found.timestamp, _TIME_MAX))

    return parse


class _RawFees(msgspec.Struct, frozen=True):
    oldestBlock: str  # noqa: N815
    baseFeePerGas: list[str]  # noqa: N815


def parse_next_base_fee(raw: Any) -> tuple[int, int]:
    """Of eth_feeHistory: the base fee of the block after the newest, wei, and the newest block's number."""
    found = parse_shape(raw, _RawFees)
    if not 1 <= len(found.baseFeePerGas) <= _HISTORY_MAX:
        raise Nonsense(f"{len(found.baseFeePerGas)} base fees")
    newest = parse_height(found.oldestBlock) + len(found.baseFeePerGas) - 2
    return parse_quantity(found.baseFeePerGas[-1]), max(newest, 0)


# ---------------------------------------------------------------------------------------------------- transactions


@dataclass(frozen=True)
class Receipt:
    """What a transaction cost."""

    transaction: str
    """Its hash, 0x-prefixed hex."""
    block: int
    """Number of the block it is in."""
    gas: int
    """Units that it used."""
    price_wei: int
    """Per unit."""
    contract: str | None
    """Address of the contract it created, if any."""
    block_hash: str = ""
    """0x-prefixed hex."""
    is_success: bool = True
    """It was not reverted."""
    sender: str = ""
    """Who paid: an address as the endpoint writes it; empty where it does not say."""


class _RawReceipt(msgspec.Struct, frozen=True):
    transactionHash: str  # noqa: N815
    blockHash: str | None  # noqa: N815
    blockNumber: str | None  # noqa: N815
    gasUsed: str  # noqa: N815
    status: str
    effectiveGasPrice: str = "0x0"  # noqa: N815
    contractAddress: str | None = None  # noqa: N815
    sender: str | None = msgspec.field(default=None, name="from")


def receipt_parser(transaction: str) -> Parser[Receipt | None]:
    """The receipt of a transaction, None where it is in no block that the endpoint has."""

    def parse(raw: Any) -> Receipt | None:
        if raw is None:
            return None
        found = parse_shape(raw, _RawReceipt)
        if found.blockNumber is None or found.blockHash is None:
            return None
        if found.transactionHash.lower() != transaction.lower():
            raise Nonsense(f"the receipt of {_cut(found.transactionHash)}")
        return Receipt(
            transaction,
            parse_height(found.blockNumber),
            parse_quantity(found.gasUsed, 1 << 64),
            parse_quantity(found.effectiveGasPrice),
            None if found.contractAddress is None else _address(found.contractAddress),
            parse_digest(found.blockHash),
            parse_quantity(found.status, 1) == 1,
            "" if found.sender is None else _address(found.sender),
        )

    return parse


class _RawTransaction(msgspec.Struct, frozen=True):
    hash: str
    input: str


def call_data_parser(transaction: str) -> Parser[bytes]:
    """What a transaction that is known to be there carries; null is no answer."""

    def parse(raw: Any) -> bytes:
        found = parse_shape(raw, _RawTransaction)
        if found.hash.lower() != transaction.lower():
            raise Nonsense(f"transaction {_cut(found.hash)}")
        return parse_data(found.input)

    return parse


class _RawCreation(msgspec.Struct, frozen=True):
    hash: str
    input: str
    sender: str = msgspec.field(name="from")
    nonce: str
    to: str | None = None


@dataclass(frozen=True)
class Creation:
    """A transaction that may have made a contract."""

    sender: str
    """Its address."""
    nonce: int
    """The sender's."""
    to: str | None
    """Whom it called; None where it called none."""
    input: bytes
    """What it carried."""


def creation_parser(transaction: str) -> Parser[Creation]:
    """A transaction that is known to be there, to see what it made; null is no answer."""

    def parse(raw: Any) -> Creation:
        found = parse_shape(raw, _RawCreation)
        if found.hash.lower() != transaction.lower():
            raise Nonsense(f"transaction {_cut(found.hash)}")
        to = None if found.to is None else _address(found.to)
        return Creation(_address(found.sender), parse_nonce(found.nonce), to, parse_data(found.input))

    return parse


def _address(raw: str) -> str:
    if len(parse_data(raw)) != 20:
        raise Nonsense(f"{_cut(raw)} is no address")
    return raw


def _refuse(raw: Any) -> bytes:
    raise Nonsense(f"{_cut(raw)} is no data")


def _cut(raw: Any) -> str:
    return repr(raw[:70]) if isinstance(raw, str) else type(raw).__name__
