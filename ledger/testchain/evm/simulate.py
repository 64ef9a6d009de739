"""eth_call, eth_estimateGas and eth_createAccessList: run a message without a signature, on a copy of the state."""

from dataclasses import dataclass

from eth._utils.address import generate_contract_address
from eth.exceptions import OutOfGas, VMError
from eth.vm.forks.london.transactions import UnsignedDynamicFeeTransaction
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from ledger.testchain.evm.messages import (
    AccessList,
    CallMessage,
    ExecutionFailed,
    find_failure,
)
from ledger.testchain.evm.transactions import (
    TRANSACTION_GAS_CAP,
    TRANSFER_GAS,
    TransactionRejected,
    check_initcode,
    creation_gas,
    floor_gas,
)
from ledger.testchain.evm.vm import Computation, LocalVM, WorldState

_CALL_STIPEND = 2300
# A list that is still growing after so many executions is given as it is.
_LIST_ROUNDS = 8


def call(state: WorldState, base_fee_wei: int, message: CallMessage) -> bytes:
    """Execute and return the output. Raises ExecutionReverted or ExecutionFailed."""
    computation, _ = _run(state, message, message.gas, message.price_wei(base_fee_wei))
    check(computation)
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
        check(_run(state, message, cap, price)[0])
        return TRANSFER_GAS
    computation, used = _run(state, message, cap, price)
    if computation.is_error and isinstance(computation.error, OutOfGas):
        raise ExecutionFailed(f"gas required exceeds allowance ({cap})")
    check(computation)
    fails, works = used - 1, cap
    # What is held back for nested calls (EIP-150) and refunded at the end must be there on the way.
    guess = (used + computation.get_gas_refund() + _CALL_STIPEND) * 64 // 63
    while works - fails > max(1, works * 15 // 1000):
        # What is needed lies near what was used, so the interval is not halved but closed from below.
        guess = guess if fails < guess < works else min((fails + works) // 2, 2 * fails)
        if _run(state, message, guess, price)[0].is_error:
            fails = guess
        else:
            works = guess
        guess = 0
    return works


@dataclass(frozen=True)
class AccessListing:
    """What a message touches, and what it costs with that declared."""

    access_list: AccessList
    """Accounts and their slots, but for those that are warm anyway."""
    gas_used: int
    """By an execution with this list."""
    failure: str | None
    """What the execution ended in, if not in success."""


def list_accesses(state: WorldState, base_fee_wei: int, message: CallMessage) -> AccessListing:
    """Execute with ever better lists until one names all that is touched.

    state: a TracedState. As go-ethereum does it: sender, recipient and precompiles are warm anyway and left out,
    but for their slots; what a revert undid counts as touched.
    Raises ExecutionFailed where the message cannot be executed at all.
    """
    price = message.price_wei(base_fee_wei)
    target = message.to or generate_contract_address(Address(message.sender), state.get_nonce(message.sender))
    warm = {message.sender, target, *state.computation_class.get_precompiles()}
    named = message.access_list
    for _ in range(_LIST_ROUNDS):
        state.touched = {address: dict.fromkeys(slots) for address, slots in named}
        computation, used = _run(state, message.with_access_list(named), message.gas, price)
        touched = state.touched.items()
        found = tuple((one, tuple(slots)) for one, slots in touched if slots or one not in warm)
        if found == named:
            break
        named = found
    failure = find_failure(computation)
    return AccessListing(named, used, None if failure is None else str(failure))


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
    # Several executions of long code without a jump would else be one that gives no way to others.
    state.meter.look()
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


def check(computation: Computation) -> None:
    """Raise what an execution ended in, if not in success."""
    if (failure := find_failure(computation)) is not None:
        raise failure
