"""A server in the place of an IPFS daemon: it answers well, or as one that is full, slow, lying or ill."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from ledger.blobs.cid import cid_of, parse_cid

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PEER_ID = "12D3KooWSomeDaemonSomewhere"


class IllDaemon:
    """Keeps `blocks` and `pins`, and answers with `ill` in place of what it should, where that is set.

    ill: command → what it does. calls: what it was asked, in order; counts: how often. pins: CID → name.
    imported: the CARs that came. has_names: whether it knows names of pins, as Kubo does and js-ipfs does not.
    """

    def __init__(self, blocks: dict[bytes, bytes] | None = None) -> None:
        self.blocks = dict(blocks or {})
        self.pins: dict[str, str] = {}
        self.imported: list[bytes] = []
        self.ill: dict[str, Answer] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.counts: Counter[str] = Counter()
        self.has_names, self.used_bytes = True, 95
        self.was_asked = asyncio.Event()
        self.port = 0

    @property
    def api(self) -> str:
        """Its multiaddr."""
        return f"/ip4/127.0.0.1/tcp/{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        command = request.match_info["command"]
        self.calls.append((command, dict(request.query)))
        self.counts[command] += 1
        self.was_asked.set()
        ill = self.ill.get(command) or self.ill.get("all")
        if ill is not None:
            return await ill(request)
        answer: Answer = getattr(self, "answer_" + command.replace("/", "_"))
        return await answer(request)

    async def answer_block_get(self, request: web.Request) -> web.Response:
        block = self.blocks.get(parse_cid(request.query["arg"]).digest)
        return refuse("block was not found") if block is None else web.Response(body=block)

    async def answer_version(self, _: web.Request) -> web.Response:
        return web.json_response({"Version": "0.42.0"})

    async def answer_id(self, _: web.Request) -> web.Response:
        return web.json_response({"ID": PEER_ID})

    async def answer_repo_stat(self, _: web.Request) -> web.Response:
        return web.json_response({"RepoSize": self.used_bytes, "StorageMax": "100"})

    async def answer_dag_import(self, request: web.Request) -> web.Response:
        part = await (await request.multipart()).next()
        assert isinstance(part, aiohttp.BodyPartReader)
        assert (part.name, part.filename) == ("file", "blob.car")
        self.imported.append(bytes(await part.read()))
        return web.Response()

    async def answer_pin_add(self, request: web.Request) -> web.Response:
        cid = request.query["arg"]
        self.pins[cid] = request.query.get("name", "")
        return web.json_response({"Pins": [cid]})

    async def answer_pin_ls(self, request: web.Request) -> web.Response:
        asked = request.query.get("arg")
        if request.query.get("stream") == "true":
            lines = [json.dumps({"Cid": cid, "Type": "recursive"}) for cid in self.pins]
            return web.Response(text="\n".join(lines) + "\n")
        if asked is not None and asked not in self.pins:
            return refuse(f"path '{asked}' is not pinned")
        named = {cid: {"Name": name} if self.has_names else {} for cid, name in self.pins.items()}
        keys = {cid: {"Type": "recursive", **about} for cid, about in named.items() if asked in (None, cid)}
        return web.json_response({"Keys": keys})

    async def answer_pin_rm(self, request: web.Request) -> web.Response:
        del self.pins[request.query["arg"]]
        return web.json_response({"Pins": [request.query["arg"]]})

    def pin(self, digest: bytes, name: str = "") -> None:
        """Somebody else pins a blob of one leaf."""
        self.pins[cid_of(digest).text] = name


def refuse(message: str, status: int = 500) -> web.Response:
    """As daemons do."""
    return web.json_response({"Message": message, "Code": 0, "Type": "error"}, status=status)


async def full(_: web.Request) -> web.StreamResponse:
    """No room for more."""
    return refuse("no space left on device")


async def forbidden(_: web.Request) -> web.StreamResponse:
    """Another server, or one that wants a password."""
    return refuse("who are you", 403)


async def silent(_: web.Request) -> web.StreamResponse:
    """Takes the question and says nothing."""
    await asyncio.Event().wait()
    raise AssertionError


async def lying(_: web.Request) -> web.StreamResponse:
    """Other bytes than those asked for."""
    return web.Response(body=b"FM another block")


async def endless(request: web.Request) -> web.StreamResponse:
    """More than anybody asked for."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(1 << 16))


async def stalling(request: web.Request) -> web.StreamResponse:
    """Begins, and stops."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"FM")
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def ill_daemon(daemon: IllDaemon) -> AsyncIterator[IllDaemon]:
    """It serves until the end of the block, on a port that it keeps."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/api/v0/{command:.+}", daemon.handle)
    server = TestServer(app, host="127.0.0.1", port=daemon.port or None)
    async with server:
        daemon.port = server.port or 0
        yield daemon
