"""eth_subscribe: heads, logs and pooled transactions, told to all connections that asked, encoded once per filter.

When blocks are replaced, the logs in them are told again as removed, newest block first, as the specification
of Ethereum's publish-subscribe has it; then come the new heads.
"""

import secrets
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from ledger.testchain.evm.vm import Transaction
from ledger.testchain.mining.engine import BlockNews
from ledger.testchain.rpc import params, views
from ledger.testchain.rpc.dispatch import LocalMethods
from ledger.testchain.rpc.errors import INVALID_PARAMS, SERVER_ERROR, RpcError
from ledger.testchain.storage.logs import LogFilter

MAX_SUBSCRIPTIONS = 64
Push = Callable[[bytes], None]


class Kind(Enum):
    """What can be subscribed to, besides logs."""

    HEADS = "newHeads"
    HASHES = "hashes of transactions that are pooled"
    TRANSACTIONS = "such transactions themselves"


Wanted = LogFilter | Kind
_POOLED = (Kind.HASHES, Kind.TRANSACTIONS)


class Subscriber:
    """The subscriptions of one connection. push: takes an encoded message and returns at once."""

    def __init__(self, push: Push, hub: "Hub") -> None:
        self.push, self._hub = push, hub
        self.wanted: dict[str, Wanted] = {}

    def methods(self) -> LocalMethods:
        """What this connection can call beside the chain's methods."""
        return {"eth_subscribe": self._subscribe, "eth_unsubscribe": self._unsubscribe}

    def _subscribe(self, *arguments: Any) -> str:
        wanted = _wanted(arguments)
        if len(self.wanted) >= MAX_SUBSCRIPTIONS:
            raise RpcError(SERVER_ERROR, f"too many subscriptions: {MAX_SUBSCRIPTIONS} on this connection")
        name = "0x" + secrets.token_hex(16)
        self.wanted[name] = wanted
        self._hub.count()
        return name

    def _unsubscribe(self, *arguments: Any) -> bool:
        if len(arguments) != 1 or not isinstance(arguments[0], str):
            raise RpcError(INVALID_PARAMS, "eth_unsubscribe: expected one subscription id")
        if arguments[0] not in self.wanted:
            return False
        del self.wanted[arguments[0]]
        self._hub.count()
        return True


class Hub:
    """Who is subscribed. Everything here runs on the event loop; only `wants_pooled` is read elsewhere."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()
        self.wants_pooled = False

    def join(self, subscriber: Subscriber) -> None:
        """Tell a connection of what it subscribes to, from now on."""
        self._subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Tell it no more."""
        self._subscribers.discard(subscriber)
        self.count()

    def count(self) -> None:
        """Somebody's subscriptions changed."""
        self.wants_pooled = any(kind in _POOLED for one in self._subscribers for kind in one.wanted.values())

    def publish_pooled(self, transaction: Transaction) -> None:
        """Tell everyone concerned of a transaction that the next block could hold."""
        results: dict[Wanted, msgspec.Raw] = {}
        for subscriber in list(self._subscribers):
            for name, wanted in list(subscriber.wanted.items()):
                if wanted not in _POOLED:
                    continue
                if wanted not in results:
                    whole = wanted is Kind.TRANSACTIONS
                    view = views.pending_view(transaction) if whole else views.hex_data(transaction.hash)
                    results[wanted] = _encode(view)
                subscriber.push(_notification(name, results[wanted]))

    def publish(self, news: BlockNews) -> None:
        """Tell everyone concerned of a block that came or went."""
        results: dict[Wanted, list[msgspec.Raw]] = {}
        for subscriber in list(self._subscribers):
            for name, wanted in list(subscriber.wanted.items()):
                if wanted not in results:
                    results[wanted] = _results(news, wanted)
                for result in results[wanted]:
                    subscriber.push(_notification(name, result))


def _wanted(arguments: tuple[Any, ...]) -> Wanted:
    """What is asked for. Raises RpcError."""
    if arguments[:1] == ("newHeads",) and len(arguments) == 1:
        return Kind.HEADS
    if arguments[:1] == ("newPendingTransactions",) and arguments[1:] in ((), (False,), (True,)):
        return Kind.TRANSACTIONS if arguments[1:] == (True,) else Kind.HASHES
    if arguments[:1] == ("logs",) and len(arguments) <= 2:
        try:
            return params.parse_log_filter(arguments[1] if len(arguments) == 2 else {})[0]
        except params.InvalidParams as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
    names = '"newHeads", "newPendingTransactions", or "logs" and a filter'
    raise RpcError(INVALID_PARAMS, f"eth_subscribe: expected {names}")


def _results(news: BlockNews, wanted: Wanted) -> list[msgspec.Raw]:
    if isinstance(wanted, LogFilter):
        return _logs(news, wanted)
    return _head(news) if wanted is Kind.HEADS else []


def _head(news: BlockNews) -> list[msgspec.Raw]:
    return [] if news.is_removed else [_encode(views.header_view(news.header))]


def _logs(news: BlockNews, wanted: LogFilter) -> list[msgspec.Raw]:
    if news.logs is None or not wanted.may_match(news.header.bloom):
        return []
    found = wanted.select(news.header.block_number, news.logs)
    return [_encode({**views.log_view(log), "removed": news.is_removed}) for log in found]


def _encode(view: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(view))


def _notification(name: str, result: msgspec.Raw) -> bytes:
    return msgspec.json.encode(
        {"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": name, "result": result}}
    )
