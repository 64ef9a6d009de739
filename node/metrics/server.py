"""The port for Prometheus and for health checks: four pages that only tell, for a bounded number of askers.

    /metrics   the figures, in the text format of Prometheus or in OpenMetrics, as the asker prefers
    /livez     200 as long as this process answers: whoever restarts processes asks this, and nothing else
    /readyz    200 where it does its work, 503 with the reasons where it does not: a chain that is away comes back
               without a restart
    /healthz   200 where nothing at all is wrong, 503 with the reasons otherwise: for people and alarms

Nothing that an asker sends changes anything. Figures put together a moment ago are given out again, so that asking
often costs little.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ledger.errors import SetupError, UsageError
from node.blobs.doors import Bounds, Doors
from node.metrics.health import Health
from node.operating.figures import dump_json
from node.operating.host_names import is_loopback, is_named_well
from node.operating.logs import bound_noise

_BOUNDS: Final = Bounds(connections=32, per_address=16, waiting_s=10.0)
_FRESH_S: Final = 1.0
_SEND_S: Final = 10.0
_ACCEPT_MAX: Final = 1000
_SHUTDOWN_S: Final = 1.0
_PLAIN: Final = "text/plain; charset=utf-8"
LOOPBACK: Final = "127.0.0.1"


class MetricsServer:
    """One process's. check: says how it is now; it must be quick and must not raise."""

    def __init__(
        self,
        registry: CollectorRegistry,
        check: Callable[[], Health],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._check, self._clock = registry, check, clock
        self._pages: dict[str, tuple[float, bytes]] = {}
        self._doors = Doors(_BOUNDS)
        self._is_for_here = True
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> str:
        """Listen and return the base URL; port 0 takes a free one. Raises SetupError."""
        bound_noise()
        self._is_for_here = is_loopback(host)
        app = web.Application(middlewares=[self._doors.middleware, self._guard], client_max_size=1)
        for path, answer in (
            ("/metrics", self._answer_metrics),
            ("/livez", self._answer_livez),
            ("/readyz", self._answer_readyz),
            ("/healthz", self._answer_healthz),
        ):
            app.router.add_get(path, answer)
        self._runner = web.AppRunner(app, access_log=None, lingering_time=0, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        assert self._runner.server is not None
        try:
            self._listening = await self._doors.listen(self._runner.server, host, port)
        except OSError as error:
            await self.close()
            raise SetupError(
                f"port {port} on {host} cannot be used for metrics ({error.strerror}): stop the other program or "
                "choose another with --metrics"
            ) from error
        actual = self._listening.sockets[0].getsockname()[1]
        return f"http://{f'[{host}]' if ':' in host else host}:{actual}"

    async def close(self) -> None:
        """End every socket. Doing it again changes nothing."""
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Nothing for pages of web sites.

        Browsers mark what these ask for, but not under a name that a site had point here (DNS rebinding). On the
        loopback address nobody has a use for a name. Elsewhere Prometheus may ask under any.
        """
        if self._is_for_here and not is_named_well(request.headers.get("Host", ""), ()):
            return await _send(request, 403, b"ask under 127.0.0.1 or localhost\n", _PLAIN)
        if request.headers.get("Sec-Fetch-Site", "none") != "none":
            return await _send(request, 403, b"not for pages of other sites\n", _PLAIN)
        return await handler(request)

    async def _answer_metrics(self, request: web.Request) -> web.StreamResponse:
        encode, kind = _choose_form(request.headers.get("Accept", "")[:_ACCEPT_MAX])
        now = self._clock()
        made_at, page = self._pages.get(kind, (float("-inf"), b""))
        if now - made_at >= _FRESH_S:
            page = encode(self._registry)
            if len(self._pages) > 8:
                self._pages.clear()
            self._pages[kind] = now, page
        return await _send(request, 200, page, kind)

    async def _answer_livez(self, request: web.Request) -> web.StreamResponse:
        # That there is an answer is the answer: the event loop turns.
        return await _send_json(request, 200, dump_json({"ok": True}))

    async def _answer_readyz(self, request: web.Request) -> web.StreamResponse:
        health = self._check()
        return await _tell(request, health, is_ok=health.is_ready)

    async def _answer_healthz(self, request: web.Request) -> web.StreamResponse:
        health = self._check()
        return await _tell(request, health, is_ok=health.is_well)


def parse_listening(text: str, option: str = "--metrics") -> tuple[str, int]:
    """Host and port of `PORT`, `HOST:PORT` or `[HOST]:PORT`; without a host loopback. Raises UsageError."""
    host, _, port = text.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535
    is_bare = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not is_port or is_bare or len(host) > 260 or (text.startswith(":") and not host):
        raise UsageError(f"{option} {text[:80]!r} is neither PORT nor HOST:PORT: give e.g. 9464 or 127.0.0.1:9464")
    return host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port)


async def _tell(request: web.Request, health: Health, *, is_ok: bool) -> web.StreamResponse:
    return await _send_json(request, 200 if is_ok else 503, dump_json(health.to_fields(is_ok=is_ok)))


async def _send_json(request: web.Request, status: int, text: str) -> web.StreamResponse:
    return await _send(request, status, text.encode() + b"\n", "application/json")


def _choose_form(accepted: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """What writes a page, and its media type. accepted: a request's Accept."""
    try:
        return choose_encoder(accepted)
    except (TypeError, ValueError):
        # The library compares versions and takes them for numbers.
        return choose_encoder("")


async def _send(request: web.Request, status: int, body: bytes, kind: str) -> web.StreamResponse:
    """Whoever does not take the answer in time is cut off."""
    headers = {"Content-Type": kind, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body)
    try:
        async with asyncio.timeout(_SEND_S):
            await response.prepare(request)
            if request.method != "HEAD":
                await response.write(body)
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    return response
