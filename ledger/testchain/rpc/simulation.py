"""The methods that execute what nobody signed: calls, estimates, access lists, whole blocks.

They run in a thread of their own, in turn with the chain's: see `mining/turns.py`.
"""

from collections.abc import Callable
from typing import Any

from ledger.testchain.evm.block_simulation import BlockPlan, SimulationRefused, simulate_blocks
from ledger.testchain.evm.metering import Meter, SimulatedState
from ledger.testchain.evm.overrides import override_accounts, override_block
from ledger.testchain.evm.simulate import call, estimate_gas, list_accesses
from ledger.testchain.evm.tracing import TracedState
from ledger.testchain.evm.vm import Header, WorldState
from ledger.testchain.mining.engine import Engine
from ledger.testchain.mining.turns import Turns
from ledger.testchain.rpc import params, views
from ledger.testchain.rpc.errors import RpcError
from ledger.testchain.rpc.lookups import Lookups
from ledger.testchain.rpc.override_params import parse_account_overrides, parse_block_override
from ledger.testchain.rpc.simulated_views import simulated_block_view

# Of processor time, for one request. go-ethereum's 5 s are of a machine that executes a hundred times as fast.
LIMIT_S = 10.0
MAX_CALLS = 1000
METHODS = ("eth_call", "eth_estimateGas", "eth_createAccessList", "eth_simulateV1")


class Simulations:
    """Executes on states of its own, so that the chain may go on in the middle."""

    def __init__(self, engine: Engine, lookups: Lookups, turns: Turns) -> None:
        self._engine, self._chain, self._lookups, self._turns = engine, engine.chain, lookups, turns
        # The newest block's, kept for as long as it is the newest: what was read once is at hand.
        self._kept: tuple[Header, SimulatedState] | None = None

    def methods(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "eth_call": self._call,
            "eth_estimateGas": self._estimate_gas,
            "eth_createAccessList": self._create_access_list,
            "eth_simulateV1": self._simulate,
        }

    def forget_state(self) -> None:
        """Build the states anew."""
        self._kept = None

    def _call(self, message: Any, block: Any = "latest", accounts: Any = None, within: Any = None) -> str:
        return views.hex_data(call(*self._state(block, accounts, within), params.parse_message(message)))

    def _estimate_gas(self, message: Any, block: Any = "pending", accounts: Any = None, within: Any = None) -> str:
        return hex(estimate_gas(*self._state(block, accounts, within), params.parse_message(message)))

    def _create_access_list(self, message: Any, block: Any = "pending", accounts: Any = None) -> Any:
        asked = params.parse_message(message)
        header = self._header(block)
        state = self._build(header, TracedState)
        override_accounts(state, parse_account_overrides(accounts))
        found = list_accesses(state, header.base_fee_per_gas, asked)
        view = {"accessList": views.access_list_view(found.access_list), "gasUsed": hex(found.gas_used)}
        return view if found.failure is None else {**view, "error": found.failure}

    def _simulate(self, options: Any, block: Any = "latest") -> list[Any]:
        asked = params.parse_object(options, "simulation")
        validates, traces, whole = (
            params.parse_flag(asked.get(name) or False, name)
            for name in ("validation", "traceTransfers", "returnFullTransactions")
        )
        plans = _parse_plans(asked.get("blockStateCalls"))
        # The pending block is not there to be built on.
        parent = self._lookups.header(block)
        state = self._build(parent, TracedState)
        state.traces_transfers = traces
        try:
            blocks = simulate_blocks(state, parent, plans, validates)
        except SimulationRefused as refusal:
            raise RpcError(refusal.code, str(refusal)) from refusal
        return [simulated_block_view(one, whole) for one in blocks]

    # --- states

    def _state(self, block: Any, accounts: Any, within: Any) -> tuple[WorldState, int]:
        """What to execute in, and its block's base fee in wei."""
        changed, inside = parse_account_overrides(accounts), parse_block_override(within)
        header = self._header(block)
        if not changed and within is None:
            return self._plain_state(header), header.base_fee_per_gas
        state = self._build(header, SimulatedState)
        override_accounts(state, changed)
        if within is not None:
            header = inside.apply(header)
            override_block(state, header)
        return state, header.base_fee_per_gas

    def _header(self, block: Any) -> Header:
        """Pending means: in the next block, at this moment."""
        is_pending = params.parse_block_id(block) == "pending"
        return self._engine.pending_header() if is_pending else self._lookups.header(block)

    def _plain_state(self, header: Header) -> WorldState:
        if header is not self._engine.head:
            return self._build(header, SimulatedState)
        if self._kept is None or self._kept[0] is not header:
            self._kept = header, self._build(header, SimulatedState)
        state = self._kept[1]
        state.meter = self._meter()
        return state

    def _build(self, header: Header, kind: type[SimulatedState]) -> Any:
        state = self._chain.state(header, kind)
        state.meter = self._meter()
        return state

    def _meter(self) -> Meter:
        return Meter(LIMIT_S, self._turns.give_way, self._turns.aside)


def _parse_plans(value: Any) -> list[BlockPlan]:
    if not isinstance(value, list) or not value:
        raise params.InvalidParams("invalid blockStateCalls: expected a list of blocks that is not empty")
    plans, calls = [], 0
    for item in value:
        fields = params.parse_object(item, "block of blockStateCalls")
        messages = fields.get("calls") or []
        if not isinstance(messages, list):
            raise params.InvalidParams("invalid calls: expected a list")
        calls += len(messages)
        if calls > MAX_CALLS:
            raise params.InvalidParams(f"too many calls: {MAX_CALLS} at most")
        plans.append(
            BlockPlan(
                tuple(params.parse_message(message, gas_unnamed=0) for message in messages),
                parse_block_override(fields.get("blockOverrides")),
                parse_account_overrides(fields.get("stateOverrides")),
            )
        )
    return plans
