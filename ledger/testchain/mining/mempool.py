"""Transactions waiting for a block: nonce gaps, replacement, a bound, and the order in which they are mined."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ledger.testchain.evm.transactions import TransactionRejected
from ledger.testchain.evm.vm import Transaction

MAX_TRANSACTIONS = 8192
MAX_PER_SENDER = 512
MAX_BYTES = 64 * 1024 * 1024
NonceOf = Callable[[bytes], int]


@dataclass
class _Queue:
    """One sender's transactions by nonce; gaps are allowed."""

    by_nonce: dict[int, Transaction] = field(default_factory=dict)

    def run(self, nonce: int) -> int:
        """The first nonce from the given one on that is missing."""
        while nonce in self.by_nonce:
            nonce += 1
        return nonce

    def cost_wei(self) -> int:
        return sum(_cost(transaction) for transaction in self.by_nonce.values())


class Mempool:
    """Holds at most MAX_TRANSACTIONS transactions of MAX_BYTES together. What is pooled has been checked.

    The pool does not survive a restart, as in other clients: senders send again what was not mined.
    """

    def __init__(self) -> None:
        self._queues: dict[bytes, _Queue] = {}
        self._by_hash: dict[bytes, Transaction] = {}
        self._arrival: dict[bytes, int] = {}
        self._arrivals = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def get(self, transaction_hash: bytes) -> Transaction | None:
        """A pooled transaction, or None. transaction_hash: 32 bytes."""
        return self._by_hash.get(transaction_hash)

    def add(self, transaction: Transaction, next_nonce: int, balance_wei: int) -> None:
        """Take a decoded transaction. next_nonce, balance_wei: of its sender in the latest block.

        Raises TransactionRejected in go-ethereum's words: already known, nonce too low, insufficient funds,
        replacement underpriced, pool full.
        """
        if transaction.hash in self._by_hash:
            raise TransactionRejected("already known")
        if transaction.nonce < next_nonce:
            raise TransactionRejected(
                f"nonce too low: address 0x{transaction.sender.hex()}, tx: {transaction.nonce} state: {next_nonce}"
            )
        queue = self._queues.get(transaction.sender, _Queue())
        replaced = queue.by_nonce.get(transaction.nonce)
        _check_funds(transaction, queue.cost_wei() - (_cost(replaced) if replaced else 0), balance_wei)
        if replaced is not None:
            _check_bump(replaced, transaction)
            self._forget(replaced)
        else:
            self._check_room(transaction, queue)
        queue.by_nonce[transaction.nonce] = transaction
        self._queues[transaction.sender] = queue
        self._by_hash[transaction.hash] = transaction
        self._arrivals += 1
        self._arrival[transaction.hash] = self._arrivals
        self._bytes += _size(transaction)

    def pending_nonce(self, sender: bytes, next_nonce: int) -> int:
        """The nonce a sender should use next, counting its pooled transactions without a gap."""
        queue = self._queues.get(sender)
        return next_nonce if queue is None else queue.run(next_nonce)

    def is_ready(self, base_fee_wei: int, nonce_of: NonceOf) -> bool:
        """Whether a block at this base fee would take any transaction."""
        return PoolOffer(self, base_fee_wei, nonce_of).peek() is not None

    def offer(self, base_fee_wei: int, nonce_of: NonceOf) -> "PoolOffer":
        """What can be mined now. The pool changes only when `settle` is called after the block."""
        return PoolOffer(self, base_fee_wei, nonce_of)

    def settle(self, mined: Iterable[Transaction], dropped: Iterable[Transaction]) -> None:
        """Forget what was mined or found invalid, and whatever the mined nonces made stale."""
        for transaction in (*mined, *dropped):
            queue = self._queues.get(transaction.sender)
            pooled = None if queue is None else queue.by_nonce.get(transaction.nonce)
            if pooled is not None:
                self._forget(pooled)

    def drop(self, transaction_hash: bytes) -> bool:
        """Forget a pooled transaction. Returns whether there was one. transaction_hash: 32 bytes."""
        transaction = self._by_hash.get(transaction_hash)
        if transaction is not None:
            self._forget(transaction)
        return transaction is not None

    def clear(self) -> None:
        """Forget all of them."""
        for transaction in list(self._by_hash.values()):
            self._forget(transaction)

    def by_nonce(self, sender: bytes) -> list[tuple[int, Transaction]]:
        """A sender's pooled transactions, lowest nonce first."""
        queue = self._queues.get(sender)
        return [] if queue is None else sorted(queue.by_nonce.items(), key=lambda item: item[0])

    def at(self, sender: bytes, nonce: int) -> Transaction | None:
        """A sender's pooled transaction with a nonce, or None."""
        queue = self._queues.get(sender)
        return None if queue is None else queue.by_nonce.get(nonce)

    def senders(self) -> list[bytes]:
        """Whoever has something pooled."""
        return list(self._queues)

    def arrival(self, transaction: Transaction) -> int:
        """A number that grows with the order of arrival."""
        return self._arrival[transaction.hash]

    def _check_room(self, transaction: Transaction, queue: _Queue) -> None:
        if len(queue.by_nonce) >= MAX_PER_SENDER:
            raise TransactionRejected(f"account limit exceeded: {MAX_PER_SENDER} transactions are pooled")
        if len(self) >= MAX_TRANSACTIONS or self._bytes + _size(transaction) > MAX_BYTES:
            raise TransactionRejected("txpool is full")

    def _forget(self, transaction: Transaction) -> None:
        queue = self._queues[transaction.sender]
        del queue.by_nonce[transaction.nonce]
        if not queue.by_nonce:
            del self._queues[transaction.sender]
        del self._by_hash[transaction.hash], self._arrival[transaction.hash]
        self._bytes -= _size(transaction)


class PoolOffer:
    """The pool as a miner sees it: highest tip first, then first come, each sender's strictly in nonce order."""

    def __init__(self, pool: Mempool, base_fee_wei: int, nonce_of: NonceOf) -> None:
        self._pool, self._base_fee_wei = pool, base_fee_wei
        self._heap: list[tuple[int, int, bytes, Transaction]] = []
        self.dropped: list[tuple[Transaction, str]] = []
        for sender in pool.senders():
            self._push(pool.at(sender, nonce_of(sender)))

    def peek(self) -> Transaction | None:
        """The best transaction left, or None."""
        return self._heap[0][3] if self._heap else None

    def take(self) -> None:
        """The best one is in the block; its sender's next becomes available."""
        taken = heapq.heappop(self._heap)[3]
        self._push(self._pool.at(taken.sender, taken.nonce + 1))

    def leave(self) -> None:
        """The best one and the rest of its sender's wait for a later block."""
        heapq.heappop(self._heap)

    def drop(self, reason: str) -> None:
        """The best one is invalid; noted in `dropped`."""
        self.dropped.append((heapq.heappop(self._heap)[3], reason))

    def _push(self, transaction: Transaction | None) -> None:
        if transaction is None or transaction.max_fee_per_gas < self._base_fee_wei:
            return
        tip = min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - self._base_fee_wei)
        heapq.heappush(self._heap, (-tip, self._pool.arrival(transaction), transaction.hash, transaction))


class ListOffer:
    """Given transactions in their order, outside any pool; what does not fit is left out."""

    def __init__(self, transactions: Iterable[Transaction]) -> None:
        self._left = deque(transactions)

    def peek(self) -> Transaction | None:
        """The next one, or None."""
        return self._left[0] if self._left else None

    def take(self) -> None:
        """It is in the block."""
        self._left.popleft()

    def leave(self) -> None:
        """The block is full for it."""
        self._left.popleft()

    def drop(self, reason: str) -> None:  # noqa: ARG002
        """It is invalid here."""
        self._left.popleft()


def _cost(transaction: Transaction) -> int:
    """The most a transaction may take from its sender, in wei."""
    return int(transaction.gas * transaction.max_fee_per_gas + transaction.value)


def _size(transaction: Transaction) -> int:
    """About what a transaction occupies, in bytes."""
    return len(transaction.data) + 512 + sum(64 + 64 * len(slots) for _, slots in transaction.access_list)


def _check_funds(transaction: Transaction, queued_wei: int, balance_wei: int) -> None:
    missing = queued_wei + _cost(transaction) - balance_wei
    if missing > 0:
        raise TransactionRejected(
            f"insufficient funds for gas * price + value: balance {balance_wei}, queued cost {queued_wei}, "
            f"tx cost {_cost(transaction)}, overshot {missing}"
        )


def _check_bump(old: Transaction, new: Transaction) -> None:
    """One eighth more on both fees, and more in any case."""
    pairs = (
        (old.max_fee_per_gas, new.max_fee_per_gas),
        (old.max_priority_fee_per_gas, new.max_priority_fee_per_gas),
    )
    if any(8 * after < 9 * before or after <= before for before, after in pairs):
        raise TransactionRejected("replacement transaction underpriced")
