"""Whole blocks: reading them back from the store, and a cache whose memory is bounded however large they are."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

import rlp

from ledger.testchain.evm.tries import find
from ledger.testchain.evm.vm import Header, LocalVM, Receipt, Transaction
from ledger.testchain.storage.logs import count_logs
from ledger.testchain.storage.store import ChainStore

# Transactions and receipts together take some kilobytes each.
MAX_CACHED_TRANSACTIONS = 4096
MAX_CACHED_BYTES = 16 * 1024 * 1024
_HEADER_BYTES = 8 * 1024


class BlockRecord(NamedTuple):
    """A whole block."""

    header: Header
    """The block's."""
    transactions: tuple[Transaction, ...]
    """In order."""
    receipts: tuple[Receipt, ...]
    """`receipts[i]` is that of `transactions[i]`."""


class MinedTransaction(NamedTuple):
    """One mined transaction: all that its views need, without the rest of its block."""

    header: Header
    """The block's."""
    position: int
    """Index in the block."""
    transaction: Transaction
    """As it was signed."""
    receipt: Receipt
    """What became of it."""
    gas_before: int
    """Gas used by the transactions before it."""
    first_log: int
    """Number of its first log within the block."""


def take_transaction(record: BlockRecord, index: int) -> MinedTransaction:
    """A transaction of a whole block."""
    return MinedTransaction(
        record.header,
        index,
        record.transactions[index],
        record.receipts[index],
        record.receipts[index - 1].gas_used if index else 0,
        sum(len(receipt.logs) for receipt in record.receipts[:index]),
    )


class BlockReader:
    """Reads blocks of a store. Recent ones are kept: few large ones or many small ones."""

    def __init__(self, store: ChainStore) -> None:
        self._store = store
        self._kept: OrderedDict[bytes, tuple[BlockRecord, int, int]] = OrderedDict()
        self._transactions, self._bytes = 0, 0

    def read_record(self, header: Header) -> BlockRecord:
        """The whole block under a stored header."""
        if (kept := self._kept.get(header.hash)) is not None:
            self._kept.move_to_end(header.hash)
            return kept[0]
        builder = LocalVM.get_block_class()
        # py-evm's own readers keep the last 32 blocks they decoded, whatever their size.
        transactions = self._items(header.transaction_root, builder.get_transaction_builder().decode)
        receipts = self._items(header.receipt_root, builder.get_receipt_builder().decode)
        record = BlockRecord(header, tuple(transactions), tuple(receipts))
        self.keep(record)
        return record

    def read_transaction(self, header: Header, index: int) -> MinedTransaction:
        """One transaction of the block under a stored header; no more is read than it needs."""
        if (kept := self._kept.get(header.hash)) is not None:
            return take_transaction(kept[0], index)
        builder = LocalVM.get_block_class()
        decode = builder.get_receipt_builder().decode
        return MinedTransaction(
            header,
            index,
            builder.get_transaction_builder().decode(self._item(header.transaction_root, index)),
            decode(self._item(header.receipt_root, index)),
            decode(self._item(header.receipt_root, index - 1)).gas_used if index else 0,
            count_logs(self._store.logs(header.block_number), index),
        )

    def keep(self, record: BlockRecord) -> None:
        """Have a block at hand that was just made or read."""
        if record.header.hash in self._kept:
            return
        weight = max(1, len(record.transactions))
        size = _HEADER_BYTES + sum(
            len(transaction.data) + sum(len(log.data) for log in receipt.logs)
            for transaction, receipt in zip(record.transactions, record.receipts, strict=True)
        )
        self._kept[record.header.hash] = record, weight, size
        self._transactions, self._bytes = self._transactions + weight, self._bytes + size
        # The newest stays even if it is larger than the bound by itself.
        while len(self._kept) > 1 and (
            self._transactions > MAX_CACHED_TRANSACTIONS or self._bytes > MAX_CACHED_BYTES
        ):
            _, (_, weight, size) = self._kept.popitem(last=False)
            self._transactions, self._bytes = self._transactions - weight, self._bytes - size

    def _items(self, root: bytes, decode: Callable[[bytes], Any]) -> Iterator[Any]:
        """What a transaction or receipt trie holds, in order."""
        for index in count():
            if not (encoded := self._item(root, index)):
                return
            yield decode(encoded)

    def _item(self, root: bytes, index: int) -> bytes:
        return find(self._store, root, rlp.encode(index))
