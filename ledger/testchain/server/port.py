"""The chain's one port: JSON-RPC by HTTP POST and by WebSocket, and what is checked before the chain sees it.

Browsers are kept out: no request with an Origin, application/json only, and only Host names that cannot be rebound.
"""

import asyncio
import ipaddress

from aiohttp import WSCloseCode, web

from ledger.testchain.evm.vm import Transaction
from ledger.testchain.mining.engine import BlockNews
from ledger.testchain.rpc.dispatch import Dispatcher
from ledger.testchain.rpc.subscriptions import Hub
from ledger.testchain.server.websocket import CLOSE_S, HEARTBEAT_S, Connection

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_IN_FLIGHT = 256
MAX_CONNECTIONS = 128
BODY_TIMEOUT_S = 30.0


class RpcServer:
    """The front of one chain. host: the name it listens under."""

    def __init__(self, dispatcher: Dispatcher, host: str) -> None:
        self._dispatcher, self._host = dispatcher, host
        self._hub = Hub()
        self._connections: set[Connection] = set()
        self._in_flight = 0

    def app(self) -> web.Application:
        """The aiohttp application; everything is at /."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_post("/", self._post)
        app.router.add_get("/", self._connect, allow_head=False)
        app.on_shutdown.append(self._stop)
        return app

    @property
    def connection_count(self) -> int:
        """Open WebSockets."""
        return len(self._connections)

    def publish(self, news: BlockNews) -> None:
        """Tell subscribers of a block that came or went."""
        self._hub.publish(news)

    def wants_pooled(self) -> bool:
        """Whether anybody subscribed to transactions of the pool; to be asked from any thread."""
        return self._hub.wants_pooled

    def publish_pooled(self, transaction: Transaction) -> None:
        """Tell subscribers of a transaction that the next block could hold."""
        self._hub.publish_pooled(transaction)

    async def _post(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if (unfit := _find_unfit(request)) is not None:
            return web.Response(status=415, text=unfit)
        if self._in_flight >= MAX_IN_FLIGHT:
            return web.Response(status=503, text="too many requests at once\n")
        self._in_flight += 1
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await request.read()
            answer = await self._dispatcher.answer(body)
        except TimeoutError:
            return web.Response(status=408, text="the request took too long to arrive\n")
        finally:
            self._in_flight -= 1
        if answer is None:
            return web.Response(status=204)
        return web.Response(body=answer, content_type="application/json")

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        # Compression would cost memory per connection and gain nothing on one machine.
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, timeout=CLOSE_S, max_msg_size=MAX_BODY_BYTES, compress=False
        )
        if not socket.can_prepare(request).ok:
            headers = {"Upgrade": "websocket"}
            return web.Response(status=426, headers=headers, text="POST JSON-RPC here, or open a WebSocket\n")
        if len(self._connections) >= MAX_CONNECTIONS:
            return web.Response(status=503, text="too many connections at once\n")
        connection = Connection(socket, self._dispatcher, self._hub)
        self._connections.add(connection)
        try:
            await socket.prepare(request)
            await connection.serve()
        finally:
            self._connections.discard(connection)
            transport = request.transport
            if isinstance(transport, asyncio.Transport) and transport.get_write_buffer_size() > 0:
                # What a client left unread must not stay in memory.
                transport.abort()
        return socket

    async def _stop(self, _app: web.Application) -> None:
        for connection in self._connections:
            connection.stop(WSCloseCode.GOING_AWAY, "the chain is stopping")

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not _is_safe_host(request.host, self._host):
            return web.Response(status=403, text="invalid host specified\n")
        # Only browsers send it, on behalf of some page.
        if "Origin" in request.headers:
            return web.Response(status=403, text="this chain is not for web pages\n")
        return None


def _find_unfit(request: web.Request) -> str | None:
    """What is wrong with the kind of a body; None where nothing is."""
    if request.content_type != "application/json":
        return "invalid content type, only application/json is supported\n"
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return "send the body as it is, without Content-Encoding\n"
    return None


def _is_safe_host(host_header: str, own_host: str) -> bool:
    """Whether the Host header is an address, localhost or our own name: no other name can be made to point here."""
    name = host_header.rpartition(":")[0] if ":" in host_header.rpartition("]")[2] else host_header
    name = name.strip("[]").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", own_host.lower())
    return True
