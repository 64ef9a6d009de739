"""The JSON-RPC methods: names and parameters in, plain JSON values out.

Runs in the chain's thread; `simulation.METHODS` in that of simulations. Never both at once.
"""

from collections.abc import Callable
from importlib.metadata import version
from inspect import signature
from typing import Any

from eth_hash.auto import keccak

from ledger.testchain.evm.messages import ExecutionFailed, ExecutionReverted
from ledger.testchain.evm.transactions import TransactionRejected
from ledger.testchain.evm.vm import WorldState
from ledger.testchain.mining.engine import Engine
from ledger.testchain.mining.turns import Turns
from ledger.testchain.rpc import params, views
from ledger.testchain.rpc.development import development_methods
from ledger.testchain.rpc.errors import INVALID_PARAMS, METHOD_NOT_FOUND, REVERTED, SERVER_ERROR, RpcError
from ledger.testchain.rpc.fee_history import BLOB_BASE_FEE_WEI, SUGGESTED_TIP_WEI, fee_history
from ledger.testchain.rpc.filters import Filters
from ledger.testchain.rpc.lookups import Lookups
from ledger.testchain.rpc.simulation import Simulations

__all__ = ["RpcError", "RpcMethods"]


class RpcMethods:
    """Answers method calls on one engine. `subscribe`-like methods need a connection and belong to the server."""

    def __init__(self, engine: Engine, turns: Turns) -> None:
        """turns: of the chain and of simulations."""
        self._engine, self._chain, self._pool = engine, engine.chain, engine.pool
        self._lookups = Lookups(engine)
        self._simulations = Simulations(engine, self._lookups, turns)
        self._methods: dict[str, Callable[..., Any]] = {
            "web3_clientVersion": lambda: f"folkmoot-testchain/v{version('folkmoot')}/py-evm{version('py-evm')}",
            "net_version": lambda: str(self._chain.chain_id),
            "web3_sha3": lambda value: views.hex_data(keccak(params.parse_data(value))),
            "net_listening": lambda: True,
            "net_peerCount": lambda: "0x0",
            "eth_chainId": lambda: hex(self._chain.chain_id),
            "eth_syncing": lambda: False,
            "eth_accounts": lambda: [],
            "eth_blockNumber": lambda: hex(engine.head.block_number),
            "eth_gasPrice": lambda: hex(engine.next_base_fee_wei() + SUGGESTED_TIP_WEI),
            "eth_maxPriorityFeePerGas": lambda: hex(SUGGESTED_TIP_WEI),
            "eth_blobBaseFee": lambda: hex(BLOB_BASE_FEE_WEI),
            "eth_feeHistory": self._fee_history,
            "eth_getBalance": self._balance,
            "eth_getTransactionCount": self._nonce,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_sendRawTransaction": lambda raw: views.hex_data(engine.submit(params.parse_data(raw))),
            "evm_increaseTime": lambda seconds: self._chain.shift_clock(params.parse_number(seconds, "seconds")),
            "evm_mine": self._mine,
            **self._lookups.methods(),
            **self._simulations.methods(),
            **Filters(engine, self._lookups).methods(),
            **development_methods(engine, self._lookups.header),
        }
        self._signatures = {name: signature(handler) for name, handler in self._methods.items()}

    def has(self, method: str) -> bool:
        """Whether there is such a method."""
        return method in self._methods

    def answer(self, method: str, arguments: list[Any]) -> Any:
        """The result of a call. Raises RpcError."""
        handler = self._methods.get(method)
        if handler is None:
            raise RpcError(METHOD_NOT_FOUND, f"the method {method[:80]} does not exist/is not available")
        try:
            self._signatures[method].bind(*arguments)
        except TypeError as error:
            raise RpcError(INVALID_PARAMS, f"{method}: {error}") from error
        try:
            return handler(*arguments)
        except params.InvalidParams as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
        except ExecutionReverted as error:
            raise RpcError(REVERTED, str(error), views.hex_data(error.data)) from error
        except (ExecutionFailed, TransactionRejected) as error:
            raise RpcError(SERVER_ERROR, str(error)) from error
        except RpcError:
            raise
        except Exception:
            # A bug may have left the shared state half changed: the next reader gets a fresh one.
            self._engine.forget_state()
            self._simulations.forget_state()
            raise

    # --- state

    def _state(self, block: Any) -> WorldState:
        header = self._lookups.header(block)
        return self._engine.head_state() if header is self._engine.head else self._chain.state(header)

    def _balance(self, account: Any, block: Any = "latest") -> str:
        return hex(self._state(block).get_balance(params.parse_address(account)))

    def _nonce(self, account: Any, block: Any = "latest") -> str:
        sender = params.parse_address(account)
        nonce = self._state(block).get_nonce(sender)
        if params.parse_block_id(block) == "pending":
            nonce = self._pool.pending_nonce(sender, nonce)
        return hex(nonce)

    def _code(self, account: Any, block: Any = "latest") -> str:
        return views.hex_data(self._state(block).get_code(params.parse_address(account)))

    def _storage(self, account: Any, slot: Any, block: Any = "latest") -> str:
        value = self._state(block).get_storage(params.parse_address(account), params.parse_quantity(slot, "slot"))
        return f"0x{value:064x}"

    # --- fees and clock

    def _fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> Any:
        wanted = params.parse_percentiles(percentiles)
        header = self._lookups.header(newest)
        return fee_history(self._chain, params.parse_number(count, "block count"), header.block_number, wanted)

    def _mine(self, timestamp: Any = None) -> str:
        if timestamp is None:
            self._engine.mine()
            return "0x0"
        wanted = params.parse_number(timestamp, "timestamp")
        if wanted < self._engine.head.timestamp:
            raise params.InvalidParams(f"timestamp {wanted} is before the latest block's")
        self._engine.set_clock(wanted)
        self._engine.mine(wanted)
        return "0x0"
