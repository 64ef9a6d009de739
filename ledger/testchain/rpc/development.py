"""What only a chain for tests offers: clock, pace, pool, accounts and past in the hands of whoever calls.

Names, parameters and answers are those of Anvil.
"""

from collections.abc import Callable
from typing import Any

from eth_utils.address import to_checksum_address

from ledger.testchain.evm.vm import Header, Transaction
from ledger.testchain.mining.engine import BlockPace, Engine
from ledger.testchain.rpc import params, views
from ledger.testchain.storage.account_proofs import MAX_SLOTS, account_proof

MAX_BLOCKS_AT_ONCE = 1024
MAX_REORG_TRANSACTIONS = 4096
_CONTROLS = ("evm_", "anvil_", "hardhat_")
Methods = dict[str, Callable[..., Any]]


def is_control(method: str) -> bool:
    """Whether a method moves the chain's clock, pace, pool or past: nothing for callers from elsewhere."""
    return method.startswith(_CONTROLS)


def development_methods(engine: Engine, header_of: Callable[[Any], Header]) -> Methods:
    """The methods by name. header_of: the header that a block parameter names."""
    return {
        **_past(engine),
        **_pace(engine),
        **_clock(engine),
        **_pool(engine),
        **_state(engine),
        "eth_getProof": lambda account, slots, block="latest": account_proof(
            engine.store, header_of(block), params.parse_address(account), _slots(slots)
        ),
    }


def _past(engine: Engine) -> Methods:
    def reorganise(depth: Any, pairs: Any = None) -> None:
        height = params.parse_number(depth, "depth")
        if height < 1:
            raise params.InvalidParams("reorg depth must be at least 1")
        if height > min(engine.head.block_number, MAX_BLOCKS_AT_ONCE):
            raise params.InvalidParams(
                f"reorg depth must not exceed current chain height: current height {engine.head.block_number}, "
                f"depth {height}, and {MAX_BLOCKS_AT_ONCE} at most"
            )
        engine.reorganise(_placed(height, [] if pairs is None else pairs))

    return {
        "evm_snapshot": lambda: hex(engine.chain.snapshot()),
        "evm_revert": lambda snapshot: engine.revert(params.parse_number(snapshot, "snapshot id")),
        "anvil_reorg": reorganise,
    }


def _pace(engine: Engine) -> Methods:
    def set_instant(wanted: Any) -> None:
        if params.parse_flag(wanted, "automine"):
            engine.pace = BlockPace()
        elif engine.pace.is_instant:
            engine.pace = BlockPace(is_instant=False)

    def set_interval(seconds: Any) -> None:
        engine.pace = BlockPace(is_instant=False, interval_s=params.parse_number(seconds, "interval"))

    def interval() -> float | None:
        return engine.pace.interval_s or None

    def mine(count: Any = 1, seconds: Any = 0) -> None:
        blocks, gap_s = params.parse_number(count, "block count"), params.parse_number(seconds, "interval")
        if blocks > MAX_BLOCKS_AT_ONCE:
            raise params.InvalidParams(f"{blocks} blocks are too many: mine {MAX_BLOCKS_AT_ONCE} at most at a time")
        for index in range(blocks):
            if index:
                engine.chain.shift_clock(gap_s)
            engine.mine()

    return {
        "evm_setAutomine": set_instant,
        "anvil_setAutomine": set_instant,
        "anvil_getAutomine": lambda: engine.pace.is_instant,
        "evm_setIntervalMining": set_interval,
        "anvil_setIntervalMining": set_interval,
        "anvil_getIntervalMining": interval,
        "anvil_mine": mine,
    }


def _clock(engine: Engine) -> Methods:
    def set_next(timestamp: Any) -> None:
        wanted = params.parse_number(timestamp, "timestamp")
        if wanted < engine.head.timestamp:
            raise params.InvalidParams(f"Timestamp error: {wanted} is lower than previous block's timestamp")
        engine.set_next_timestamp(wanted)

    return {"evm_setNextBlockTimestamp": set_next, "anvil_setNextBlockTimestamp": set_next}


def _pool(engine: Engine) -> Methods:
    def drop(transaction_hash: Any) -> str | None:
        wanted = params.parse_hash32(transaction_hash)
        return views.hex_data(wanted) if engine.pool.drop(wanted) else None

    def content() -> dict[str, Any]:
        return {
            part: {
                to_checksum_address(sender): {str(one.nonce): views.pending_view(one) for one in transactions}
                for sender, transactions in found.items()
            }
            for part, found in zip(("pending", "queued"), _pooled(engine), strict=True)
        }

    def status() -> dict[str, str]:
        counts = [sum(len(transactions) for transactions in found.values()) for found in _pooled(engine)]
        return {"pending": hex(counts[0]), "queued": hex(counts[1])}

    def inspect() -> dict[str, Any]:
        return {
            part: {
                to_checksum_address(sender): {str(one.nonce): _summary(one) for one in transactions}
                for sender, transactions in found.items()
            }
            for part, found in zip(("pending", "queued"), _pooled(engine), strict=True)
        }

    return {
        "anvil_dropTransaction": drop,
        "hardhat_dropTransaction": drop,
        "anvil_dropAllTransactions": engine.pool.clear,
        "txpool_content": content,
        "txpool_inspect": inspect,
        "txpool_status": status,
    }


def _state(engine: Engine) -> Methods:
    """Accounts as a test wants them. No state without a block that leads to it: each change makes a block."""

    def set_balance(account: Any, balance: Any) -> None:
        address, wanted = params.parse_address(account), params.parse_quantity(balance, "balance")
        engine.alter(lambda state: state.set_balance(address, wanted))

    def set_nonce(account: Any, nonce: Any) -> None:
        address, wanted = params.parse_address(account), params.parse_nonce(nonce)
        engine.alter(lambda state: state.set_nonce(address, wanted))

    def set_code(account: Any, code: Any) -> None:
        address, wanted = params.parse_address(account), params.parse_data(code, what="code")
        engine.alter(lambda state: state.set_code(address, wanted))

    def set_slot(account: Any, slot: Any, value: Any) -> bool:
        address, wanted = params.parse_address(account), params.parse_quantity(slot, "slot")
        held = int.from_bytes(params.parse_hash32(value), "big")
        engine.alter(lambda state: state.set_storage(address, wanted, held))
        return True

    setters: Methods = {
        "setBalance": set_balance,
        "setNonce": set_nonce,
        "setCode": set_code,
        "setStorageAt": set_slot,
    }
    return {f"{maker}_{name}": method for maker in ("anvil", "hardhat") for name, method in setters.items()}


def _summary(transaction: Transaction) -> str:
    to = to_checksum_address(transaction.to) if transaction.to else "contract creation"
    return f"{to}: {transaction.value} wei + {transaction.gas} gas × {transaction.max_fee_per_gas} wei"


def _pooled(engine: Engine) -> tuple[dict[bytes, list[Transaction]], dict[bytes, list[Transaction]]]:
    """By sender: what could be mined in the order of nonces, and what waits behind a missing nonce."""
    pending: dict[bytes, list[Transaction]] = {}
    queued: dict[bytes, list[Transaction]] = {}
    for sender in engine.pool.senders():
        ready = engine.pool.pending_nonce(sender, engine.nonce_of(sender))
        for nonce, transaction in engine.pool.by_nonce(sender):
            (pending if nonce < ready else queued).setdefault(sender, []).append(transaction)
    return pending, queued


def _placed(height: int, pairs: Any) -> list[list[bytes]]:
    """Signed transactions by block, from pairs of one and the index of its block."""
    if not isinstance(pairs, list) or len(pairs) > MAX_REORG_TRANSACTIONS:
        raise params.InvalidParams(f"invalid reorg transactions: expected at most {MAX_REORG_TRANSACTIONS} pairs")
    blocks: list[list[bytes]] = [[] for _ in range(height)]
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise params.InvalidParams("invalid reorg transaction: expected [signed transaction, block index]")
        index = params.parse_number(pair[1], "block index")
        if index >= height:
            raise params.InvalidParams(f"block index {index} must not exceed (depth-1) {height - 1}")
        blocks[index].append(params.parse_data(pair[0], what="signed transaction"))
    return blocks


def _slots(value: Any) -> list[int]:
    if not isinstance(value, list) or len(value) > MAX_SLOTS:
        raise params.InvalidParams(f"invalid storage keys: expected a list of at most {MAX_SLOTS}")
    return [params.parse_quantity(slot, "storage key") for slot in value]
