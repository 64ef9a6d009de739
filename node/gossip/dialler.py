"""The dialling end: one WebSocket over TLS to a member's endpoint, and nowhere else."""

import asyncio
import ssl
from functools import partial
from http import HTTPStatus

import aiohttp
from aiohttp import ClientError, ClientRequest, ClientResponse, ClientWebSocketResponse
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from ledger.errors import PeerFault
from ledger.identity.endpoints import Origin
from ledger.untrusted.host_names import NameResolver
from node.gossip.certificate import certificate_sha256, make_client_context
from node.gossip.limits import Limits
from node.gossip.listener import FRAME_LIMIT, PATH
from node.gossip.sockets import ConnectionEnded, Transports


class NotGossip(PeerFault):
    """What answers at the endpoint is not a gossip listener."""


class Dialler:
    """Opens WebSockets with one shared client session. Make it inside a running loop; close it."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._transports = limits, Transports()
        self._session = aiohttp.ClientSession(
            connector=_Connector(self._transports, limits.close_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=limits.handshake_s),
            middlewares=(_no_redirects,),
            auto_decompress=False,
        )

    async def dial(self, place: Origin) -> tuple[ClientWebSocketResponse, bytes]:
        """Connect. Returns the socket and the SHA-256 of the certificate at the other end.

        Raises Ended if nobody answers in time, NotGossip if something else does.
        """
        try:
            socket = await self._session.ws_connect(
                URL.build(scheme=place.scheme, host=place.host, port=place.port, path=PATH),
                heartbeat=self._limits.heartbeat_s,
                compress=0,
                max_msg_size=FRAME_LIMIT,
                autoping=False,  # pings count against the rate limit
                timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close_s),
            )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise ConnectionEnded(f"{place} is going away") from error
            raise NotGossip(f"{place} answered HTTP {error.status}, not a WebSocket") from error
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise ConnectionEnded(f"cannot reach {place}: {error!r:.200}") from error
        tls: ssl.SSLObject | None = socket.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        if der is None:
            await socket.close()
            raise ConnectionEnded(f"{place} left at once")
        return socket, certificate_sha256(der)

    async def close(self) -> None:
        """End every connection, also those that were given up before and are still closing."""
        await self._session.close()
        await self._transports.end(self._limits.close_s)


class _Connector(aiohttp.TCPConnector):
    """aiohttp's forgets a connection as soon as it begins to close, and TLS may take half a minute to finish."""

    def __init__(self, transports: Transports, close_s: float) -> None:
        super().__init__(limit=0, force_close=True, ssl=make_client_context(), resolver=NameResolver())
        self._factory = partial(_connection, transports, close_s, self._loop)


class _Connection(ResponseHandler):
    """Tells of its transport, and leaves TLS only `close_s` for its goodbye."""

    def __init__(self, transports: Transports, close_s: float, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._transports, self._close_s = transports, close_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self._transports.note_made(self, transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._transports.note_lost(self)

    def close(self) -> None:
        transport = self.transport
        super().close()
        if transport is not None:
            self._loop.call_later(self._close_s, transport.abort)


def _connection(transports: Transports, close_s: float, loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return _Connection(transports, close_s, loop)


async def _no_redirects(request: ClientRequest, handler: aiohttp.ClientHandlerType) -> ClientResponse:
    """A member's endpoint must not send us elsewhere, least of all into our own network."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise NotGossip(f"{request.url.origin()} answered with a redirect")
    return response
