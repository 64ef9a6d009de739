"""The Prague virtual machine of py-evm, adjusted where a local chain differs from the main network."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from eth.abc import BlockAndMetaWitness
from eth.vm.forks.london.constants import EIP3529_MAX_REFUND_QUOTIENT
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.state import PragueState
from eth_utils.exceptions import ValidationError

from ledger.testchain.evm.tries import index_trie
from ledger.testchain.evm.world import WorldDB

# py-evm's abstract types lag behind its forks (no requests hash, an optional base fee), so its objects are Any.
Header: TypeAlias = Any
Transaction: TypeAlias = Any
Receipt: TypeAlias = Any
Computation: TypeAlias = Any
Block: TypeAlias = Any
WorldState: TypeAlias = Any


class LocalState(PragueState):
    """World state without the consensus layer's contracts (beacon roots, block hash history)."""

    account_db_class = WorldDB

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

    def set_block_transactions_and_withdrawals(
        self,
        base_block: Block,
        new_header: Header,
        transactions: Sequence[Transaction],
        receipts: Sequence[Receipt],
        withdrawals: Sequence[Any] | None = None,
    ) -> Block:
        """py-evm's, with the tries built at once and the transactions not copied. There are no withdrawals here."""
        assert not withdrawals
        roots = []
        for items in (transactions, receipts):
            root, nodes = index_trie([item.encode() for item in items])
            self.chaindb.persist_trie_data_dict(nodes)
            roots.append(root)
        header = new_header.copy(transaction_root=roots[0], receipt_root=roots[1])
        return type(base_block)(header, tuple(transactions), base_block.uncles, base_block.withdrawals)

    def finalize_block(self, block: Block) -> BlockAndMetaWitness:
        """py-evm's, without rewards (there are none since the merge) and without copying the transactions."""
        witness = self.state.persist()
        header = block.header.copy(state_root=self.state.state_root)
        final = type(block)(header, block.transactions, block.uncles, block.withdrawals)
        return BlockAndMetaWitness(final, witness)

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
