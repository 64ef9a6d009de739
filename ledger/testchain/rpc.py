"""The JSON-RPC methods: names and parameters in, plain JSON values out. Runs in the chain's thread."""

from collections.abc import Callable
from importlib.metadata import version
from inspect import signature
from typing import Any

from ledger.testchain import params, views
from ledger.testchain.engine import Engine
from ledger.testchain.fees import SUGGESTED_TIP_WEI, fee_history
from ledger.testchain.simulate import ExecutionFailed, ExecutionReverted, call, estimate_gas
from ledger.testchain.transactions import TransactionRejected
from ledger.testchain.vm import Header, State

MAX_LOGS = 20_000
_SERVER_ERROR = -32000
_LIMIT_EXCEEDED = -32005
_METHOD_NOT_FOUND = -32601
_INVALID_PARAMS = -32602
_INTERNAL_ERROR = -32603
_REVERTED = 3


class RpcError(Exception):
    """Answered to the caller as JSON-RPC's error object."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data

    def view(self) -> dict[str, Any]:
        """The error object."""
        error = {"code": self.code, "message": str(self)}
        return error if self.data is None else {**error, "data": self.data}


class Rpc:
    """Answers method calls on one engine. `subscribe`-like methods need a connection and belong to the server."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._chain, self._pool = engine, engine.chain, engine.pool
        self._methods: dict[str, Callable[..., Any]] = {
            "web3_clientVersion": lambda: f"folkmoot-testchain/v{version('folkmoot')}/py-evm{version('py-evm')}",
            "net_version": lambda: str(self._chain.chain_id),
            "net_listening": lambda: True,
            "eth_chainId": lambda: hex(self._chain.chain_id),
            "eth_syncing": lambda: False,
            "eth_accounts": lambda: [],
            "eth_blockNumber": lambda: hex(engine.head.block_number),
            "eth_gasPrice": lambda: hex(engine.next_base_fee_wei() + SUGGESTED_TIP_WEI),
            "eth_maxPriorityFeePerGas": lambda: hex(SUGGESTED_TIP_WEI),
            "eth_feeHistory": self._fee_history,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": self._transaction_count,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getBalance": self._balance,
            "eth_getTransactionCount": self._nonce,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate_gas,
            "eth_sendRawTransaction": lambda raw: views.hex_data(engine.submit(params.data(raw))),
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": self._logs,
            "evm_increaseTime": lambda seconds: self._chain.shift_clock(params.number(seconds, "seconds")),
            "evm_mine": self._mine,
        }

    def answer(self, method: str, arguments: list[Any]) -> Any:
        """The result of a call. Raises RpcError."""
        handler = self._methods.get(method)
        if handler is None:
            raise RpcError(_METHOD_NOT_FOUND, f"the method {method[:80]} does not exist/is not available")
        try:
            signature(handler).bind(*arguments)
        except TypeError as error:
            raise RpcError(_INVALID_PARAMS, f"{method}: {error}") from error
        try:
            return handler(*arguments)
        except params.InvalidParams as error:
            raise RpcError(_INVALID_PARAMS, str(error)) from error
        except ExecutionReverted as error:
            raise RpcError(_REVERTED, str(error), views.hex_data(error.data)) from error
        except (ExecutionFailed, TransactionRejected) as error:
            raise RpcError(_SERVER_ERROR, str(error)) from error
        except RpcError:
            raise
        except Exception:
            # A bug may have left the shared state half changed: the next reader gets a fresh one.
            self._engine.forget_state()
            raise

    # --- which block

    def _header(self, block: Any) -> Header:
        """The header a block parameter names; the pending one is the next, unmined."""
        header = self._find_header(block)
        if header is None:
            raise RpcError(_SERVER_ERROR, "header not found")
        return header

    def _find_header(self, block: Any) -> Header | None:
        name = params.block_id(block)
        if isinstance(name, bytes):
            return self._chain.header_by_hash(name)
        if isinstance(name, int):
            return self._chain.header_by_number(name)
        # No block is ever reorganised here, so the latest is as safe and final as any.
        return self._chain.header_by_number(0) if name == "earliest" else self._engine.head

    def _state(self, block: Any) -> State:
        header = self._header(block)
        return self._engine.head_state() if header is self._engine.head else self._chain.state(header)

    def _call_state(self, block: Any) -> State:
        """Like `_state`, but pending means: in the next block, at this moment."""
        if params.block_id(block) != "pending":
            return self._state(block)
        return self._chain.state(self._engine.pending_header())

    # --- blocks, transactions, logs

    def _block_by_number(self, block: Any, full: Any = False) -> Any:
        whole = params.flag(full, "full transactions")
        if params.block_id(block) == "pending":
            return views.pending_block_view(self._engine.pending_header(), self._engine.pending(), whole)
        header = self._find_header(block)
        return None if header is None else views.block_view(self._chain.record(header), whole)

    def _block_by_hash(self, block_hash: Any, full: Any = False) -> Any:
        whole, header = (
            params.flag(full, "full transactions"),
            self._chain.header_by_hash(params.hash32(block_hash)),
        )
        return None if header is None else views.block_view(self._chain.record(header), whole)

    def _transaction_count(self, block: Any) -> str | None:
        header = self._find_header(block)
        return None if header is None else hex(len(self._chain.record(header).transactions))

    def _block_receipts(self, block: Any) -> Any:
        header = self._find_header(_maybe_hash(block))
        if header is None:
            return None
        record = self._chain.record(header)
        return [views.receipt_view(record, index) for index in range(len(record.transactions))]

    def _transaction(self, transaction_hash: Any) -> Any:
        wanted = params.hash32(transaction_hash)
        if (place := self._chain.locate(wanted)) is not None:
            return views.transaction_view(*place)
        pooled = self._pool.get(wanted)
        return None if pooled is None else views.pending_view(pooled)

    def _receipt(self, transaction_hash: Any) -> Any:
        place = self._chain.locate(params.hash32(transaction_hash))
        return None if place is None else views.receipt_view(*place)

    def _logs(self, filter_object: Any) -> list[Any]:
        wanted, fields = params.log_filter(filter_object)
        first, last = self._log_range(fields)
        found = []
        for log in self._chain.search_logs(wanted, first, last):
            found.append(views.log_view(log))
            if len(found) > MAX_LOGS:
                raise RpcError(_LIMIT_EXCEEDED, f"query returned more than {MAX_LOGS} results")
        return found

    def _log_range(self, fields: dict[str, Any]) -> tuple[int, int]:
        if fields.get("blockHash") is not None:
            if fields.get("fromBlock") is not None or fields.get("toBlock") is not None:
                raise params.InvalidParams("cannot specify both blockHash and fromBlock/toBlock, choose one")
            header = self._chain.header_by_hash(params.hash32(fields["blockHash"]))
            if header is None:
                raise RpcError(_SERVER_ERROR, "unknown block")
            return header.block_number, header.block_number
        first, last = (params.block_id(fields.get(name) or "latest") for name in ("fromBlock", "toBlock"))
        if isinstance(first, int) and isinstance(last, int) and first > last:
            raise params.InvalidParams("invalid block range params")
        return self._log_bound(first), self._log_bound(last)

    def _log_bound(self, name: str | int | bytes) -> int:
        """Numbers beyond the head stand for the block after it, so such a range is empty and not an error."""
        if isinstance(name, int):
            return int(min(name, self._engine.head.block_number + 1))
        if isinstance(name, bytes):
            raise params.InvalidParams("invalid block range params: use blockHash for a hash")
        return 0 if name == "earliest" else int(self._engine.head.block_number)

    # --- state

    def _balance(self, account: Any, block: Any = "latest") -> str:
        return hex(self._state(block).get_balance(params.address(account)))

    def _nonce(self, account: Any, block: Any = "latest") -> str:
        sender = params.address(account)
        nonce = self._state(block).get_nonce(sender)
        if params.block_id(block) == "pending":
            nonce = self._pool.pending_nonce(sender, nonce)
        return hex(nonce)

    def _code(self, account: Any, block: Any = "latest") -> str:
        return views.hex_data(self._state(block).get_code(params.address(account)))

    def _storage(self, account: Any, slot: Any, block: Any = "latest") -> str:
        value = self._state(block).get_storage(params.address(account), params.quantity(slot, "slot"))
        return f"0x{value:064x}"

    def _call(self, message: Any, block: Any = "latest", overrides: Any = None) -> str:
        _refuse_overrides(overrides)
        return views.hex_data(call(self._call_state(block), params.message(message)))

    def _estimate_gas(self, message: Any, block: Any = "pending", overrides: Any = None) -> str:
        _refuse_overrides(overrides)
        return hex(estimate_gas(self._call_state(block), params.message(message)))

    # --- fees and clock

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> Any:
        wanted = params.percentiles(percentiles)
        header = self._header(newest)
        return fee_history(self._chain, params.number(count, "block count"), header.block_number, wanted)

    def _mine(self, timestamp: Any = None) -> str:
        if timestamp is None:
            self._engine.mine()
            return "0x0"
        wanted = params.number(timestamp, "timestamp")
        if wanted < self._engine.head.timestamp:
            raise params.InvalidParams(f"timestamp {wanted} is before the latest block's")
        self._engine.set_clock(wanted)
        self._engine.mine(wanted)
        return "0x0"


def _maybe_hash(block: Any) -> Any:
    """eth_getBlockReceipts takes a bare hash as well."""
    return {"blockHash": block} if isinstance(block, str) and len(block) == 66 else block


def _refuse_overrides(overrides: Any) -> None:
    if overrides:
        raise params.InvalidParams("state overrides are not supported")
