"""Filters that are polled: new blocks, new transactions in the pool, new logs since the caller asked last.

News are kept once for all filters, and only while there is a filter; what a poll answers is made when it comes.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.testchain.evm.vm import Transaction
from ledger.testchain.mining.engine import BlockNews, Engine
from ledger.testchain.rpc import params, views
from ledger.testchain.rpc.errors import LIMIT_EXCEEDED, SERVER_ERROR, RpcError
from ledger.testchain.rpc.lookups import Lookups
from ledger.testchain.storage.logs import LogFilter

MAX_FILTERS = 256
# A filter that nobody polls for so long is gone, as in go-ethereum.
EXPIRY_S = 300.0
# A filter that is further behind is gone, too.
MAX_BLOCKS = 4096
MAX_LOG_BYTES = 16 * 1024 * 1024
MAX_TRANSACTIONS = 16_384


class _LogQuery(NamedTuple):
    """What a filter of logs is for."""

    wanted: LogFilter
    """Whose logs, and which."""
    first: int
    """Number of the first block."""
    last: int | None
    """Number of the last block, None for no end."""
    blocks: dict[str, Any]
    """The blocks as its caller named them, and nothing else of what it wrote."""


@dataclass
class _Filter:
    """One filter."""

    query: _LogQuery | None
    """None: of blocks or transactions."""
    is_of_pool: bool
    """Of transactions."""
    is_whole: bool
    """Of transactions themselves, not only their hashes."""
    seen: int
    """How many news there were when it was polled last."""
    polled_at: float
    """When, by the clock."""


class _News:
    """What came since there were filters: the newest of it, bounded in number and bytes."""

    def __init__(self, most: int) -> None:
        self._items: deque[tuple[Any, int]] = deque()
        self._most, self._bytes = most, 0
        self.count = 0

    def add(self, item: Any, size: int = 0) -> None:
        self._items.append((item, size))
        self._bytes += size
        self.count += 1
        while len(self._items) > self._most or (self._bytes > MAX_LOG_BYTES and len(self._items) > 1):
            self._bytes -= self._items.popleft()[1]

    def since(self, seen: int) -> list[Any] | None:
        """What came after the first `seen`; None where some of it is not there any more."""
        missed = self.count - seen
        if missed > len(self._items):
            return None
        return [item for item, _ in list(self._items)[len(self._items) - missed :]]

    def clear(self) -> None:
        self._items.clear()
        self._bytes = 0


class Filters:
    """The filters of one chain. All of it runs in the chain's thread."""

    def __init__(self, engine: Engine, lookups: Lookups, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._lookups, self._clock = engine, lookups, clock
        self._filters: dict[str, _Filter] = {}
        self._blocks, self._pooled = _News(MAX_BLOCKS), _News(MAX_TRANSACTIONS)
        engine.listeners.append(self._note_block)
        engine.pool_listeners.append((lambda: bool(self._filters), self._note_pooled))

    def methods(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "eth_newFilter": self._new_log_filter,
            "eth_newBlockFilter": self._new_block_filter,
            "eth_newPendingTransactionFilter": self._new_pool_filter,
            "eth_getFilterChanges": self._changes,
            "eth_getFilterLogs": self._logs,
            "eth_uninstallFilter": self._remove,
        }

    def _note_block(self, news: BlockNews) -> None:
        if self._filters:
            self._blocks.add(news, len(news.logs or b""))

    def _note_pooled(self, transaction: Transaction) -> None:
        self._pooled.add(transaction.hash)

    def _new_log_filter(self, asked: Any) -> str:
        wanted, fields = params.parse_log_filter(asked)
        first, last = self._lookups.log_range(fields)
        if fields.get("blockHash") is not None:
            return self._add(_LogQuery(wanted, first, last, {"blockHash": fields["blockHash"]}))
        # Tags move with the chain, and what it has already is no news.
        named = {name: params.parse_block_id(fields.get(name) or "latest") for name in ("fromBlock", "toBlock")}
        numbers = [one if isinstance(one, int) else None for one in named.values()]
        blocks = {name: hex(one) if isinstance(one, int) else one for name, one in named.items()}
        return self._add(_LogQuery(wanted, numbers[0] or 0, numbers[1], blocks))

    def _new_block_filter(self) -> str:
        return self._add()

    def _new_pool_filter(self, whole: Any = False) -> str:
        return self._add(is_of_pool=True, is_whole=params.parse_flag(whole, "full transactions"))

    def _add(self, query: _LogQuery | None = None, is_of_pool: bool = False, is_whole: bool = False) -> str:
        self._expire()
        if len(self._filters) >= MAX_FILTERS:
            raise RpcError(LIMIT_EXCEEDED, f"there are {MAX_FILTERS} filters: uninstall some")
        news = self._pooled if is_of_pool else self._blocks
        name = "0x" + secrets.token_hex(16)
        self._filters[name] = _Filter(query, is_of_pool, is_whole, news.count, self._clock())
        return name

    def _remove(self, name: Any) -> bool:
        self._expire()
        found = self._filters.pop(_parse_name(name), None) is not None
        self._forget_news()
        return found

    def _changes(self, name: Any) -> list[Any]:
        wanted = self._find(name)
        news = self._pooled if wanted.is_of_pool else self._blocks
        found, wanted.seen = news.since(wanted.seen), news.count
        if found is None:
            self._remove(name)
            raise _not_found()
        if wanted.query is not None:
            return [view for one in found for view in _changed_logs(one, wanted.query)]
        if not wanted.is_of_pool:
            return [views.hex_data(one.header.hash) for one in found if not one.is_removed]
        if not wanted.is_whole:
            return [views.hex_data(one) for one in found]
        shown = [self._lookups.find_transaction(one) for one in found]
        return [one for one in shown if one is not None]

    def _logs(self, name: Any) -> Any:
        query = self._find(name).query
        if query is None:
            raise _not_found()
        return self._lookups.find_logs(query.wanted, query.blocks)

    def _find(self, name: Any) -> _Filter:
        self._expire()
        found = self._filters.get(_parse_name(name))
        if found is None:
            raise _not_found()
        found.polled_at = self._clock()
        return found

    def _expire(self) -> None:
        latest = self._clock() - EXPIRY_S
        for name in [name for name, one in self._filters.items() if one.polled_at < latest]:
            del self._filters[name]
        self._forget_news()

    def _forget_news(self) -> None:
        if not self._filters:
            self._blocks.clear()
            self._pooled.clear()


def _changed_logs(news: BlockNews, query: _LogQuery) -> list[views.Json]:
    number = news.header.block_number
    if news.logs is None or number < query.first or (query.last is not None and number > query.last):
        return []
    if not query.wanted.may_match(news.header.bloom):
        return []
    found = query.wanted.select(number, news.logs)
    return [{**views.log_view(log), "removed": news.is_removed} for log in found]


def _parse_name(value: Any) -> str:
    if not isinstance(value, str):
        raise params.InvalidParams("invalid filter id: expected a text")
    return value


def _not_found() -> RpcError:
    return RpcError(SERVER_ERROR, "filter not found")
