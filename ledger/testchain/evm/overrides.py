"""What a caller wants to be otherwise while a message is executed: accounts, and the block it is executed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eth.vm.execution_context import ExecutionContext

from ledger.testchain.evm.vm import Header, WorldState


@dataclass(frozen=True)
class AccountOverride:
    """What is different about an account."""

    address: bytes
    """20 bytes."""
    balance_wei: int | None = None
    """None: as it is."""
    nonce: int | None = None
    """None: as it is."""
    code: bytes | None = None
    """None: as it is."""
    slots: Mapping[int, int] = field(default_factory=dict)
    """Slot → value."""
    replaces_storage: bool = False
    """All other slots are empty."""


@dataclass(frozen=True)
class BlockOverride:
    """What is different about a block; None: as it would be."""

    number: int | None = None
    """Its height."""
    timestamp: int | None = None
    """Unix seconds."""
    gas_limit: int | None = None
    """Of all its transactions."""
    coinbase: bytes | None = None
    """Whom tips go to, 20 bytes."""
    mix_hash: bytes | None = None
    """Its prevrandao, 32 bytes."""
    base_fee_wei: int | None = None
    """Per gas."""

    def apply(self, header: Header) -> Header:
        """The header so changed."""
        changes = {
            "block_number": self.number,
            "timestamp": self.timestamp,
            "gas_limit": self.gas_limit,
            "coinbase": self.coinbase,
            "mix_hash": self.mix_hash,
            "base_fee_per_gas": self.base_fee_wei,
        }
        return header.copy(**{name: value for name, value in changes.items() if value is not None})


def override_accounts(state: WorldState, overrides: Sequence[AccountOverride]) -> None:
    """Change the accounts, as if they had been so before; for good, so the state must be the caller's own."""
    for one in overrides:
        if one.balance_wei is not None:
            state.set_balance(one.address, one.balance_wei)
        if one.nonce is not None:
            state.set_nonce(one.address, one.nonce)
        if one.code is not None:
            state.set_code(one.address, one.code)
        if one.replaces_storage:
            state.delete_storage(one.address)
        for slot, value in one.slots.items():
            state.set_storage(one.address, slot, value)
    # What a slot held before the transaction decides about the gas of a change (EIP-2200).
    state.lock_changes()


def override_block(state: WorldState, header: Header) -> None:
    """Let the state be seen from inside a block with this header, but for its base fee."""
    before = state.execution_context
    state.execution_context = ExecutionContext(
        coinbase=header.coinbase,
        timestamp=header.timestamp,
        block_number=header.block_number,
        difficulty=header.difficulty,
        mix_hash=header.mix_hash,
        gas_limit=header.gas_limit,
        prev_hashes=before.prev_hashes,
        chain_id=before.chain_id,
        base_fee_per_gas=before.base_fee_per_gas,
        excess_blob_gas=header.excess_blob_gas,
    )
