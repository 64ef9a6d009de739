"""eth_call and eth_estimateGas: run a message without a signature, on a copy of the state in memory."""

from dataclasses import dataclass

from eth.exceptions import (
    FullStack,
    InsufficientFunds,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfGas,
    Revert,
    VMError,
    WriteProtection,
)
from eth.vm.forks.london.transactions import UnsignedDynamicFeeTransaction
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_utils.exceptions import ValidationError

from ledger.testchain.evm.transactions import (
    TRANSACTION_GAS_CAP,
    TRANSFER_GAS,
    TransactionRejected,
    check_initcode,
    creation_gas,
    floor_gas,
)
from ledger.testchain.evm.vm import Computation, LocalVM, WorldState

_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")
_CALL_STIPEND = 2300
# go-ethereum's names for what went wrong.
_NAMES: tuple[tuple[type[VMError], str], ...] = (
    (OutOfGas, "out of gas"),
    (InsufficientFunds, "insufficient balance for transfer"),
    (InvalidJumpDestination, "invalid jump destination"),
    (InvalidInstruction, "invalid opcode"),
    (InsufficientStack, "stack underflow"),
    (FullStack, "stack limit reached 1024 (1023)"),
    (WriteProtection, "write protection"),
)


@dataclass(frozen=True)
class CallMessage:
    """A message to execute."""

    sender: bytes
    """20 bytes."""
    to: bytes
    """20 bytes, empty to create."""
    gas: int
    """Limit, intrinsic gas included."""
    value_wei: int
    """What it carries."""
    data: bytes
    """Call data, or creation code."""
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...]
    """(address, slots) that are warm from the start."""
    max_fee_wei: int = 0
    """Per gas; with tip_wei 0 too the message is free."""
    tip_wei: int = 0
    """Per gas."""

    def price_wei(self, base_fee_wei: int) -> int:
        """What it pays per gas in a block of this base fee. Raises ExecutionFailed if it offers less."""
        if 0 < self.max_fee_wei < base_fee_wei:
            raise ExecutionFailed(
                f"max fee per gas less than block base fee: address 0x{self.sender.hex()}, "
                f"maxFeePerGas: {self.max_fee_wei}, baseFee: {base_fee_wei}"
            )
        return min(self.max_fee_wei, base_fee_wei + self.tip_wei)


class ExecutionReverted(Exception):
    """The contract reverted; `data` is what it returned."""

    def __init__(self, data: bytes) -> None:
        reason = decode_revert_reason(data)
        super().__init__("execution reverted" if reason is None else f"execution reverted: {reason}")
        self.data = data


class ExecutionFailed(Exception):
    """The execution ended otherwise than by a revert: out of gas, no funds, bad code."""


def decode_revert_reason(data: bytes) -> str | None:
    """The text of Solidity's and Vyper's Error(string), the code of Panic(uint256), or None."""
    try:
        if data[:4] == _ERROR_SELECTOR:
            return str(abi_decode(["string"], data[4:])[0])
        if data[:4] == _PANIC_SELECTOR:
            return f"panic code 0x{abi_decode(['uint256'], data[4:])[0]:02x}"
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return None
    return None


def call(state: WorldState, base_fee_wei: int, message: CallMessage) -> bytes:
    """Execute and return the output. Raises ExecutionReverted or ExecutionFailed."""
    computation, _ = _run(state, message, message.gas, message.price_wei(base_fee_wei))
    _check(computation)
    return bytes(computation.output)


def estimate_gas(state: WorldState, base_fee_wei: int, message: CallMessage) -> int:
    """The least gas limit, within 1.5 %, with which the message succeeds.

    As go-ethereum does it: run at the cap, try what that used, then halve the interval.
    Raises ExecutionReverted or ExecutionFailed if it fails even at the cap: message.gas (ignored where nothing
    could run with it), or as much as the sender can pay for.
    """
    price = message.price_wei(base_fee_wei)
    cap = _cap(state, message, price)
    if not message.data and message.to and not state.get_code(message.to):
        _check(_run(state, message, cap, price)[0])
        return TRANSFER_GAS
    computation, used = _run(state, message, cap, price)
    if computation.is_error and isinstance(computation.error, OutOfGas):
        raise ExecutionFailed(f"gas required exceeds allowance ({cap})")
    _check(computation)
    fails, works = used - 1, cap
    # What is held back for nested calls (EIP-150) and refunded at the end must be there on the way.
    guess = (used + computation.get_gas_refund() + _CALL_STIPEND) * 64 // 63
    while works - fails > max(1, works * 15 // 1000):
        guess = guess if fails < guess < works else (fails + works) // 2
        if _run(state, message, guess, price)[0].is_error:
            fails = guess
        else:
            works = guess
        guess = 0
    return works


def _cap(state: WorldState, message: CallMessage, price_wei: int) -> int:
    cap = message.gas if message.gas >= TRANSFER_GAS else TRANSACTION_GAS_CAP
    if price_wei == 0:
        return cap
    affordable = max(0, state.get_balance(message.sender) - message.value_wei) // price_wei
    if affordable < TRANSFER_GAS:
        raise ExecutionFailed(f"gas required exceeds allowance ({affordable})")
    return int(min(cap, affordable))


def _run(state: WorldState, message: CallMessage, gas: int, price_wei: int) -> tuple[Computation, int]:
    """Execute with a gas limit and undo it. Returns the computation and the gas a receipt would name."""
    transaction = _spoof(state, message, gas, price_wei)
    needed = max(transaction.intrinsic_gas + creation_gas(message.to, message.data), floor_gas(message.data))
    if gas < needed:
        raise ExecutionFailed(f"intrinsic gas too low: gas {gas}, minimum needed {needed}")
    snapshot = state.snapshot()
    try:
        check_initcode(message.to, message.data)
        computation = state.apply_transaction(transaction)
        return computation, LocalVM.finalize_gas_used(transaction, computation)
    except ValidationError as error:
        wanted_wei = message.value_wei + gas * price_wei
        raise ExecutionFailed(_funds_message(state, message.sender, wanted_wei) or str(error)) from error
    except (VMError, TransactionRejected) as error:
        raise ExecutionFailed(str(error)) from error
    finally:
        state.revert(snapshot)


def _spoof(state: WorldState, message: CallMessage, gas: int, price_wei: int) -> SpoofTransaction:
    # The state's base fee is zero, so the whole price is the tip.
    unsigned = UnsignedDynamicFeeTransaction(
        chain_id=state.execution_context.chain_id,
        nonce=state.get_nonce(message.sender),
        max_priority_fee_per_gas=price_wei,
        max_fee_per_gas=price_wei,
        gas=min(gas, TRANSACTION_GAS_CAP),
        to=message.to,
        value=message.value_wei,
        data=message.data,
        access_list=message.access_list,
    )
    return SpoofTransaction(unsigned, from_=message.sender)


def _funds_message(state: WorldState, sender: bytes, wanted_wei: int) -> str | None:
    balance = state.get_balance(sender)
    if balance >= wanted_wei:
        return None
    return f"insufficient funds for gas * price + value: address 0x{sender.hex()} have {balance} want {wanted_wei}"


def _check(computation: Computation) -> None:
    if not computation.is_error:
        return
    error = computation.error
    if isinstance(error, Revert):
        raise ExecutionReverted(bytes(computation.output))
    name = next((name for kind, name in _NAMES if isinstance(error, kind)), "execution failed")
    raise ExecutionFailed(name)
