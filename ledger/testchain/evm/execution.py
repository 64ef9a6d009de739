"""Filling one block: run what is offered on the virtual machine until nothing more fits."""

from dataclasses import dataclass
from typing import Any, Protocol

from eth_utils.exceptions import ValidationError

from ledger.testchain.evm.vm import Header, Receipt, Transaction


class Offer(Protocol):
    """Transactions a miner may take, best first, each sender's in nonce order."""

    def peek(self) -> Transaction | None:
        """The best one left, or None."""

    def take(self) -> None:
        """It is in the block: go on to its sender's next."""

    def leave(self) -> None:
        """It stays for a later block, and so does the rest of its sender's."""

    def drop(self, reason: str) -> None:
        """It is invalid: forget it."""


class PoisonedTransaction(Exception):
    """The virtual machine failed on a transaction that it had accepted as valid; the block was abandoned."""

    def __init__(self, transaction: Transaction, error: Exception) -> None:
        super().__init__(f"0x{transaction.hash.hex()}: {error!r}")
        self.transaction = transaction


@dataclass
class _Progress:
    """What py-evm reads of the header per transaction; copying a whole header each time costs more."""

    gas_used: int
    gas_limit: int


def execute(vm: Any, offer: Offer, gas_limit: int) -> tuple[Header, list[Transaction], list[Receipt]]:
    """Run what is offered until nothing more fits. Returns the header with gas and bloom, and what was run."""
    progress = _Progress(0, gas_limit)
    transactions: list[Transaction] = []
    receipts: list[Receipt] = []
    bloom = 0
    while (transaction := offer.peek()) is not None:
        if progress.gas_used + transaction.gas > progress.gas_limit:
            offer.leave()
            continue
        try:
            vm.state.validate_transaction(transaction)
        except ValidationError as error:
            offer.drop(str(error))
            continue
        try:
            receipt, _ = vm.apply_transaction(progress, transaction)
        except Exception as error:  # whatever the library's bug is, this transaction must not stop the chain
            raise PoisonedTransaction(transaction, error) from error
        progress.gas_used = receipt.gas_used
        bloom |= receipt.bloom
        transactions.append(transaction)
        receipts.append(receipt)
        offer.take()
    return vm.get_header().copy(gas_used=progress.gas_used, bloom=bloom), transactions, receipts
