"""eth_simulateV1: blocks of calls after a block, one on top of the other, in memory.

Source: ethereum/execution-apis and go-ethereum, whose codes and words for a refusal are these.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from eth.constants import ZERO_HASH32
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from eth.vm.forks.london.transactions import DynamicFeeTransaction, UnsignedDynamicFeeTransaction
from eth.vm.forks.prague.transactions import PragueTypedTransaction
from eth.vm.spoof import SpoofTransaction
from eth_typing import Hash32
from eth_utils.exceptions import ValidationError

from ledger.testchain.evm.messages import CallMessage, ExecutionFailed, ExecutionReverted, find_failure
from ledger.testchain.evm.overrides import AccountOverride, BlockOverride, override_accounts
from ledger.testchain.evm.tracing import COIN
from ledger.testchain.evm.transactions import (
    TRANSACTION_GAS_CAP,
    TransactionRejected,
    check_initcode,
    creation_gas,
    floor_gas,
)
from ledger.testchain.evm.tries import index_trie
from ledger.testchain.evm.vm import Computation, Header, LocalVM, Receipt, Transaction, WorldState

MAX_BLOCKS = 256
# Between two blocks that name no time, as on the main network.
BLOCK_TIME_S = 12
NONCE_TOO_LOW, NONCE_TOO_HIGH, INTRINSIC_GAS, FUNDS, BLOCK_GAS = -38010, -38011, -38013, -38014, -38015
BLOCK_NUMBER, BLOCK_TIMESTAMP, INITCODE_SIZE, LIMIT_EXCEEDED, FEES = -38020, -38021, -38025, -38026, -32602


class SimulationRefused(Exception):
    """Nothing is simulated: a block cannot follow, or a call could not be in one. code: go-ethereum's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class BlockPlan:
    """A block to simulate."""

    calls: tuple[CallMessage, ...] = ()
    """In order; one with a gas limit of 0 gets what is left."""
    override: BlockOverride = field(default_factory=BlockOverride)
    """What is different about the block."""
    accounts: tuple[AccountOverride, ...] = ()
    """What is different about accounts before it."""


@dataclass(frozen=True)
class SimulatedCall:
    """What became of one call."""

    transaction: Transaction
    """As it would stand in the block, unsigned."""
    output: bytes
    """What it returned."""
    gas_used: int
    """As a receipt would name it."""
    logs: Sequence[tuple[bytes, tuple[int, ...], bytes]]
    """Address, topics and data of each."""
    failure: ExecutionReverted | ExecutionFailed | None
    """What it ended in, if not in success."""


@dataclass(frozen=True)
class SimulatedBlock:
    """A block with what became of its calls."""

    header: Header
    """Of a block that will never be."""
    calls: tuple[SimulatedCall, ...]
    """In order."""


def simulate_blocks(
    state: WorldState, parent: Header, plans: Sequence[BlockPlan], validates: bool
) -> list[SimulatedBlock]:
    """Execute the blocks after `parent`. state: the TracedState after it, the caller's own.

    validates: nonces, fees and funds must be as in a real block; otherwise what names no price is free.
    Raises SimulationRefused, or ExecutionFailed where it takes too long.
    """
    blocks: list[SimulatedBlock] = []
    ancestors = state.execution_context.prev_hashes
    for plan, place in _place(parent, plans):
        latest = blocks[-1].header if blocks else parent
        hashes = chain([block.header.hash for block in reversed(blocks)], [parent.hash], ancestors)
        blocks.append(_Block(state, _next_header(latest, plan, place, validates), hashes, validates).run(plan))
    return blocks


def _next_header(latest: Header, plan: BlockPlan, place: BlockOverride, validates: bool) -> Header:
    """Of the block after `latest`, before any call."""
    unchanged = latest.copy(
        parent_hash=latest.hash,
        base_fee_per_gas=calculate_expected_base_fee_per_gas(latest) if validates else 0,
        mix_hash=ZERO_HASH32,
        extra_data=b"",
        gas_used=0,
        bloom=0,
    )
    return place.apply(plan.override.apply(unchanged))


def _place(parent: Header, plans: Sequence[BlockPlan]) -> Iterator[tuple[BlockPlan, BlockOverride]]:
    """Each plan with its number and time; numbers left out become empty blocks."""
    number, timestamp, count = parent.block_number, parent.timestamp, 0
    for plan in plans:
        wanted = number + 1 if plan.override.number is None else plan.override.number
        if wanted <= number:
            raise SimulationRefused(BLOCK_NUMBER, f"block numbers must be in order: {wanted} <= {number}")
        count += wanted - number
        if wanted - parent.block_number > MAX_BLOCKS or count > MAX_BLOCKS:
            raise SimulationRefused(LIMIT_EXCEEDED, f"too many blocks: {MAX_BLOCKS} at most")
        for skipped in range(number + 1, wanted):
            timestamp += BLOCK_TIME_S
            yield BlockPlan(), BlockOverride(number=skipped, timestamp=timestamp)
        then = timestamp + BLOCK_TIME_S if plan.override.timestamp is None else plan.override.timestamp
        if then <= timestamp:
            raise SimulationRefused(BLOCK_TIMESTAMP, f"block timestamps must be in order: {then} <= {timestamp}")
        number, timestamp = wanted, then
        yield plan, BlockOverride(number=wanted, timestamp=then)


class _Block:
    """One block while it is made."""

    def __init__(self, state: WorldState, header: Header, hashes: Iterable[Hash32], validates: bool) -> None:
        """hashes: of the blocks before it, newest first."""
        self._state, self._header, self._validates = state, header, validates
        self._receipts: list[Receipt] = []
        self._encoded: list[bytes] = []
        state.execution_context = ExecutionContext(
            coinbase=header.coinbase,
            timestamp=header.timestamp,
            block_number=header.block_number,
            difficulty=header.difficulty,
            mix_hash=header.mix_hash,
            gas_limit=header.gas_limit,
            prev_hashes=hashes,
            chain_id=state.execution_context.chain_id,
            base_fee_per_gas=header.base_fee_per_gas if validates else 0,
            excess_blob_gas=header.excess_blob_gas,
        )

    def run(self, plan: BlockPlan) -> SimulatedBlock:
        """Execute its calls."""
        override_accounts(self._state, plan.accounts)
        calls = tuple(self._execute(message) for message in plan.calls)
        roots = [index_trie(items)[0] for items in (self._encoded, [one.encode() for one in self._receipts])]
        bloom = 0
        for receipt in self._receipts:
            bloom |= receipt.bloom
        header = self._header.copy(
            gas_used=self._gas_used,
            bloom=bloom,
            state_root=self._state.make_state_root(),
            transaction_root=roots[0],
            receipt_root=roots[1],
        )
        return SimulatedBlock(header, calls)

    @property
    def _gas_used(self) -> int:
        return int(self._receipts[-1].gas_used) if self._receipts else 0

    def _execute(self, message: CallMessage) -> SimulatedCall:
        # Code that was overridden may be long and without a jump.
        self._state.meter.look()
        gas = self._choose_gas(message)
        nonce = self._choose_nonce(message)
        _check_limits(message, gas)
        base_fee_wei = self._state.execution_context.base_fee_per_gas
        if self._validates and message.max_fee_wei < base_fee_wei:
            raise SimulationRefused(
                FEES,
                f"max fee per gas less than block base fee: address 0x{message.sender.hex()}, "
                f"maxFeePerGas: {message.max_fee_wei}, baseFee: {base_fee_wei}",
            )
        unsigned = UnsignedDynamicFeeTransaction(
            self._state.execution_context.chain_id,
            nonce,
            message.tip_wei,
            message.max_fee_wei,
            gas,
            message.to,
            message.value_wei,
            message.data,
            message.access_list,
        )
        inner = DynamicFeeTransaction(*(getattr(unsigned, name) for name, _ in unsigned._meta.fields), 0, 0, 0)
        signed = PragueTypedTransaction(2, inner)
        computation = self._apply(unsigned.copy(nonce=self._state.get_nonce(message.sender)), message)
        gas_used = LocalVM.finalize_gas_used(unsigned, computation)
        logs = computation.get_log_entries()
        real = tuple(log for log in logs if log[0] != COIN)
        status = b"" if computation.is_error else b"\1"
        self._receipts.append(signed.make_receipt(status, self._gas_used + gas_used, real))
        self._encoded.append(signed.encode())
        shown = SpoofTransaction(unsigned, from_=message.sender, hash=signed.hash, y_parity=0, r=0, s=0)
        return SimulatedCall(shown, bytes(computation.output), gas_used, logs, find_failure(computation))

    def _apply(self, unsigned: UnsignedDynamicFeeTransaction, message: CallMessage) -> Computation:
        self._state.lock_changes()
        try:
            return self._state.apply_transaction(SpoofTransaction(unsigned, from_=message.sender))
        except ValidationError as error:
            balance = self._state.get_balance(message.sender)
            wanted = message.value_wei + unsigned.gas * unsigned.max_fee_per_gas
            said = f"insufficient funds for gas * price + value: address 0x{message.sender.hex()} have {balance} "
            raise SimulationRefused(FUNDS, f"{said}want {wanted}" if balance < wanted else str(error)) from error

    def _choose_gas(self, message: CallMessage) -> int:
        left = self._header.gas_limit - self._gas_used
        if message.gas > left or left <= 0:
            raise SimulationRefused(
                BLOCK_GAS, f"block gas limit reached: {self._gas_used + message.gas} >= {self._header.gas_limit}"
            )
        return int(min(message.gas or left, TRANSACTION_GAS_CAP))

    def _choose_nonce(self, message: CallMessage) -> int:
        next_nonce = int(self._state.get_nonce(message.sender))
        nonce = next_nonce if message.nonce is None else message.nonce
        if self._validates and nonce != next_nonce:
            code, word = (NONCE_TOO_LOW, "low") if nonce < next_nonce else (NONCE_TOO_HIGH, "high")
            raise SimulationRefused(
                code, f"nonce too {word}: address 0x{message.sender.hex()}, tx: {nonce} state: {next_nonce}"
            )
        return nonce


def _check_limits(message: CallMessage, gas: int) -> None:
    try:
        check_initcode(message.to, message.data)
    except TransactionRejected as error:
        raise SimulationRefused(INITCODE_SIZE, str(error)) from error
    unpriced = UnsignedDynamicFeeTransaction(
        0, 0, 0, 0, gas, message.to, message.value_wei, message.data, message.access_list
    )
    needed = max(unpriced.intrinsic_gas + creation_gas(message.to, message.data), floor_gas(message.data))
    if gas < needed:
        raise SimulationRefused(INTRINSIC_GAS, f"intrinsic gas too low: have {gas}, want {needed}")
