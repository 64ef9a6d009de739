"""The page's HTTP server: GET alone, for browsers on this machine, everything bounded.

A page of somebody else's can do nothing with it: it answers under IP addresses and names of its own only, so that
no name can be pointed at it; it allows no other origin anything; and there is nothing to change.
"""

import asyncio
import contextlib
import errno
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web

from ledger.errors import SetupError, UsageError
from node.blobs.doors import Bounds, Doors
from node.operating.host_names import is_named_well
from node.operating.logs import bound_noise
from node.watch.answers import Answers
from node.watch.listeners import Listeners, TooManyListeners
from node.watch.now import describe_following, describe_now
from node.watch.page_files import PageFile, read_page_files
from node.watch.query import BadQuery, Missing, NotReady, Query
from node.watch.routes import ROUTES, WORKERS, Route, Worker
from node.watch.sendings import CountedResponse, Sendings
from node.watch.source import Source

_log = logging.getLogger(__name__)
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer, whatever it is."""
_JSON: Final = "application/json; charset=utf-8"
_QUERY_MAX: Final = 2048
_REQUESTS_MAX: Final = 32
_QUEUE_S: Final = 10.0
_ANSWER_S: Final = 60.0
_SHUTDOWN_S: Final = 1.0
_LOOK_EVERY_S: Final = 1.0
_BOUNDS: Final = Bounds(connections=256, per_address=192, waiting_s=30.0)
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_NOTHING: Final = Query({})


@dataclass(frozen=True)
class WatchAddress:
    """Where the page is served."""

    host: str = "127.0.0.1"
    """The address that is listened on."""
    port: int = 0
    """0 takes a free one."""
    names: tuple[str, ...] = ()
    """Names beside `localhost` and IP addresses under which browsers may ask, in lower case."""

    def check(self) -> None:
        """Raises UsageError for what cannot be listened on."""
        if not 0 <= self.port < 1 << 16:
            raise UsageError(f"port {self.port} is not in 0..65535")
        for name in self.names:
            if not _NAME.fullmatch(name):
                raise UsageError(f"{name[:80]!r} is no host name: give one such as watch.example.org")


class WatchServer:
    """The page of one source."""

    def __init__(
        self,
        source: Source,
        names: Sequence[str] = (),
        *,
        files: dict[str, PageFile] | None = None,
        routes: Sequence[Route] = ROUTES,
        workers: Sequence[Worker] = WORKERS,
        bounds: Bounds = _BOUNDS,
    ) -> None:
        """files: of the page, by path. Raises SetupError where the program's own cannot be read."""
        bound_noise()
        self._source, self._names, self._workers = source, tuple(names), workers
        self._files = read_page_files() if files is None else files
        self._answers = Answers(source)
        self._doors = Doors(bounds)
        self._places = asyncio.Semaphore(_REQUESTS_MAX)
        self._changed = asyncio.Event()
        self.listeners = Listeners(self._make_now)
        self.sendings = Sendings()
        app = web.Application(middlewares=[self._doors.middleware, self._guard])
        for route in routes:
            app.router.add_get(route.path, self._make_handler(route))
        app.router.add_get("/api/live", self._listen)
        app.router.add_get("/{name:[^/]*}", self._send_file)
        app.on_response_prepare.append(self._sign)
        self._runner = web.AppRunner(
            app, access_log=None, lingering_time=0, shutdown_timeout=_SHUTDOWN_S, keepalive_timeout=20
        )

    @asynccontextmanager
    async def serving(self, address: WatchAddress) -> AsyncIterator[str]:
        """Listen, follow the source, and give the page's URL. Raises SetupError where the port is not to be had."""
        loop = asyncio.get_running_loop()
        await self._runner.setup()
        assert self._runner.server is not None
        listening = None
        try:
            listening = await self._listen_at(address)
            self._source.on_change(lambda: _set_from_thread(loop, self._changed))
            self._source.start()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._broadcast())]
                tasks += [group.create_task(self._work(worker)) for worker in self._workers]
                try:
                    yield _describe_url(address.host, listening.sockets[0].getsockname()[1])
                finally:
                    for task in tasks:
                        task.cancel()
        finally:
            self._source.close()
            self._answers.close()
            await self.listeners.end()
            if listening is not None:
                listening.close()
            await self._runner.cleanup()

    async def _listen_at(self, address: WatchAddress) -> asyncio.Server:
        host = address.host.removeprefix("[").removesuffix("]")
        assert self._runner.server is not None
        try:
            return await self._doors.listen(self._runner.server, host, address.port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SetupError(
                    f"port {address.port} at {host} is in use: name another one, or 0 for any that is free"
                ) from error
            raise SetupError(f"cannot listen at {host}, port {address.port}: {error.strerror or error}") from error

    async def _broadcast(self) -> None:
        """Tell all who listen, at every change and once a second, as what is stale becomes so by waiting."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.listeners.look()
            except Exception as error:
                # A state that cannot be told is no reason to tell nothing any more, and none to end.
                _log.error("telling the state failed", exc_info=error)

    async def _work(self, worker: Worker) -> None:
        """A worker that fails takes nothing with it."""
        try:
            await worker(self._source)
        except Exception as error:
            _log.error("work behind the page failed", exc_info=error)

    def _make_now(self) -> bytes | None:
        return msgspec.json.encode(describe_now(self._source, _NOTHING)) if self._source.is_read else None

    # ------------------------------------------------------------------------------------------------- requests

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Who may ask, and how; what goes wrong becomes a status and a sentence."""
        refused = self._find_refusal(request)
        if refused is not None:
            return refused
        try:
            return await handler(request)
        except (BadQuery, Missing, NotReady, TooManyListeners, TimeoutError, web.HTTPException) as error:
            return self._describe_error(error)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            _log.error("answering failed path=%s", request.path[:100], exc_info=error)
            return _refuse(500, "this is a fault of the program: its log says more")

    def _find_refusal(self, request: web.Request) -> web.Response | None:
        """None where the request may be looked at."""
        if not is_named_well(request.headers.get("Host", ""), self._names):
            return _refuse(
                403, "this server is not known under that name: use its IP address, or --allow-host NAME"
            )
        if request.method not in ("GET", "HEAD"):
            return _refuse(405, "everything here is only to be read: GET")
        if request.path.startswith("/api/") and request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE:
            return _refuse(403, "pages of others get nothing here")
        if len(request.query_string) > _QUERY_MAX:
            return _refuse(400, f"a query has {_QUERY_MAX} characters at most")
        return None

    def _describe_error(self, error: Exception) -> web.Response:
        if isinstance(error, web.HTTPException):
            return _refuse(error.status, "there is nothing here" if error.status == 404 else error.reason)
        if isinstance(error, NotReady):
            told = describe_following(self._source.describe_following())
            return _respond({"error": str(error), "following": told}, 503)
        status, sentence = _STATUSES[type(error)]
        return _refuse(status, sentence or str(error.args[0]))

    def _make_handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            values = _read_values(request, route)
            key = f"{route.path}?{sorted(values.items())!r}"
            async with asyncio.timeout(_QUEUE_S):
                await self._places.acquire()
            try:
                async with asyncio.timeout(_ANSWER_S):
                    packed = await self._answers.find(route, key, Query(values))
            finally:
                self._places.release()
            headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
            body = packed.plain
            if packed.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
                body, headers["Content-Encoding"] = packed.packed, "gzip"
            return CountedResponse(self.sendings, body, headers={**headers, "Content-Type": _JSON})

        return answer

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if request.query_string:
            raise BadQuery("/api/live takes no parameters")
        if request.method == "HEAD":
            return web.Response()
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}
        return await self.listeners.listen(request, web.StreamResponse(headers=headers))

    async def _send_file(self, request: web.Request) -> web.StreamResponse:
        found = self._files.get(request.path)
        if found is None:
            raise Missing("there is nothing here")
        headers = {"ETag": found.etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == found.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=found.data, headers={**headers, "Content-Type": found.content_type})

    async def _sign(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        response.headers["Server"] = "folkmoot"


_OWN_SITE: Final = ("same-origin", "none")
_STATUSES: Final[Mapping[type[Exception], tuple[int, str]]] = {
    BadQuery: (400, ""),
    Missing: (404, ""),
    TooManyListeners: (503, "too many pages listen already: close one"),
    TimeoutError: (503, "too much is asked at once: ask again in a moment"),
}


def _read_values(request: web.Request, route: Route) -> dict[str, str]:
    values = dict(request.match_info)
    for name, value in request.query.items():
        if name not in route.parameters:
            takes = f"it takes {', '.join(route.parameters)}" if route.parameters else "it takes none"
            raise BadQuery(f"{route.path} has no such parameter: {takes}")
        if name in values:
            raise BadQuery(f"{name} is given twice")
        values[name] = value
    return values


def _refuse(status: int, sentence: str) -> web.Response:
    return _respond({"error": sentence}, status)


def _respond(value: object, status: int) -> web.Response:
    headers = {"Content-Type": _JSON, "Cache-Control": "no-store"}
    if status == 405:
        headers["Allow"] = "GET, HEAD"
    return web.Response(body=msgspec.json.encode(value), status=status, headers=headers)


def _set_from_thread(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    # The loop may be closed already while a thread still ends.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(event.set)


def _describe_url(host: str, port: int) -> str:
    bare = host.removeprefix("[").removesuffix("]")
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bare, bare)  # noqa: S104
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"
