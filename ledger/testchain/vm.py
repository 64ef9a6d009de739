"""The Prague virtual machine of py-evm, adjusted where a local chain differs from the main network."""

from typing import Any, TypeAlias

from eth.vm.forks.london.constants import EIP3529_MAX_REFUND_QUOTIENT
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.state import PragueState
from eth_utils.exceptions import ValidationError

# py-evm's abstract types lag behind its forks (no requests hash, an optional base fee), so its objects are Any.
Header: TypeAlias = Any
Transaction: TypeAlias = Any
Receipt: TypeAlias = Any
Computation: TypeAlias = Any
State: TypeAlias = Any


class LocalState(PragueState):
    """World state without the consensus layer's contracts (beacon roots, block hash history)."""

    def set_system_contracts(self) -> None:
        """Nothing: genesis deploys none, and looking for them would cost two trie reads per state."""


class LocalVM(PragueVM):
    """Prague from genesis, except that a block may carry the SAME timestamp as its parent.

    The main network wants strictly later timestamps, which would push the clock of a chain that mines several
    blocks a second ever further ahead of the wall clock, and every deadline in a contract with it.
    """

    _state_class = LocalState

    @classmethod
    def validate_header(cls, header: Header, parent_header: Header) -> None:
        """py-evm's rules with "later" relaxed to "not earlier". Raises ValidationError."""
        if header.timestamp < parent_header.timestamp:
            raise ValidationError(f"timestamp {header.timestamp} is before the parent's {parent_header.timestamp}")
        if header.timestamp == parent_header.timestamp:
            # Nothing else in the inherited rules looks at the time, so they may see a later one.
            header = header.copy(timestamp=header.timestamp + 1)
        super().validate_header(header, parent_header)

    @classmethod
    def finalize_gas_used(cls, transaction: Transaction, computation: Computation) -> int:
        """Gas the receipt names: exactly what the sender paid for.

        py-evm adds the calldata floor before it caps the refund, which is off by the difference whenever a
        transaction has both; its executor charges as below (EIP-3529, then EIP-7623).
        """
        consumed = transaction.gas - computation.get_gas_remaining()
        refund = min(consumed // EIP3529_MAX_REFUND_QUOTIENT, computation.get_gas_refund())
        return int(consumed - refund + computation.data_floor_gas)

    @classmethod
    def validate_receipt(cls, receipt: Receipt) -> None:
        """Nothing: the receipts here are this machine's own, with a bloom computed from their logs."""
