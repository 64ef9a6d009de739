"""The gateway's connections: bounded, the longest waiting cut first, and whoever asks at once gets in."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

import node.blobs.gateway as gateway_module
from ledger.blobs.cid import DAG_PB, RAW, cid_of
from ledger.blobs.unixfs import CHUNK_BYTES
from node.blobs.doors import Bounds, Door, Doors, find_longest_waiting
from node.blobs.gateway import make_gateway_app
from node.blobs.store import BlockStore
from tests.support.held_answers import HeldAnswers

pytestmark = pytest.mark.rule("R19.1")

BLOB = b"FM" + bytes(CHUNK_BYTES)
HALF = b"GET /ipfs/b HTTP/1.1\r\nHost: x\r\nX: "
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Serving:
    doors: Doors
    port: int
    digest: bytes
    clients: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, said: bytes = HALF, limit: int = 1 << 16) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        self.clients.append(writer)
        writer.write(said)
        return reader, writer

    def request(self, kind: str = "raw", codec: int = RAW) -> bytes:
        return f"GET /ipfs/{cid_of(self.digest, codec).text}?format={kind} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    async def status(self) -> bytes:
        reader, _ = await self.connect(self.request())
        async with asyncio.timeout(20):
            return await reader.readline()


@asynccontextmanager
async def serving(
    tmp_path: Path, bounds: Bounds, serves: Callable[[bytes], bool] = lambda _: True, blob: bytes = BLOB
) -> AsyncIterator[Serving]:
    store, doors = BlockStore(tmp_path / "store"), Doors(bounds)
    digest = store.put(blob)
    app = make_gateway_app(store, serves=serves, middlewares=[doors.middleware])
    runner = web.AppRunner(app, access_log=None, lingering_time=0, shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    listening = await doors.listen(runner.server, "127.0.0.1", 0)
    gateway = Serving(doors, listening.sockets[0].getsockname()[1], digest)
    try:
        yield gateway
    finally:
        for writer in gateway.clients:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in gateway.clients), return_exceptions=True)
        listening.close()
        await runner.cleanup()


async def ended(client: Client) -> bool:
    """Wait until the other side has cut the connection."""
    async with asyncio.timeout(20):
        try:
            return await client[0].read() is not None
        except ConnectionError:
            return True


async def test_requests_without_an_end_never_keep_out_who_asks_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path, Bounds(8, 8)) as gateway:
        clients = []
        for _ in range(30):
            clients.append(await gateway.connect())
            assert len(gateway.doors) <= 8
        assert await gateway.status() == b"HTTP/1.1 200 OK\r\n"
        assert await ended(clients[0]), "the longest waiting"
        assert gateway.doors.cut >= 22
        assert gateway.doors.turned_away == 0


@pytest.mark.parametrize(
    "said", [b"", HALF, b"GET /ipfs/b HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", b"answered"]
)
async def test_nobody_waits_for_ever(tmp_path: Path, said: bytes) -> None:
    async with serving(tmp_path, Bounds(8, 8, waiting_s=0.2)) as gateway:
        client = await gateway.connect(gateway.request() if said == b"answered" else said)
        assert await ended(client)
        assert len(gateway.doors) == 0


async def test_a_head_that_drips_has_no_more_time(tmp_path: Path) -> None:
    async with serving(tmp_path, Bounds(8, 8, waiting_s=0.2)) as gateway:
        reader, writer = await gateway.connect()

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert await ended((reader, writer))
        dripping.cancel()


async def test_where_all_are_served_the_newcomer_is_turned_away(tmp_path: Path) -> None:
    held = HeldAnswers()

    async with serving(tmp_path, Bounds(1, 1), held.serves) as gateway:
        first = await gateway.connect(gateway.request())
        await held.wait()
        assert await ended(await gateway.connect(gateway.request()))
        assert (gateway.doors.turned_away, gateway.doors.cut) == (1, 0)
        held.free.set()
        async with asyncio.timeout(20):
            assert await first[0].readline() == b"HTTP/1.1 200 OK\r\n"
        assert await gateway.status() == b"HTTP/1.1 200 OK\r\n", "the first is waiting now, and is cut"


async def test_one_address_has_a_bound_of_its_own(tmp_path: Path) -> None:
    async with serving(tmp_path, Bounds(100, 4)) as gateway:
        for _ in range(10):
            await gateway.connect()
        assert len(gateway.doors) <= 4
        assert await gateway.status() == b"HTTP/1.1 200 OK\r\n"


async def test_who_takes_every_piece_in_time_and_all_of_them_too_slowly_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "_PIECE_S", 1.0)
    monkeypatch.setattr(gateway_module, "_RATE", 1 << 30)
    async with serving(tmp_path, Bounds(8, 8), blob=b"FM" + bytes(16 * CHUNK_BYTES)) as gateway:
        reader, _ = await gateway.connect(gateway.request("car", DAG_PB), limit=1 << 16)
        received = 0

        async def sip() -> None:
            nonlocal received
            while received < 16 * CHUNK_BYTES:
                received += len(await reader.readexactly(1 << 16))
                await asyncio.sleep(0.02)

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await sip()
        assert received > 2 * CHUNK_BYTES


def door(address: str, since: float | None) -> Door:
    made = Door(Doors(), asyncio.Protocol())
    made.address, made.waiting_since = address, since
    return made


def test_the_address_with_the_most_connections_pays_first() -> None:
    crowd = [door("crowd", since) for since in (5.0, 3.0, None)]
    old, busy = door("old", 1.0), door("busy", None)
    doors = [old, busy, *crowd]
    counts = Counter(one.address for one in doors)
    assert find_longest_waiting(doors, counts, None) is crowd[1]
    assert find_longest_waiting(doors, counts, "old") is old
    assert find_longest_waiting(doors, counts, "busy") is None
    assert find_longest_waiting([busy], counts, None) is None
