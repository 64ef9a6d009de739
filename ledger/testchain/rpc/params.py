"""Parameters of JSON-RPC calls, checked and turned into Python values. Every function raises InvalidParams."""

from itertools import pairwise
from typing import Any

from ledger.testchain.evm.messages import CallMessage
from ledger.testchain.evm.transactions import TRANSACTION_GAS_CAP
from ledger.testchain.storage.logs import LogFilter

MAX_FILTER_ITEMS = 1000
_MAX_TOPICS = 4
_TAGS = ("latest", "earliest", "pending", "safe", "finalized")
_QUANTITY_DIGITS = 64
_HASH_CHARACTERS = 66


class InvalidParams(Exception):
    """The caller sent something the method cannot mean (JSON-RPC error -32602)."""


def parse_data(value: Any, length: int | None = None, what: str = "data") -> bytes:
    """0x-prefixed hex, of an exact length in bytes if one is given."""
    if not isinstance(value, str) or not value.startswith("0x"):
        raise InvalidParams(f"invalid {what}: expected a 0x-prefixed hex string, got {_shown(value)}")
    try:
        raw = bytes.fromhex(value[2:])
    except ValueError as error:
        raise InvalidParams(f"invalid {what}: {_shown(value)} is not hex") from error
    if (length is not None and len(raw) != length) or 2 * len(raw) != len(value) - 2:
        raise InvalidParams(f"invalid {what}: expected {length} bytes, got {_shown(value)}")
    return raw


def parse_address(value: Any) -> bytes:
    """20 bytes."""
    return parse_data(value, 20, "address")


def parse_hash32(value: Any) -> bytes:
    """32 bytes."""
    return parse_data(value, 32, "hash")


def parse_quantity(value: Any, what: str = "quantity") -> int:
    """0x-prefixed hex number below 2^256."""
    if not isinstance(value, str) or not value.startswith("0x") or not 3 <= len(value) <= _QUANTITY_DIGITS + 2:
        raise InvalidParams(f"invalid {what}: expected a 0x-prefixed hex number, got {_shown(value)}")
    try:
        return int.from_bytes(bytes.fromhex(value[2:].rjust(_QUANTITY_DIGITS, "0")), "big")
    except ValueError as error:
        raise InvalidParams(f"invalid {what}: {_shown(value)} is not hex") from error


def parse_number(value: Any, what: str) -> int:
    """A JSON number or a hex one, not negative, below 2^63 (the evm_ methods' habit)."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidParams(f"invalid {what}: expected a number, got {_shown(value)}")
    result = value if isinstance(value, int) else parse_quantity(value, what)
    if not 0 <= result < 2**63:
        raise InvalidParams(f"invalid {what}: {_shown(value)} is out of range")
    return result


def parse_nonce(value: Any) -> int:
    """0x-prefixed hex number below 2^64 - 1 (EIP-2681)."""
    nonce = parse_quantity(value, "nonce")
    if nonce >= 2**64 - 1:
        raise InvalidParams(f"invalid nonce: {_shown(value)} is out of range")
    return nonce


def parse_flag(value: Any, what: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise InvalidParams(f"invalid {what}: expected true or false, got {_shown(value)}")
    return value


def parse_block_id(value: Any) -> str | int | bytes:
    """A block as callers name it: a tag, a number, or a hash in 32 bytes (EIP-1898 objects too)."""
    if isinstance(value, dict):
        if "blockHash" in value:
            return parse_hash32(value["blockHash"])
        value = value.get("blockNumber")
    if value in _TAGS:
        return str(value)
    if isinstance(value, str) and len(value) == _HASH_CHARACTERS:
        return parse_hash32(value)
    return parse_quantity(value, "block number")


def parse_percentiles(value: Any) -> list[float]:
    """At most 100 rising numbers from 0 to 100; absent means none."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 100:
        raise InvalidParams("invalid reward percentiles: expected a list of at most 100 numbers")
    if any(isinstance(item, bool) or not isinstance(item, int | float) or not 0 <= item <= 100 for item in value):
        raise InvalidParams("invalid reward percentile: expected numbers from 0 to 100")
    if any(after < before for before, after in pairwise(value)):
        raise InvalidParams("invalid reward percentile: they must rise")
    return [float(item) for item in value]


def parse_message(value: Any, gas_unnamed: int = TRANSACTION_GAS_CAP) -> CallMessage:
    """The call object of eth_call and its kin. gas_unnamed: its limit where it names none."""
    fields = parse_object(value, "call object")
    gas, (max_fee_wei, tip_wei) = fields.get("gas"), _parse_fees(fields)
    return CallMessage(
        sender=parse_address(fields["from"]) if fields.get("from") else bytes(20),
        to=parse_address(fields["to"]) if fields.get("to") else b"",
        gas=gas_unnamed if gas is None else min(parse_quantity(gas, "gas"), TRANSACTION_GAS_CAP),
        value_wei=0 if fields.get("value") is None else parse_quantity(fields["value"], "value"),
        data=_parse_input(fields),
        access_list=_parse_access_list(fields.get("accessList") or []),
        max_fee_wei=max_fee_wei,
        tip_wei=tip_wei,
        nonce=None if fields.get("nonce") is None else parse_nonce(fields["nonce"]),
    )


def _parse_fees(fields: dict[str, Any]) -> tuple[int, int]:
    """The most a call offers per gas, in all and as a tip, in wei; a legacy price is both."""
    price, max_fee, tip = (
        None if fields.get(name) is None else parse_quantity(fields[name], name)
        for name in ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")
    )
    if price is not None and (max_fee is not None or tip is not None):
        raise InvalidParams("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    if price is not None:
        return price, price
    max_fee, tip = max_fee or 0, tip or 0
    if tip > max_fee:
        raise InvalidParams(f"maxFeePerGas ({max_fee}) < maxPriorityFeePerGas ({tip})")
    return max_fee, tip


def parse_log_filter(value: Any) -> tuple[LogFilter, dict[str, Any]]:
    """The filter of eth_getLogs, and the object itself for its block range."""
    fields = parse_object(value, "filter")
    topics = fields.get("topics") or []
    if not isinstance(topics, list) or len(topics) > _MAX_TOPICS:
        raise InvalidParams(f"invalid topics: expected a list of at most {_MAX_TOPICS}")
    addresses = frozenset(parse_address(item) for item in _parse_alternatives(fields.get("address")))
    # Positions after the last one that asks for something still say how many topics a log must have.
    return LogFilter(
        addresses, tuple(frozenset(parse_hash32(item) for item in _parse_alternatives(one)) for one in topics)
    ), fields


def _parse_alternatives(value: Any) -> list[Any]:
    """One, several or (null) no restriction."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    if len(items) > MAX_FILTER_ITEMS:
        raise InvalidParams(f"exceed max addresses or topics per position: {MAX_FILTER_ITEMS}")
    # A null among alternatives matches anything, so it lifts the restriction.
    return [] if None in items else items


def _parse_input(fields: dict[str, Any]) -> bytes:
    given = [parse_data(fields[name]) for name in ("input", "data") if fields.get(name) is not None]
    if len(given) == 2 and given[0] != given[1]:
        raise InvalidParams('both "data" and "input" are set and not equal: use "input"')
    return given[0] if given else b""


def _parse_access_list(value: Any) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    if not isinstance(value, list):
        raise InvalidParams("invalid accessList: expected a list")
    entries = [parse_object(item, "accessList entry") for item in value]
    return tuple(
        (
            parse_address(entry.get("address")),
            tuple(int.from_bytes(parse_hash32(key), "big") for key in _parse_keys(entry)),
        )
        for entry in entries
    )


def _parse_keys(entry: dict[str, Any]) -> list[Any]:
    keys = entry.get("storageKeys") or []
    if not isinstance(keys, list):
        raise InvalidParams("invalid storageKeys: expected a list")
    return keys


def parse_object(value: Any, what: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise InvalidParams(f"invalid {what}: expected an object, got {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    return text if len(text) <= 80 else text[:77] + "..."
