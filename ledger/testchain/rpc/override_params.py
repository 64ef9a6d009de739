"""State and block overrides of simulations, checked. Every function raises InvalidParams."""

from collections.abc import Mapping
from typing import Any

from ledger.testchain.evm.overrides import AccountOverride, BlockOverride
from ledger.testchain.rpc import params
from ledger.testchain.rpc.params import InvalidParams

MAX_ACCOUNTS = 1000
MAX_SLOTS = 10_000
_ACCOUNT_FIELDS = ("balance", "nonce", "code", "state", "stateDiff", "movePrecompileToAddress")
_LEFT_OUT = ("difficulty", "blobBaseFee", "beaconRoot", "withdrawals", "blockHash")


def parse_account_overrides(value: Any) -> tuple[AccountOverride, ...]:
    """Account → what is different about it; absent means nothing."""
    if value is None:
        return ()
    accounts = params.parse_object(value, "state overrides")
    if len(accounts) > MAX_ACCOUNTS:
        raise InvalidParams(f"too many state overrides: {len(accounts)}, limit {MAX_ACCOUNTS}")
    return tuple(_parse_account(address, fields) for address, fields in accounts.items())


def _parse_account(account: str, value: Any) -> AccountOverride:
    address, fields = params.parse_address(account), params.parse_object(value, "state override")
    if unknown := fields.keys() - set(_ACCOUNT_FIELDS):
        raise InvalidParams(f"invalid state override: there is no {min(unknown)[:40]!r}")
    if fields.get("movePrecompileToAddress") is not None:
        raise InvalidParams("movePrecompileToAddress is not supported: precompiles stay where they are")
    if fields.get("state") is not None and fields.get("stateDiff") is not None:
        raise InvalidParams(f"account {account} has both 'state' and 'stateDiff'")
    balance, nonce, code = (fields.get(name) for name in ("balance", "nonce", "code"))
    whole, diff = fields.get("state"), fields.get("stateDiff")
    return AccountOverride(
        address,
        None if balance is None else params.parse_quantity(balance, "balance"),
        None if nonce is None else params.parse_nonce(nonce),
        None if code is None else params.parse_data(code, what="code"),
        _parse_slots(whole if whole is not None else diff),
        replaces_storage=whole is not None,
    )


def _parse_slots(value: Any) -> Mapping[int, int]:
    slots = {} if value is None else params.parse_object(value, "storage override")
    if len(slots) > MAX_SLOTS:
        raise InvalidParams(f"too many slots in a state override: {len(slots)}, limit {MAX_SLOTS}")
    return {
        params.parse_quantity(slot, "slot"): int.from_bytes(params.parse_hash32(held), "big")
        for slot, held in slots.items()
    }


def parse_block_override(value: Any) -> BlockOverride:
    """What is different about the block; absent means nothing. Names as go-ethereum and as Anvil have them."""
    if value is None:
        return BlockOverride()
    fields = params.parse_object(value, "block overrides")
    if given := [name for name in _LEFT_OUT if fields.get(name) is not None]:
        raise InvalidParams(f"block override {given[0]} is not supported: nothing here depends on it")

    def find(*names: str) -> Any:
        return next((fields[name] for name in names if fields.get(name) is not None), None)

    coinbase, prevrandao = find("feeRecipient", "coinbase"), find("prevRandao", "random")
    base_fee = find("baseFeePerGas", "baseFee")
    return BlockOverride(
        _parse_height(find("number"), "number"),
        _parse_height(find("time", "timestamp"), "time"),
        _parse_height(find("gasLimit"), "gasLimit"),
        None if coinbase is None else params.parse_address(coinbase),
        None if prevrandao is None else params.parse_hash32(prevrandao),
        None if base_fee is None else params.parse_quantity(base_fee, "baseFeePerGas"),
    )


def _parse_height(value: Any, what: str) -> int | None:
    return None if value is None else params.parse_number(value, what)
