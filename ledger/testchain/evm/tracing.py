"""What an execution touches on its way: accounts and slots, and coin that moves."""

from collections.abc import Callable
from typing import Any

from eth.vm import opcode_values
from eth.vm.stack import to_int
from eth_typing import Address

from ledger.testchain.evm.metering import MeteredComputation, SimulatedState
from ledger.testchain.evm.vm import Computation

# Where go-ethereum says that coin moved, as if coin were a token: the logs of eth_simulateV1 with traceTransfers.
COIN = Address(bytes.fromhex("ee" * 20))
_TRANSFER = 0xDDF252AD1BE2C89B69C2B068FC378DAA952BA7F163C4A11628F55A4DF523B3EF
_LOADS_AND_STORES = (opcode_values.SLOAD, opcode_values.SSTORE)
# Operation → how deep in the stack the address lies, and how deep the stack must be.
_ADDRESS_DEPTHS = {
    opcode_values.BALANCE: (1, 1),
    opcode_values.EXTCODESIZE: (1, 1),
    opcode_values.EXTCODECOPY: (1, 1),
    opcode_values.EXTCODEHASH: (1, 1),
    opcode_values.SELFDESTRUCT: (1, 1),
    opcode_values.CALL: (2, 5),
    opcode_values.CALLCODE: (2, 5),
    opcode_values.DELEGATECALL: (2, 5),
    opcode_values.STATICCALL: (2, 5),
}


def _traced_slot(operation: Callable[..., None]) -> Callable[..., None]:
    def run(computation: Computation) -> None:
        if computation._stack.values:
            slots = computation.state.touched.setdefault(computation.msg.storage_address, {})
            slots[to_int(computation._stack.values[-1])] = None
        operation(computation=computation)

    return run


def _traced_address(operation: Callable[..., None], depth: int, least: int) -> Callable[..., None]:
    def run(computation: Computation) -> None:
        stack = computation._stack.values
        if len(stack) >= least:
            address = to_int(stack[-depth]).to_bytes(32, "big")[12:]
            computation.state.touched.setdefault(address, {})
        operation(computation=computation)

    return run


_UNTRACED: Any = MeteredComputation.opcodes
_OPCODES: Any = {
    **_UNTRACED,
    **{code: _traced_slot(_UNTRACED[code]) for code in _LOADS_AND_STORES},
    **{code: _traced_address(_UNTRACED[code], *at) for code, at in _ADDRESS_DEPTHS.items()},
}


class _TracedComputation(MeteredComputation):
    """Notes in its state what it touches."""

    opcodes = _OPCODES

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        if state.traces_transfers and message.should_transfer_value and message.value:
            ends = [int.from_bytes(one, "big") for one in (message.sender, message.storage_address)]
            self.add_log_entry(COIN, (_TRANSFER, *ends), message.value.to_bytes(32, "big"))


class TracedState(SimulatedState):
    """A world that remembers what was touched in it.

    touched: account, 20 bytes → its slots, in order. traces_transfers: coin that moves leaves a log.
    """

    computation_class = _TracedComputation
    traces_transfers = False

    def __init__(self, *arguments: Any) -> None:
        self.touched: dict[bytes, dict[int, None]] = {}
        super().__init__(*arguments)
