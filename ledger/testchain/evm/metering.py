"""Executions that anyone may ask for and nobody pays for: they end after a while, and give way to others."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from eth.vm import opcode_values
from eth.vm.forks.prague.computation import PragueComputation

from ledger.testchain.evm.messages import ExecutionFailed
from ledger.testchain.evm.vm import Computation, LocalState

# Between two looks at the clock lie at most so many jumps and calls. A loop needs a jump and a recursion a call,
# and the code between them is bounded by the size of a contract.
_STEPS_PER_LOOK = 16


class Meter:
    """What one request may spend on execution.

    limit_s: of its thread's processor time. give_way: called now and then; lets whoever waits go first, and may
    raise. aside: what runs in it touches no state, so others may go on beside it.
    """

    def __init__(
        self,
        limit_s: float,
        give_way: Callable[[], None] = lambda: None,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.aside = aside
        self._limit_s, self._give_way = limit_s, give_way
        self._deadline = time.thread_time() + limit_s
        self._steps = _STEPS_PER_LOOK

    def step(self) -> None:
        """One jump or call more. Raises ExecutionFailed where the time is over."""
        self._steps -= 1
        if self._steps > 0:
            return
        self._steps = _STEPS_PER_LOOK
        self.look()

    def look(self) -> None:
        """Give way, and raise ExecutionFailed where the time is over."""
        self._give_way()
        if time.thread_time() > self._deadline:
            raise ExecutionFailed(f"execution aborted (timeout = {self._limit_s:g}s)")


def _metered(operation: Callable[..., None]) -> Callable[..., None]:
    def run(computation: Computation) -> None:
        computation.state.meter.step()
        operation(computation=computation)

    return run


def _metered_precompile(operation: Callable[..., Computation]) -> Callable[..., Computation]:
    def run(computation: Computation) -> Computation:
        # A pairing takes long and cannot be interrupted, but looks at nothing besides its input.
        with computation.state.meter.aside():
            found = operation(computation)
        computation.state.meter.look()
        return found

    return run


_OPCODES: Any = {
    **PragueComputation.opcodes,
    opcode_values.JUMP: _metered(PragueComputation.opcodes[opcode_values.JUMP]),
    opcode_values.JUMPI: _metered(PragueComputation.opcodes[opcode_values.JUMPI]),
}
_PRECOMPILES: Any = {
    address: _metered_precompile(operation) for address, operation in PragueComputation.get_precompiles().items()
}


class MeteredComputation(PragueComputation):
    """py-evm's, counted."""

    opcodes = _OPCODES
    _precompiles = _PRECOMPILES

    @classmethod
    def apply_computation(cls, state: Any, *arguments: Any, **named: Any) -> Any:
        """py-evm's: one call."""
        state.meter.step()
        return super().apply_computation(state, *arguments, **named)


class SimulatedState(LocalState):
    """A world in memory for executions that nobody pays for."""

    computation_class = MeteredComputation
    meter: Meter
