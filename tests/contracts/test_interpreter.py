"""The interpreter of the contract's tests does what py-evm's does, to the unit of gas."""

from itertools import product
from random import Random
from typing import Any

import pytest
from eth.vm.message import Message
from eth_utils.address import to_canonical_address

from ledger.testchain.evm.vm import LocalVM
from tests.support.contract.interpreter import LeanVM
from tests.support.contract.machines import BareMachine
from tests.support.contract.walk import Walk, random_terms

PLENTY = 100_000
EDGES = (0, 1, 2, 31, 32, 255, 256, 257, (1 << 255) - 1, 1 << 255, (1 << 256) - 1)
UNARY = (0x15, 0x19)
BINARY = (*range(0x01, 0x04), *range(0x10, 0x15), *range(0x16, 0x19), 0x1B, 0x1C)
# What programs are made of: all that is done in the loop, and what py-evm does in between.
COMMON = (*UNARY, *BINARY, 0x20, 0x30, 0x35, 0x36, 0x50, 0x51, 0x52, 0x53, 0x58, 0x59, 0x5A, 0x5B, 0x5E, 0x5F)


def push(value: int, size: int = 32) -> bytes:
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


def answering(program: bytes) -> bytes:
    """The program, and then what lies on top of the stack is the answer."""
    return program + push(0, 1) + b"\x52" + push(32, 1) + push(0, 1) + b"\xf3"


@pytest.fixture(scope="module")
def machines() -> list[BareMachine]:
    return [BareMachine(1, vm=vm) for vm in (LocalVM, LeanVM)]


def outcomes(machines: list[BareMachine], program: bytes, gas: int = PLENTY) -> list[tuple[Any, ...]]:
    """What came of it: whether it failed, whether that burned its gas, the gas left, the output and the refund."""
    found = []
    for machine in machines:
        state, address = machine._state, to_canonical_address(machine.accounts[0])
        snapshot = state.snapshot()
        machine._enter_block()
        context = state.get_transaction_context_class()(gas_price=0, origin=address)
        message = Message(gas, address, address, 0, bytes(range(100)), program)
        ran = state.computation_class.apply_message(state, message, context)
        state.revert(snapshot)
        left = None if ran.should_burn_gas else ran.get_gas_remaining()
        found.append((ran.is_error, left, bytes(ran.output)))
    return found


def check_alike(machines: list[BareMachine], program: bytes, gas: int = PLENTY) -> tuple[Any, ...]:
    theirs, ours = outcomes(machines, program, gas)
    assert ours == theirs, program.hex()
    return ours


@pytest.mark.parametrize("op", BINARY, ids=hex)
def test_two_operands(machines: list[BareMachine], op: int) -> None:
    for first, second in product(EDGES, EDGES):
        is_error, _, _ = check_alike(machines, answering(push(second) + push(first) + bytes([op])))
        assert not is_error


@pytest.mark.parametrize("op", UNARY, ids=hex)
def test_one_operand(machines: list[BareMachine], op: int) -> None:
    for value in EDGES:
        is_error, _, _ = check_alike(machines, answering(push(value) + bytes([op])))
        assert not is_error


@pytest.mark.parametrize("size", range(33))
def test_what_is_pushed_also_where_the_code_ends(machines: list[BareMachine], size: int) -> None:
    pushed = bytes([0x5F + size]) + bytes(range(1, size + 1))
    assert not check_alike(machines, answering(pushed))[0]
    for length in range(1, size + 1):
        check_alike(machines, pushed[:length])


@pytest.mark.parametrize("depth", range(1, 17))
def test_copies_and_exchanges(machines: list[BareMachine], depth: int) -> None:
    for op, items in product((0x7F + depth, 0x8F + depth), range(depth - 1, depth + 3)):
        laid = b"".join(push(value, 1) for value in range(items))
        assert check_alike(machines, answering(laid + bytes([op])))[0] == (items < depth + (op >= 0x90))
        check_alike(machines, answering(laid + bytes([op, 0x50])))


@pytest.mark.parametrize(
    "program",
    [
        push(4, 1) + b"\x56\x00\x5b" + push(7, 1),
        push(3, 1) + b"\x56\x00\x5b",
        push(1, 1) + push(6, 1) + b"\x57\x00\x5b" + push(7, 1),
        push(0, 1) + push(6, 1) + b"\x57" + push(9, 1) + b"\x5b",
        push(0, 1) + push(99, 1) + b"\x57" + push(9, 1),
        push(4, 1) + b"\x56\x60\x5b" + push(7, 1),
        push((1 << 256) - 1) + b"\x56",
        b"\x56",
        push(1, 1) + b"\x57",
        b"\x5b" + push(0, 1) + b"\x56",
        b"\x5b\x5a" + push(0, 1) + b"\x56",
        push(0x20, 2) + b"\x51",
        push(1 << 255) + b"\x51",
        push(5, 1) + push(1 << 20, 3) + b"\x52",
        push(5, 1) + push(3, 1) + b"\x52" + push(17, 1) + b"\x51",
        b"\xfe",
        b"",
    ],
    ids=bytes.hex,
)
def test_jumps_memory_and_ends(machines: list[BareMachine], program: bytes) -> None:
    check_alike(machines, program)
    check_alike(machines, answering(program))


def test_no_more_gas_and_no_more_room_end_alike(machines: list[BareMachine]) -> None:
    program = answering(push(3, 1) + push(4, 1) + b"\x01\x80\x90\x50" + push(40, 1) + b"\x52\x5f\x51")
    failed = [check_alike(machines, program, gas)[0] for gas in range(80)]
    assert failed == sorted(failed, reverse=True)
    assert set(failed) == {False, True}
    for items in (1023, 1024, 1025):
        check_alike(machines, b"\x5f" * items)
        check_alike(machines, b"\x5f" * (items - 1) + b"\x80")


def test_programs_of_any_instructions(machines: list[BareMachine]) -> None:
    chance, failed = Random(1), 0
    for _ in range(1500):
        program = b"".join(
            push(chance.choice(EDGES[:5] if chance.random() < 0.8 else EDGES))
            if chance.random() < 0.4
            else bytes([chance.choice([*COMMON, *range(0x80, 0x84), *range(0x90, 0x94)])])
            for _ in range(chance.randint(1, 25))
        )
        failed += check_alike(machines, answering(program), 3000)[0]
    assert 100 < failed < 1400


def test_a_circle_lives_the_same_life_on_both() -> None:
    lives = []
    for vm in (LocalVM, LeanVM):
        chance = Random(5)
        ran: list[Any] = []
        walk = Walk(random_terms(chance), check_every=16, machine=Recorder(ran, vm))
        while walk.steps < 200:
            walk.take(chance)
        lives.append(ran)
    assert lives[0] == lives[1]


class Recorder(BareMachine):
    """Notes everything that came of every transaction."""

    def __init__(self, ran: list[Any], vm: Any) -> None:
        super().__init__(9, vm=vm)
        self._ran = ran

    def run(self, *arguments: Any, **options: Any) -> Any:
        self._ran.append(super().run(*arguments, **options))
        return self._ran[-1]
