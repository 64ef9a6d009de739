"""eth_subscribe: new heads and logs, told to every connection that asked, each block encoded once per filter.

When blocks are replaced, the logs in them are told again as removed, newest block first, as the specification
of Ethereum's publish-subscribe has it; then come the new heads.
"""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from ledger.testchain.mining.engine import BlockNews
from ledger.testchain.rpc import params, views
from ledger.testchain.rpc.dispatch import LocalMethods
from ledger.testchain.rpc.errors import INVALID_PARAMS, SERVER_ERROR, RpcError
from ledger.testchain.storage.logs import LogFilter

MAX_SUBSCRIPTIONS = 64
Push = Callable[[bytes], None]


class Subscriber:
    """The subscriptions of one connection. push: takes an encoded message and returns at once."""

    def __init__(self, push: Push) -> None:
        self.push = push
        # None stands for new heads.
        self.wanted: dict[str, LogFilter | None] = {}

    def methods(self) -> LocalMethods:
        """What this connection can call beside the chain's methods."""
        return {"eth_subscribe": self._subscribe, "eth_unsubscribe": self._unsubscribe}

    def _subscribe(self, *arguments: Any) -> str:
        wanted = _wanted(arguments)
        if len(self.wanted) >= MAX_SUBSCRIPTIONS:
            raise RpcError(SERVER_ERROR, f"too many subscriptions: {MAX_SUBSCRIPTIONS} on this connection")
        name = "0x" + secrets.token_hex(16)
        self.wanted[name] = wanted
        return name

    def _unsubscribe(self, *arguments: Any) -> bool:
        if len(arguments) != 1 or not isinstance(arguments[0], str):
            raise RpcError(INVALID_PARAMS, "eth_unsubscribe: expected one subscription id")
        if arguments[0] not in self.wanted:
            return False
        del self.wanted[arguments[0]]
        return True


class Hub:
    """Who is subscribed. Everything here runs on the event loop."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()

    def join(self, subscriber: Subscriber) -> None:
        """Tell a connection of what it subscribes to, from now on."""
        self._subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Tell it no more."""
        self._subscribers.discard(subscriber)

    def publish(self, news: BlockNews) -> None:
        """Tell everyone concerned of a block that came or went."""
        results: dict[LogFilter | None, list[msgspec.Raw]] = {}
        for subscriber in list(self._subscribers):
            for name, wanted in list(subscriber.wanted.items()):
                if wanted not in results:
                    results[wanted] = _head(news) if wanted is None else _logs(news, wanted)
                for result in results[wanted]:
                    subscriber.push(_notification(name, result))


def _wanted(arguments: tuple[Any, ...]) -> LogFilter | None:
    """What is asked for. Raises RpcError."""
    if arguments[:1] == ("newHeads",) and len(arguments) == 1:
        return None
    if arguments[:1] == ("logs",) and len(arguments) <= 2:
        try:
            return params.parse_log_filter(arguments[1] if len(arguments) == 2 else {})[0]
        except params.InvalidParams as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
    raise RpcError(INVALID_PARAMS, 'eth_subscribe: expected "newHeads", or "logs" and a filter')


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
