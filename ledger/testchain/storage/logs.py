"""A block's logs as stored, and the filter of eth_getLogs: header bloom first, then the logs themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
from eth_bloom.bloom import BloomFilter

from ledger.testchain.evm.vm import Header, Receipt, Transaction


class StoredLog(msgspec.Struct, frozen=True, array_like=True):
    """One log; topics are 32 bytes each."""

    transaction_index: int
    transaction_hash: bytes
    address: bytes
    topics: list[bytes]
    data: bytes


class _StoredBlock(msgspec.Struct, frozen=True, array_like=True):
    block_hash: bytes
    logs: list[StoredLog]
    timestamp: int


@dataclass(frozen=True)
class Log:
    """A log with its place: index counts within the block. timestamp: the block's, Unix seconds."""

    block_number: int
    block_hash: bytes
    timestamp: int
    index: int
    stored: StoredLog


@dataclass(frozen=True)
class LogFilter:
    """addresses: any of these, empty for all. topics: per position any of these, empty for anything."""

    addresses: frozenset[bytes]
    topics: tuple[frozenset[bytes], ...]

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
