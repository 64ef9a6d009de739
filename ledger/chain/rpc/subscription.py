"""Being woken by an endpoint's WebSocket when it has a new block, instead of asking all the time.

What it says is taken for a hint and nothing more: the chain is read over HTTP, as without it, and where the
WebSocket is lost the reader goes on by asking.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from ledger.errors import SetupError
from ledger.untrusted.host_names import NameResolver
from ledger.untrusted.parsing import decode_json

_log = logging.getLogger(__name__)
# A header with all its fields takes some 2 KiB.
_MESSAGE_MAX_BYTES: Final = 1 << 16
_ANSWER_S: Final = 10.0
_HEARTBEAT_S: Final = 20.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0
_SUBSCRIBE: Final = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'


class _Message(msgspec.Struct, frozen=True):
    """An answer or a notification; only whether it is one, and for which subscription, matters."""

    id: int | None = None
    result: str | None = None
    method: str | None = None
    params: "_Notification | None" = None


class _Notification(msgspec.Struct, frozen=True):
    subscription: str


class _ConnectionLost(Exception):
    """The connection is of no more use."""


class HeadSubscription:
    """newHeads of one endpoint, kept up by `run`: it connects again after every loss, later each time.

    wake: called on the event loop with every new block, and when the connection comes or goes; it must be quick.
    """

    def __init__(self, url: str, wake: Callable[[], None], rng: random.Random | None = None) -> None:
        """Raises SetupError for what is no WebSocket address."""
        if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
            raise SetupError(f"{url!r} is no WebSocket address: give one such as ws://127.0.0.1:8545")
        self.url, self._wake = url, wake
        self._rng = rng or random.Random()
        self.is_live = False
        """Subscribed: blocks will be told."""

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = _FIRST_PAUSE_S
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_ANSWER_S)
        connector = aiohttp.TCPConnector(resolver=NameResolver())
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while True:
                try:
                    await self._listen(session)
                except (_ConnectionLost, aiohttp.ClientError, OSError, TimeoutError) as error:
                    if self.is_live:
                        pause_s = _FIRST_PAUSE_S
                    _log.info(
                        "websocket lost, polling instead url=%s again_in_s=%.1f reason=%s",
                        _mask_host(self.url),
                        pause_s,
                        str(error) or type(error).__name__,
                    )
                finally:
                    self._set_live(False)
                await asyncio.sleep(pause_s * self._rng.uniform(0.75, 1.25))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        """One connection's life. Raises _Lost and what aiohttp raises."""
        async with asyncio.timeout(_ANSWER_S):
            socket = await session.ws_connect(
                self.url, max_msg_size=_MESSAGE_MAX_BYTES, heartbeat=_HEARTBEAT_S, autoping=True
            )
        try:
            async with asyncio.timeout(_ANSWER_S):
                await socket.send_str(_SUBSCRIBE)
                subscription = await self._subscribe(socket)
            _log.info("websocket live url=%s", _mask_host(self.url))
            self._set_live(True)
            while True:
                message = _decode(await socket.receive())
                if message.params is not None and message.params.subscription == subscription:
                    self._wake()
        finally:
            await socket.close()

    async def _subscribe(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        while True:
            message = _decode(await socket.receive())
            if message.id == 1:
                if not message.result:
                    raise _ConnectionLost("it does not offer newHeads")
                return message.result

    def _set_live(self, is_live: bool) -> None:
        if is_live != self.is_live:
            self.is_live = is_live
            self._wake()


def _decode(received: aiohttp.WSMessage) -> _Message:
    """Raises _Lost for an end, an error or nonsense."""
    if received.type is not aiohttp.WSMsgType.TEXT:
        raise _ConnectionLost(f"{received.type.name.lower()} {received.data or ''}".strip()[:80])
    try:
        return decode_json(received.data, _Message)
    except ValueError as error:
        raise _ConnectionLost(f"nonsense: {error}") from error


def _mask_host(url: str) -> str:
    """An address without what may be secret in its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def guess_websocket_url(rpc_url: str) -> str | None:
    """Where an endpoint on this machine most likely offers its WebSocket: at the same port. None for any other."""
    parts = urlsplit(rpc_url)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        return None
    return "ws://" + rpc_url.removeprefix("http://")
