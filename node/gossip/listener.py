"""The listening end: TLS, one WebSocket path, a bounded number of sockets."""

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ledger.errors import SetupError
from node.gossip.certificate import Certificate
from node.gossip.limits import Limits
from node.gossip.messages import FRAME_BYTES

PATH = "/gossip"
FRAME_LIMIT = FRAME_BYTES + 1  # aiohttp refuses frames that reach its limit


class Listener:
    """Hands every WebSocket at `/gossip` to `serve`; answers anything else with an HTTP error."""

    def __init__(
        self,
        certificate: Certificate,
        serve: Callable[[web.WebSocketResponse], Awaitable[None]],
        limits: Limits,
    ) -> None:
        self._certificate, self._serve, self._limits = certificate, serve, limits
        self._http: _HttpServer
        self._runner: web.ServerRunner | None = None
        self._server: asyncio.Server | None = None
        self._is_open = True

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Returns the port. Raises SetupError if it cannot be had."""
        context = self._certificate.server_context()
        self._http = _HttpServer(
            self._upgrade,
            access_log=None,
            keepalive_timeout=self._limits.handshake_s,  # also ends sockets that never send a request
            lingering_time=0,
        )
        runner = web.ServerRunner(self._http, shutdown_timeout=self._limits.close_s)
        await runner.setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._protocol,
                host,
                port,
                ssl=context,
                ssl_handshake_timeout=self._limits.handshake_s,
                ssl_shutdown_timeout=self._limits.close_s,
            )
        except OSError as error:
            await runner.cleanup()
            raise _cannot_listen(host, port, error) from error
        self._runner = runner
        return int(self._server.sockets[0].getsockname()[1])

    def refuse(self) -> None:
        """Take no more connections; those that are there go on."""
        self._is_open = False
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Stop listening and end what is left of the accepted sockets."""
        self.refuse()
        if self._runner is not None:
            await self._runner.cleanup()
            await self._http.end_transports(self._limits.close_s)
        if self._server is not None:
            await self._server.wait_closed()
        self._server = self._runner = None

    def _protocol(self) -> asyncio.BaseProtocol:
        if not self._is_open or len(self._http.transports) >= self._limits.max_sockets:
            return _Refusal()
        return self._http()

    async def _upgrade(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            socket = await self._prepare(request)
        except web.HTTPException as refusal:
            refusal.force_close()  # whoever asks for something else has no business here
            raise
        await self._serve(socket)
        return socket

    async def _prepare(self, request: web.BaseRequest) -> web.WebSocketResponse:
        if not self._is_open:
            raise web.HTTPServiceUnavailable
        if request.path != PATH:
            raise web.HTTPNotFound
        socket = web.WebSocketResponse(
            heartbeat=self._limits.heartbeat_s,
            compress=False,
            max_msg_size=FRAME_LIMIT,
            autoping=False,  # pings count against the rate limit
            timeout=self._limits.close_s,
        )
        await socket.prepare(request)
        return socket


class _HttpServer(web.Server):
    """An HTTP server that knows which of its transports are not yet closed to the last byte."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], **options: Any) -> None:
        super().__init__(handler, **options)
        self.transports: dict[Any, asyncio.Transport] = {}
        self._all_ended = asyncio.Event()

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self.transports[handler] = transport
        self._all_ended.clear()

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.transports.pop(handler, None)
        if not self.transports:
            self._all_ended.set()

    async def end_transports(self, within_s: float) -> None:
        """Wait until TLS has said goodbye on every socket; cut those that take longer."""
        for patience_s in (within_s, 1.0):  # an aborted transport ends in the next turn of the loop
            if not self.transports:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._all_ended.wait()
            for transport in self.transports.values():
                transport.abort()


class _Refusal(asyncio.Protocol):
    """Ends a connection as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _cannot_listen(host: str, port: int, error: OSError) -> SetupError:
    if error.errno == errno.EADDRINUSE:
        return SetupError(
            f"port {port} on {host} is in use: stop the other program or choose another with --gossip-port"
        )
    return SetupError(
        f"cannot listen on {host}:{port} ({error.strerror or error}): choose an address of this machine "
        "and a port this user may open"
    )
