"""A block's logs as stored, and the filter of eth_getLogs: header bloom first, then the logs themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
from eth_bloom.bloom import BloomFilter

from ledger.testchain.evm.vm import Header, Receipt, Transaction


class StoredLog(msgspec.Struct, frozen=True, array_like=True):
    """One log."""

    transaction_index: int
    """Of its transaction in the block."""
    transaction_hash: bytes
    """32 bytes."""
    address: bytes
    """The contract's, 20 bytes."""
    topics: list[bytes]
    """32 bytes each."""
    data: bytes
    """What is not indexed."""


class _StoredBlock(msgspec.Struct, frozen=True, array_like=True):
    block_hash: bytes
    """32 bytes."""
    logs: list[StoredLog]
    """In order."""
    timestamp: int
    """Unix seconds."""


@dataclass(frozen=True)
class Log:
    """A log with its place."""

    block_number: int
    """The block's."""
    block_hash: bytes
    """The block's, 32 bytes."""
    timestamp: int
    """The block's, Unix seconds."""
    index: int
    """Of the log within the block."""
    stored: StoredLog
    """What it says."""


@dataclass(frozen=True)
class LogFilter:
    """Which logs are wanted."""

    addresses: frozenset[bytes]
    """Any of these contracts, 20 bytes each; empty for all."""
    topics: tuple[frozenset[bytes], ...]
    """Per position any of these; empty for anything."""

    @cached_property
    def _masks(self) -> list[list[int]]:
        groups = [group for group in (self.addresses, *self.topics) if group]
        return [[int(BloomFilter.from_iterable([item])) for item in group] for group in groups]

    def may_match(self, bloom: int) -> bool:
        """False if no log under this bloom can match."""
        return all(any(bloom & mask == mask for mask in masks) for masks in self._masks)

    def select(self, number: int, encoded: bytes) -> Iterator[Log]:
        """The matching ones of a block's encoded logs."""
        block = msgspec.msgpack.decode(encoded, type=_StoredBlock)
        for index, stored in enumerate(block.logs):
            if self._matches(stored):
                yield Log(number, block.block_hash, block.timestamp, index, stored)

    def _matches(self, log: StoredLog) -> bool:
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False))


def count_logs(encoded: bytes | None, before: int) -> int:
    """How many of a block's encoded logs belong to the transactions before an index; None: the block has none."""
    if encoded is None:
        return 0
    block = msgspec.msgpack.decode(encoded, type=_StoredBlock)
    return sum(log.transaction_index < before for log in block.logs)


def encode_logs(header: Header, transactions: Sequence[Transaction], receipts: Sequence[Receipt]) -> bytes:
    """Pack all logs of a block for `LogFilter.select`."""
    logs = [
        StoredLog(index, transaction.hash, log.address, [_word(topic) for topic in log.topics], log.data)
        for index, (transaction, receipt) in enumerate(zip(transactions, receipts, strict=True))
        for log in receipt.logs
    ]
    return msgspec.msgpack.encode(_StoredBlock(header.hash, logs, header.timestamp))


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
