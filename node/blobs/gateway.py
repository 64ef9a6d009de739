"""An IPFS trustless gateway over a block store: single blocks, and whole blobs as CAR streams.

Source: specs.ipfs.tech/http-gateways/trustless-gateway. Nothing is served that the asker cannot verify by hash, and
nothing of a sealed blob is served at all: it answers as if it were not here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from ledger.blobs.car import encode_car_header, encode_section_head
from ledger.blobs.cid import DAG_PB, RAW, BadCid, Cid, parse_cid
from ledger.blobs.dagpb import FILE_BYTES_MAX
from ledger.blobs.unixfs import MAGIC, walk
from ledger.errors import PeerFault
from ledger.fetch.block_request import RAW_TYPE
from node.blobs.intake import Intake
from node.blobs.store import BlockStore, NotStored
from node.operating.logs import bound_noise

CAR_TYPE = "application/vnd.ipld.car"
CAR_CONTENT_TYPE = f"{CAR_TYPE}; version=1; order=dfs; dups=y"
# The spec's probe: a gateway answers for this CID (identity, no bytes) whatever it stores.
PROBE = "bafkqaaa"

_QUEUE_S = 5.0
_PIECE_S = 30.0
_RATE = 1 << 16
_QUEUED_PER_SLOT = 4
_ACCEPT_MAX = 32
_THREADS = 4


@dataclass
class GatewayStats:
    """What went out, counted as it is handed to the network."""

    requests: int = 0
    """All that were answered or refused."""
    refused_busy: int = 0
    """Those refused since too many waited."""
    bytes_sent: int = 0
    """Of bodies, without headers."""


STATS = web.AppKey("STATS", GatewayStats)


@dataclass
class _Gateway:
    store: BlockStore
    serves: Callable[[bytes], bool]
    stats: GatewayStats
    slots: asyncio.Semaphore
    queue_max: int
    # Its own, so that strangers' questions never keep this node's fetches waiting for the disk.
    threads: ThreadPoolExecutor
    queued: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.stats.requests += 1
        kind = _parse_kind(request)
        if request.match_info["cid"] == PROBE and kind == RAW_TYPE:
            return web.Response(headers=_make_headers(PROBE, kind))
        try:
            cid = parse_cid(request.match_info["cid"])
        except BadCid as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        async with self._take_slot():
            try:
                root = await self._in_thread(lambda: self._read_permitted(cid.digest))
            except NotStored as error:
                # The same words whether it is missing, sealed or withheld.
                raise web.HTTPNotFound(text="not here") from error
            headers = _make_headers(cid.text, kind)
            if _matches(request.headers.get("If-None-Match", ""), headers["ETag"]):
                return web.Response(status=304, headers=headers)
            response = web.StreamResponse(headers=headers)
            if kind == RAW_TYPE:
                response.content_length = len(root)
                return await self._send(request, response, _yield_once(root))
            return await self._send(request, response, self._read_pieces(self._stream_car(cid, root)))

    async def _read_pieces(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Pieces that are read from disk as they are asked for."""
        while piece := await self._in_thread(lambda: next(pieces, b"")):
            yield piece

    async def _in_thread(self, work: Callable[[], bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def close(self, _: web.Application) -> None:
        """End its threads."""
        self.threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def _take_slot(self) -> AsyncIterator[None]:
        """A place among max_concurrent; wait a little for it, in a queue with a bound."""
        if self.queued >= self.queue_max:
            raise self._busy()
        self.queued += 1
        try:
            async with asyncio.timeout(_QUEUE_S):
                await self.slots.acquire()
        except TimeoutError as error:
            raise self._busy() from error
        finally:
            self.queued -= 1
        try:
            yield
        finally:
            self.slots.release()

    def _busy(self) -> web.HTTPException:
        self.stats.refused_busy += 1
        return web.HTTPServiceUnavailable(headers={"Retry-After": "1"}, text="busy")

    def _read_permitted(self, digest: bytes) -> bytes:
        """One block that may be served, read from disk. Raises NotStored otherwise."""
        block = None if self._is_withheld(digest) else self.store.read_block(digest)
        # Asked again after the disk was read: it may have been sealed meanwhile.
        if block is None or self._is_withheld(digest):
            raise NotStored(digest)
        return block

    def _is_withheld(self, digest: bytes) -> bool:
        return self.store.is_sealed(digest) or not self.serves(digest)

    def _stream_car(self, cid: Cid, root: bytes) -> Iterator[bytes]:
        """The CAR of the blob below a root, depth first, blocks repeated where the blob repeats them."""
        if root.startswith(MAGIC) or cid.codec == RAW:
            yield encode_car_header(Cid(RAW, cid.digest))
            yield encode_section_head(Cid(RAW, cid.digest), len(root)) + root
            return
        yield encode_car_header(cid)
        for part, block in walk(cid.digest, self._read_permitted, FILE_BYTES_MAX):
            name = Cid(DAG_PB if part.height else RAW, part.digest)
            yield encode_section_head(name, len(block)) + block

    async def _send(
        self, request: web.Request, response: web.StreamResponse, pieces: AsyncIterator[bytes]
    ) -> web.StreamResponse:
        """Send the pieces. The asker has to take _RATE bytes a second or more, with _PIECE_S to spare."""
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        clock = asyncio.get_running_loop()
        until = clock.time() + _PIECE_S
        try:
            async for piece in pieces:
                async with asyncio.timeout_at(until):
                    await response.write(piece)
                until = min(until + len(piece) / _RATE, clock.time() + _PIECE_S)
                self.stats.bytes_sent += len(piece)
            async with asyncio.timeout_at(until):
                await response.write_eof()
        # The head is out, so a cut is all that is left to say: the asker sees it and goes elsewhere.
        except (TimeoutError, NotStored, PeerFault):
            if request.transport is not None:
                request.transport.abort()
        return response


def make_gateway_app(
    store: BlockStore,
    *,
    max_concurrent: int = 32,
    serves: Callable[[bytes], bool] = lambda _: True,
    stats: GatewayStats | None = None,
    middlewares: Sequence[Middleware] = (),
    intake: Intake | None = None,
) -> web.Application:
    """An application that answers GET and HEAD /ipfs/{cid}; it can be mounted with add_subapp (R19).

    max_concurrent: blocks or CARs being sent at once; four times as many may wait a few seconds for their turn,
    the rest gets 503. serves: whether a block may be served, asked in worker threads. stats: counted into.
    intake: takes blocks that others hand over (R19.2); without it none are taken.
    Connections, and how long they may take to send a request, are the server's to bound: see node.blobs.doors.
    """
    gateway = _Gateway(
        store,
        serves,
        stats or GatewayStats(),
        asyncio.Semaphore(max_concurrent),
        _QUEUED_PER_SLOT * max_concurrent,
        ThreadPoolExecutor(_THREADS, thread_name_prefix="gateway"),
    )
    bound_noise()
    app = web.Application(middlewares=middlewares)
    app[STATS] = gateway.stats
    app.on_cleanup.append(gateway.close)
    app.router.add_get("/ipfs/{cid}", gateway.answer)
    if intake is not None:
        app.router.add_put("/ipfs/{cid}", intake.take)
    return app


async def _yield_once(block: bytes) -> AsyncIterator[bytes]:
    """One piece that is in memory: no thread is needed for it."""
    yield block


def _parse_kind(request: web.Request) -> str:
    """RAW_TYPE or CAR_TYPE: the query's `format` first, then Accept. Raises 400 if it says nothing, else 406."""
    asked, accept = request.query.get("format"), request.headers.get("Accept")
    if asked is None and accept is None:
        raise web.HTTPBadRequest(text="say ?format=raw or ?format=car")
    offered = [asked] if asked is not None else [item.strip() for item in (accept or "").split(",")[:_ACCEPT_MAX]]
    for item in offered:
        name, *parameters = [word.strip().lower() for word in item.split(";")]
        version = request.query.get("car-version", "1")
        if name in ("raw", RAW_TYPE):
            return RAW_TYPE
        if name in ("car", CAR_TYPE) and version == "1" and "version=2" not in parameters:
            return CAR_TYPE
    raise web.HTTPNotAcceptable(text=f"only {RAW_TYPE} and {CAR_TYPE} version 1 are served here")


def _make_headers(name: str, kind: str) -> dict[str, str]:
    """name: the CID. A CID's bytes never change, so caches may keep them for ever."""
    is_raw = kind == RAW_TYPE
    return {
        "Content-Type": RAW_TYPE if is_raw else CAR_CONTENT_TYPE,
        "Content-Disposition": f'attachment; filename="{name}.{"bin" if is_raw else "car"}"',
        "ETag": f'"{name}.raw"' if is_raw else f'W/"{name}.car.dfs.y"',
        "Cache-Control": "public, max-age=29030400, immutable",
        "X-Content-Type-Options": "nosniff",
        "X-Ipfs-Path": f"/ipfs/{name}",
        "Vary": "Accept",
    }


def _matches(if_none_match: str, etag: str) -> bool:
    return any(item.strip() in ("*", etag) for item in if_none_match.split(","))
