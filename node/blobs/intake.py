"""Blocks that a member hands over, since nobody reaches its gateway: taken where the chain names them (R19.2)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from aiohttp import web

from ledger.blobs.cid import BadCid, digest_of, parse_cid
from ledger.blobs.unixfs import CHUNK_BYTES, parse_root
from ledger.errors import PeerFault
from node.blobs.store import BlockStore

_PARALLEL: Final = 4
_BODY_S: Final = 30.0
_READ_BYTES: Final = 1 << 16


class Wants(Protocol):
    """Whether a block is to be taken. Called in a worker thread.

    under: a block that is here and leads to it; None for a root that the chain names. Returns the most bytes of the
    blob below it, 0 where it is a part of one, None where it is not wanted.
    """

    def __call__(self, digest: bytes, under: bytes | None) -> int | None: ...


class Intake:
    """Answers `PUT /ipfs/{cid}`. on_taken: told of each root that came whole, on the event loop."""

    def __init__(self, store: BlockStore, wants: Wants, on_taken: Callable[[bytes], None]) -> None:
        self._store, self._wants, self._on_taken = store, wants, on_taken
        self._slots = asyncio.Semaphore(_PARALLEL)
        # Its own, as the gateway's are: strangers keep nothing waiting that this node does for itself.
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self.taken = 0

    async def take(self, request: web.Request) -> web.Response:
        """200 for a block that is here, 201 for one that is now, 404 for one that is not wanted.

        Another status in the 400s for what is no block, 503 where others are handing over.
        """
        try:
            digest = parse_cid(request.match_info["cid"]).digest
            under = parse_cid(request.query["under"]).digest if "under" in request.query else None
        except BadCid as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        # [REJECT] R19.2: sizes first.
        if request.content_length is None or request.content_length > CHUNK_BYTES:
            raise web.HTTPRequestEntityTooLarge(CHUNK_BYTES, request.content_length or -1)
        # What does not unpack would be an exception of the library's where the body is read.
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _cut(web.HTTPUnsupportedMediaType(text="send the block as it is, without Content-Encoding"))
        if self._slots.locked():
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"}, text="busy")
        async with self._slots:
            return await self._take(request, digest, under)

    def close(self) -> None:
        """End its thread."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _take(self, request: web.Request, digest: bytes, under: bytes | None) -> web.Response:
        loop = asyncio.get_running_loop()
        limit = await loop.run_in_executor(self._threads, self._wants, digest, under)
        # [REJECT] R19.2: what the chain does not lead to. The same words for what is sealed here.
        if limit is None or self._store.is_sealed(digest):
            raise _cut(web.HTTPNotFound(text="not wanted here"))
        if await loop.run_in_executor(self._threads, self._store.read_block, digest) is not None:
            return web.Response(status=200)
        block = await _read_body(request)
        # [REJECT] R19.2: a block that does not hash to the digest it came by
        if digest_of(block) != digest:
            raise _cut(web.HTTPBadRequest(text="these bytes are another block"))
        if limit:
            try:
                is_whole = parse_root(digest, block, limit).height == 0
            except PeerFault as fault:
                raise _cut(web.HTTPBadRequest(text="no root of a blob that is wanted")) from fault
        else:
            is_whole = False
        await loop.run_in_executor(self._threads, self._store.put_block, digest, block)
        self.taken += 1
        if is_whole:
            self._on_taken(digest)
        return web.Response(status=201)


async def _read_body(request: web.Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            while len(body) <= CHUNK_BYTES and (piece := await request.content.read(_READ_BYTES)):
                body += piece
    except TimeoutError as error:
        raise _cut(web.HTTPRequestTimeout(text="too slow")) from error
    if len(body) > CHUNK_BYTES:
        raise _cut(web.HTTPRequestEntityTooLarge(CHUNK_BYTES, len(body)))
    return bytes(body)


def _cut(refusal: web.HTTPException) -> web.HTTPException:
    """What is left of the body is not read."""
    refusal.force_close()
    return refusal
