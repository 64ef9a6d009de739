"""The listening end: TLS, one WebSocket path, a bounded number of sockets."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ledger.errors import SetupError
from node.gossip.certificate import Certificate
from node.gossip.limits import Limits
from node.gossip.messages import FRAME_BYTES
from node.gossip.sockets import Transports
from node.operating.logs import bound_noise

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
        self._http: HttpServer
        self._runner: web.ServerRunner | None = None
        self._server: asyncio.Server | None = None
        self._accepting: set[asyncio.Task[Any]] = set()
        self._is_open = True

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Returns the port. Raises SetupError if it cannot be had."""
        bound_noise()
        context = self._certificate.make_server_context()
        self._http = HttpServer(
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
            loop = asyncio.get_running_loop()
            for listening in self._server.sockets:
                loop.remove_reader(listening)
            # asyncio accepts in one turn of the loop and begins in the next: closed in between, it loses a socket.
            loop.call_soon(self._server.close)

    async def close(self) -> None:
        """Stop listening and end what is left of the accepted sockets."""
        self.refuse()
        for accepting in self._accepting:
            accepting.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            await self._http.transports.end(self._limits.close_s)
        if self._server is not None:
            await self._server.wait_closed()
        self._server = self._runner = None

    def _protocol(self) -> asyncio.BaseProtocol:
        """Called by asyncio in a task of its own for every connection, which ends when TLS is up or has failed."""
        accepting = asyncio.current_task()
        assert accepting is not None
        begun = len(self._http.transports) + sum(not one.cancelling() for one in self._accepting)
        if not self._is_open or begun >= self._limits.max_sockets:
            accepting.cancel()  # ends the connection before TLS costs anything
        self._accepting.add(accepting)
        accepting.add_done_callback(self._accepting.discard)
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


class HttpServer(web.Server):
    """An HTTP server that knows which of its transports are open."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], **options: Any) -> None:
        super().__init__(handler, **options)
        self.transports = Transports()

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self.transports.note_made(handler, transport)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self.transports.note_lost(handler)


def _cannot_listen(host: str, port: int, error: OSError) -> SetupError:
    if error.errno == errno.EADDRINUSE:
        return SetupError(
            f"port {port} on {host} is in use: stop the other program or choose another with --gossip-port"
        )
    return SetupError(
        f"cannot listen on {host}:{port} ({error.strerror or error}): choose an address of this machine "
        "and a port this user may open"
    )
