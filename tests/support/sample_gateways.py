"""Gateways that serve blocks or misbehave, and a cache in memory, for who fetches."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from ledger.blobs.cid import digest_of, parse_cid
from ledger.blobs.unixfs import Dag

Behaviour = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


def blocks_of(*dags: Dag) -> dict[bytes, bytes]:
    return {digest: data for dag in dags for digest, _, data in dag.blocks()}


class Gateway:
    """A gateway that serves `blocks` unless `behaviour` does something else; `asked` counts requests by digest."""

    def __init__(self, blocks: dict[bytes, bytes], behaviour: Behaviour | None = None) -> None:
        self.blocks, self.behaviour = blocks, behaviour
        self.asked: Counter[bytes] = Counter()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.query_string == "format=raw"
        assert request.headers["Accept"] == "application/vnd.ipld.raw"
        digest = parse_cid(request.match_info["cid"]).digest
        self.asked[digest] += 1
        if self.behaviour is not None:
            return await self.behaviour(request, digest)
        if digest not in self.blocks:
            raise web.HTTPNotFound
        return web.Response(body=self.blocks[digest])


@asynccontextmanager
async def running(*gateways: Gateway) -> AsyncIterator[list[str]]:
    servers = []
    for gateway in gateways:
        app = web.Application()
        app.router.add_get("/ipfs/{cid}", gateway.handle)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        gateway.url = f"http://127.0.0.1:{server.port}"
        servers.append(server)
    try:
        yield [gateway.url for gateway in gateways]
    finally:
        await asyncio.gather(*(server.close() for server in servers))


class MemoryCache:
    def __init__(self) -> None:
        self.blocks: dict[bytes, bytes] = {}

    def read_block(self, digest: bytes) -> bytes | None:
        return self.blocks.get(digest)

    def put_block(self, digest: bytes, data: bytes) -> None:
        assert digest_of(data) == digest
        self.blocks[digest] = data
