"""py-evm's interpreter with the commonest instructions done in one loop: a third of the time, the same results.

Whatever is not here, and whatever costs more than its fixed price, py-evm does.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final

from eth.exceptions import FullStack, InsufficientStack, InvalidJumpDestination, OutOfGas
from eth.vm.code_stream import CodeStream
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.opcode_values import JUMPDEST, PUSH0, PUSH32, STOP

from ledger.testchain.evm.vm import LocalState, LocalVM

_MOST_ITEMS: Final = 1024
_WORD: Final = (1 << 256) - 1
_SIGN: Final = 1 << 255


@lru_cache(maxsize=64)
def _decoded(code: bytes) -> tuple[list[int], frozenset[int]]:
    """What a PUSH at each place pushes, 0 elsewhere; where one may jump to."""
    pushed, targets, place = [0] * len(code), set(), 0
    while place < len(code):
        size = code[place] - PUSH0 if PUSH0 <= code[place] <= PUSH32 else 0
        if size:
            pushed[place] = int.from_bytes(code[place + 1 : place + 1 + size].ljust(size, b"\0"), "big")
        elif code[place] == JUMPDEST:
            targets.add(place)
        place += 1 + size
    return pushed, frozenset(targets)


@cache
def _prices(kind: Any) -> list[int]:
    prices = [0] * 256
    for number, opcode in kind.opcodes.items():
        prices[number] = getattr(opcode, "gas_cost", 0)
    return prices


class _LeanCode(CodeStream):
    """Iterating runs what this module knows and yields the other instructions. The stack holds integers alone."""

    __slots__ = ("_computation",)

    def __init__(self, code: bytes, computation: Any) -> None:
        super().__init__(code)
        self._computation = computation

    def __iter__(self) -> Iterator[int]:
        try:
            yield from self._run()
        except IndexError as error:
            raise InsufficientStack("an instruction wanted more than the stack holds") from error

    def _run(self) -> Iterator[int]:
        computation = self._computation
        code, length = self._raw_code_bytes, self._length_cache
        pushed, targets = _decoded(code)
        prices, meter, values = _prices(computation.__class__), computation._gas_meter, computation._stack.values
        pop, push, memory = values.pop, values.append, computation._memory
        place, gas = self.program_counter, meter.gas_remaining
        while place < length:
            op = code[place]
            place += 1
            if 0x5F <= op <= 0x7F:  # PUSH
                push(pushed[place - 1])
                place += op - 0x5F
            elif 0x80 <= op <= 0x8F:  # DUP
                push(values[0x7F - op])
            elif 0x90 <= op <= 0x9F:  # SWAP
                other = 0x8E - op
                values[-1], values[other] = values[other], values[-1]
            elif op == 0x57:  # JUMPI
                target = pop()
                if pop():
                    if target not in targets:
                        raise InvalidJumpDestination("Invalid Jump Destination")
                    place = target
            elif op == 0x5B:  # JUMPDEST
                pass
            elif op == 0x50:  # POP
                pop()
            elif op == 0x51 and values[-1] + 32 <= len(memory._bytes):  # MLOAD
                start = values[-1]
                values[-1] = int.from_bytes(memory._bytes[start : start + 32], "big")
            elif op == 0x52 and values[-1] + 32 <= len(memory._bytes):  # MSTORE
                start = pop()
                memory._bytes[start : start + 32] = pop().to_bytes(32, "big")
            elif op == 0x56:  # JUMP
                place = pop()
                if place not in targets:
                    raise InvalidJumpDestination("Invalid Jump Destination")
            elif op == 0x01:  # ADD
                top = pop()
                values[-1] = (top + values[-1]) & _WORD
            elif op == 0x03:  # SUB
                top = pop()
                values[-1] = (top - values[-1]) & _WORD
            elif op == 0x02:  # MUL
                top = pop()
                values[-1] = (top * values[-1]) & _WORD
            elif op == 0x16:  # AND
                top = pop()
                values[-1] &= top
            elif op == 0x17:  # OR
                top = pop()
                values[-1] |= top
            elif op == 0x18:  # XOR
                top = pop()
                values[-1] ^= top
            elif op == 0x19:  # NOT
                values[-1] ^= _WORD
            elif op == 0x15:  # ISZERO
                values[-1] = int(values[-1] == 0)
            elif op == 0x14:  # EQ
                top = pop()
                values[-1] = int(top == values[-1])
            elif op == 0x10:  # LT
                top = pop()
                values[-1] = int(top < values[-1])
            elif op == 0x11:  # GT
                top = pop()
                values[-1] = int(top > values[-1])
            elif op == 0x12:  # SLT
                top = pop()
                values[-1] = int(top ^ _SIGN < values[-1] ^ _SIGN)
            elif op == 0x13:  # SGT
                top = pop()
                values[-1] = int(top ^ _SIGN > values[-1] ^ _SIGN)
            elif op == 0x1B:  # SHL
                shift = pop()
                values[-1] = (values[-1] << shift) & _WORD if shift < 256 else 0
            elif op == 0x1C:  # SHR
                shift = pop()
                values[-1] = values[-1] >> shift if shift < 256 else 0
            else:
                meter.gas_remaining, self.program_counter = gas, place
                yield op
                place, gas = self.program_counter, meter.gas_remaining
                # py-evm leaves bytes where they come from memory or calldata, and one instruction leaves one item.
                if values and values[-1].__class__ is bytes:
                    values[-1] = int.from_bytes(values[-1], "big")
                continue
            gas -= prices[op]
            if gas < 0:
                raise OutOfGas(f"an instruction wanted {prices[op]} gas")
            if len(values) > _MOST_ITEMS:
                raise FullStack("Stack limit reached")
        meter.gas_remaining, self.program_counter = gas, place
        yield STOP


class _LeanComputation(PragueComputation):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.code = _LeanCode(self.msg.code, self)


class _LeanState(LocalState):
    computation_class = _LeanComputation


class LeanVM(LocalVM):
    """The local chain's machine with this interpreter."""

    _state_class = _LeanState
