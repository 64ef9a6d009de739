"""Blocks that a member hands over, since nobody reaches its gateway: taken where the chain names them (R19.2)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from aiohttp import web

from ledger.blobs.cid import BadCid, digest_of, parse_cid
from ledger.blobs.unixfs import CHUNK_BYTES, Part, parse_children, parse_root
from ledger.errors import PeerFault
from node.blobs.store import BlockStore

_PARALLEL: Final = 16
_PER_ADDRESS: Final = 4
# A block may take so long, and a second more for each 64 KiB.
_BODY_S: Final = 5.0
_PACE: Final = 1 << 16
_READ_BYTES: Final = 1 << 16
# From a record to its checkpoint's root, a node of that, a leaf.
_PATH_MAX: Final = 3


class Wants(Protocol):
    """Whether a block is to be taken. Called in a worker thread.

    path: the blocks that lead to it, each here, from what the chain names on; empty where that is the block itself.
    Returns for a root the most bytes of its blob, for a part of one its place there, None for what is not wanted.
    """

    def __call__(self, digest: bytes, path: Sequence[bytes]) -> int | Part | None: ...


def want_nothing(digest: bytes, path: Sequence[bytes]) -> int | Part | None:  # noqa: ARG001
    """Of a gateway that keeps nothing for others."""
    return None


class Intake:
    """Answers `PUT /ipfs/{cid}`. on_taken: told of each root that came whole, on the event loop."""

    def __init__(self, store: BlockStore, wants: Wants, on_taken: Callable[[bytes], None]) -> None:
        self._store, self._wants, self._on_taken = store, wants, on_taken
        self._under_way = Counter[str]()
        # Its own, as the gateway's are: strangers keep nothing waiting that this node does for itself.
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self.taken = 0

    async def take(self, request: web.Request) -> web.Response:
        """200 for a block that is here, 201 for one that is now, 404 for one that is not wanted.

        Another status in the 400s for what is no block, 503 where others are handing over.
        """
        try:
            digest = parse_cid(request.match_info["cid"]).digest
            path = [parse_cid(text).digest for text in request.query.getall("under", ())[: _PATH_MAX + 1]]
        except BadCid as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        # [REJECT] R19.2: sizes first.
        if request.content_length is None or request.content_length > CHUNK_BYTES:
            raise web.HTTPRequestEntityTooLarge(CHUNK_BYTES, request.content_length or -1)
        # What does not unpack would be an exception of the library's where the body is read.
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _cut(web.HTTPUnsupportedMediaType(text="send the block as it is, without Content-Encoding"))
        if len(path) > _PATH_MAX:
            raise _cut(web.HTTPNotFound(text="not wanted here"))
        address = request.remote or ""
        # One that dawdles leaves room for others.
        if self._under_way.total() >= _PARALLEL or self._under_way[address] >= _PER_ADDRESS:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"}, text="busy")
        self._under_way[address] += 1
        try:
            return await self._take(request, digest, path)
        finally:
            self._under_way[address] -= 1
            self._under_way += Counter()

    def close(self) -> None:
        """End its thread."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _take(self, request: web.Request, digest: bytes, path: Sequence[bytes]) -> web.Response:
        loop = asyncio.get_running_loop()
        place = await loop.run_in_executor(self._threads, self._wants, digest, path)
        # [REJECT] R19.2: what the chain does not lead to. The same words for what is sealed here.
        if place is None or self._store.is_sealed(digest):
            raise _cut(web.HTTPNotFound(text="not wanted here"))
        if await loop.run_in_executor(self._threads, self._store.read_block, digest) is not None:
            return web.Response(status=200)
        block = await _read_body(request)
        # [REJECT] R19.2: a block that does not hash to the digest it came by
        if digest_of(block) != digest:
            raise _cut(web.HTTPBadRequest(text="these bytes are another block"))
        try:
            # [REJECT] R19.2: what the profile does not have in this place; so nothing leads on for ever
            part = place if isinstance(place, Part) else parse_root(digest, block, place)
            parse_children(part, block)
        except PeerFault as fault:
            raise _cut(web.HTTPBadRequest(text="no block of a blob that is wanted")) from fault
        await loop.run_in_executor(self._threads, self._store.put_block, digest, block)
        self.taken += 1
        if part is not place and part.height == 0:
            self._on_taken(digest)
        return web.Response(status=201)


async def _read_body(request: web.Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S + (request.content_length or 0) / _PACE):
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
