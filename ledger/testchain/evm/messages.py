"""A message without a signature, and what its execution may end in."""

from dataclasses import dataclass, replace

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
from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from ledger.testchain.evm.vm import Computation

_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")
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
AccessList = tuple[tuple[bytes, tuple[int, ...]], ...]


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
    access_list: AccessList
    """(address, slots) that are warm from the start."""
    max_fee_wei: int = 0
    """Per gas; with tip_wei 0 too the message is free."""
    tip_wei: int = 0
    """Per gas."""
    nonce: int | None = None
    """As the caller named it; None: its sender's next."""

    def price_wei(self, base_fee_wei: int) -> int:
        """What it pays per gas in a block of this base fee. Raises ExecutionFailed if it offers less."""
        if 0 < self.max_fee_wei < base_fee_wei:
            raise ExecutionFailed(
                f"max fee per gas less than block base fee: address 0x{self.sender.hex()}, "
                f"maxFeePerGas: {self.max_fee_wei}, baseFee: {base_fee_wei}"
            )
        return min(self.max_fee_wei, base_fee_wei + self.tip_wei)

    def with_access_list(self, access_list: AccessList) -> "CallMessage":
        """The same with another list."""
        return replace(self, access_list=access_list)


class ExecutionReverted(Exception):
    """The contract reverted; `data` is what it returned."""

    def __init__(self, data: bytes) -> None:
        reason = decode_revert_reason(data)
        super().__init__("execution reverted" if reason is None else f"execution reverted: {reason}")
        self.data = data


class ExecutionFailed(Exception):
    """The execution ended otherwise than by a revert: out of gas, no funds, bad code, or it took too long."""


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


def find_failure(computation: Computation) -> ExecutionReverted | ExecutionFailed | None:
    """What an execution ended in, if not in success."""
    if not computation.is_error:
        return None
    error = computation.error
    if isinstance(error, Revert):
        return ExecutionReverted(bytes(computation.output))
    return ExecutionFailed(next((name for kind, name in _NAMES if isinstance(error, kind)), "execution failed"))
