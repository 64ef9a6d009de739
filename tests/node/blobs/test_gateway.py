"""The gateway: what the trustless gateway specification asks for, nothing sealed, and bounds that hold."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientPayloadError, web
from aiohttp.test_utils import TestClient, TestServer

import node.blobs.gateway as gateway_module
from ledger.blobs.cid import CID_BYTES, DAG_PB, RAW, Cid, cid_of, digest_of, parse_binary
from ledger.blobs.unixfs import CHUNK_BYTES, Dag, build_dag, read_dag
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from node.blobs.gateway import STATS, GatewayStats, make_gateway_app
from node.blobs.store import BlockStore
from tests.support.held_answers import HeldAnswers
from tests.support.sample_blobs import blob

pytestmark = pytest.mark.rule("R19")

RAW_ACCEPT = {"Accept": "application/vnd.ipld.raw"}


@pytest.fixture
def store(tmp_path: Path) -> BlockStore:
    return BlockStore(tmp_path / "store")


@asynccontextmanager
async def serving(
    store: BlockStore, *, serves: Callable[[bytes], bool] = lambda _: True, max_concurrent: int = 8
) -> AsyncIterator[TestClient[Any, Any]]:
    app, stats = web.Application(), GatewayStats()
    app.add_subapp("/blobs/", make_gateway_app(store, serves=serves, max_concurrent=max_concurrent, stats=stats))
    app[STATS] = stats
    async with TestClient(TestServer(app, host="127.0.0.1"), auto_decompress=False) as client:
        yield client


def path_of(digest: bytes, codec: int = RAW) -> str:
    return f"/blobs/ipfs/{cid_of(digest, codec).text}"


def put(store: BlockStore, size_bytes: int) -> Dag:
    dag = build_dag(blob(size_bytes))
    store.put(dag.data)
    return dag


def sections_of(car: bytes) -> list[bytes]:
    sections, at = [], 0
    while at < len(car):
        length = shift = 0
        while True:
            byte, at = car[at], at + 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        sections.append(car[at : at + length])
        at += length
    return sections


@pytest.mark.parametrize("size_bytes", [2, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES])
async def test_a_fetcher_gets_from_a_gateway_what_was_put_in_its_store(store: BlockStore, size_bytes: int) -> None:
    dag = put(store, size_bytes)
    async with serving(store) as client, BlobFetcher() as fetcher:
        url = str(client.make_url("/blobs"))
        data = await fetcher.fetch(dag.root, [url], max_bytes=size_bytes, timeout_s=20)
        assert data == dag.data
        assert client.app[STATS].bytes_sent == sum(len(block.data) for block in dag.blocks())


async def test_what_was_fetched_from_one_store_into_another_is_served_on(store: BlockStore, tmp_path: Path) -> None:
    dag, second = put(store, 3 * CHUNK_BYTES), BlockStore(tmp_path / "second")
    for source, cache in ((store, second), (second, None)):
        async with serving(source) as client, BlobFetcher() as fetcher:
            url = str(client.make_url("/blobs"))
            assert await fetcher.fetch(dag.root, [url], max_bytes=1 << 30, timeout_s=20, cache=cache) == dag.data
    assert second.has(dag.root)


@pytest.mark.parametrize("codec", [RAW, DAG_PB])
async def test_a_raw_block_comes_with_the_headers_of_the_specification(store: BlockStore, codec: int) -> None:
    dag = put(store, 10)
    async with serving(store) as client:
        path = path_of(dag.root, codec)
        name = path.rsplit("/", 1)[1]
        for method in ("GET", "HEAD"):
            response = await client.request(method, path + "?format=raw")
            assert response.status == 200
            assert response.headers["Content-Type"] == "application/vnd.ipld.raw"
            assert response.headers["Content-Length"] == "10"
            assert response.headers["ETag"] == f'"{name}.raw"'
            assert response.headers["Cache-Control"] == "public, max-age=29030400, immutable"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Content-Disposition"] == f'attachment; filename="{name}.bin"'
            assert await response.read() == (dag.data if method == "GET" else b"")
        known = await client.get(path, headers=RAW_ACCEPT | {"If-None-Match": f'"{name}.raw"'})
        assert (known.status, await known.read()) == (304, b"")


@pytest.mark.parametrize("size_bytes", [10, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
async def test_a_car_holds_the_whole_blob_root_first(store: BlockStore, size_bytes: int) -> None:
    dag = put(store, size_bytes)
    async with serving(store) as client:
        response = await client.get(path_of(dag.root, dag.codec) + "?format=car")
        assert response.headers["Content-Type"] == "application/vnd.ipld.car; version=1; order=dfs; dups=y"
        assert response.headers["ETag"].startswith("W/")
        header, *sections = sections_of(await response.read())
    root = Cid(dag.codec, dag.root)
    assert header == b"\xa2eroots\x81\xd8*X\x25\0" + root.binary + b"gversion\x01"
    blocks = {}
    for section in sections:
        cid, data = parse_binary(section[:CID_BYTES]), section[CID_BYTES:]
        assert digest_of(data) == cid.digest
        blocks[cid.digest] = data
    assert parse_binary(sections[0][:CID_BYTES]) == root
    assert read_dag(dag.root, blocks.__getitem__, size_bytes) == dag.data


async def test_a_car_repeats_a_block_where_the_blob_does(store: BlockStore) -> None:
    dag = build_dag(b"FM" + bytes(CHUNK_BYTES - 2) + bytes(3 * CHUNK_BYTES))
    store.put(dag.data)
    async with serving(store) as client:
        response = await client.get(path_of(dag.root, DAG_PB), headers={"Accept": "application/vnd.ipld.car"})
        assert len(sections_of(await response.read())) == 1 + 1 + 4


async def test_a_leaf_can_be_had_as_a_car_of_its_own(store: BlockStore) -> None:
    dag = put(store, 2 * CHUNK_BYTES)
    async with serving(store) as client:
        response = await client.get(path_of(dag.leaves[1]) + "?format=car")
        assert len(sections_of(await response.read())) == 2


async def test_a_blob_of_one_block_is_a_car_of_a_raw_root_whatever_codec_it_is_asked_for_under(
    store: BlockStore,
) -> None:
    """The header's root has to be the name of the block in it, or a reader of CARs finds it empty."""
    dag, cars = put(store, 10), set[bytes]()
    async with serving(store) as client:
        for codec in (RAW, DAG_PB):
            cars.add(await (await client.get(path_of(dag.root, codec) + "?format=car")).read())
    (car,) = cars
    header, section = sections_of(car)
    assert Cid(RAW, dag.root).binary in header
    assert section == Cid(RAW, dag.root).binary + dag.data


@pytest.mark.parametrize(
    ("query", "accept", "status", "kind"),
    [
        ("?format=raw", "text/html", 200, "application/vnd.ipld.raw"),
        ("?format=car", "application/vnd.ipld.raw", 200, "application/vnd.ipld.car"),
        ("", "application/vnd.ipld.raw", 200, "application/vnd.ipld.raw"),
        ("", "text/html, application/vnd.ipld.car;version=1;q=0.5", 200, "application/vnd.ipld.car"),
        ("", "*/*", 406, ""),
        ("", "text/html", 406, ""),
        ("", "application/vnd.ipld.car; version=2", 406, ""),
        ("?format=car&car-version=2", "*/*", 406, ""),
        ("?format=ipns-record", "*/*", 406, ""),
        ("?format=", "*/*", 406, ""),
    ],
)
async def test_the_query_decides_before_the_accept_header(
    store: BlockStore, query: str, accept: str, status: int, kind: str
) -> None:
    dag = put(store, 10)
    async with serving(store) as client:
        response = await client.get(path_of(dag.root) + query, headers={"Accept": accept})
        assert response.status == status
        if kind:
            assert response.content_type == kind


async def test_saying_nothing_at_all_is_a_bad_request(store: BlockStore) -> None:
    dag = put(store, 10)
    async with serving(store) as client:
        response = await client.get(path_of(dag.root), skip_auto_headers=["Accept"])
        assert response.status == 400


@pytest.mark.parametrize(
    "name", ["nonsense", "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "b" + "a" * 5000, "b%00"]
)
async def test_a_bad_cid_is_a_bad_request(store: BlockStore, name: str) -> None:
    async with serving(store) as client:
        assert (await client.get(f"/blobs/ipfs/{name}?format=raw")).status == 400


async def test_the_probe_is_answered_whatever_is_stored(store: BlockStore) -> None:
    async with serving(store) as client:
        response = await client.get("/blobs/ipfs/bafkqaaa?format=raw")
        assert (response.status, await response.read()) == (200, b"")
        assert (await client.get("/blobs/ipfs/bafkqaaa?format=car")).status == 400, "it is no block of a blob"


async def test_every_request_is_counted_whatever_became_of_it(store: BlockStore) -> None:
    dag = put(store, 10)
    async with serving(store) as client:
        for path in (path_of(dag.root), path_of(bytes(32)), "/blobs/ipfs/nonsense"):
            await client.get(path + "?format=raw")
        assert client.app[STATS].requests == 3


async def test_a_gateway_that_is_closed_leaves_no_thread_behind(store: BlockStore) -> None:
    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("gateway")}

    dag, before = put(store, 10), threads()
    async with serving(store) as client:
        assert (await client.get(path_of(dag.root) + "?format=raw")).status == 200
        own = threads() - before
        assert own
    for thread in own:
        thread.join(5)
        assert not thread.is_alive()
    # Only now may the application go: its threads would end with it in any case.
    del client


@pytest.mark.rule("R5")
async def test_a_sealed_blob_answers_exactly_like_an_unknown_one_also_after_reopening(
    store: BlockStore, tmp_path: Path
) -> None:
    dag = build_dag(blob(2 * CHUNK_BYTES))
    store.put(dag.data, sealed=True)

    async def answers(opened: BlockStore) -> set[tuple[int, bytes]]:
        async with serving(opened) as client:
            paths = [path_of(digest) + f"?format={kind}" for digest in dag.digests for kind in ("raw", "car")]
            responses = [await client.request(method, path) for path in paths for method in ("GET", "HEAD")]
            return {(response.status, await response.read()) for response in responses}

    assert await answers(store) == await answers(BlockStore(tmp_path / "store")) == {(404, b"not here"), (404, b"")}
    unknown = await answers(BlockStore(tmp_path / "empty"))
    assert unknown == {(404, b"not here"), (404, b"")}
    store.unseal(dag.root)
    assert {status for status, _ in await answers(store)} == {200}


async def test_a_withholder_keeps_back_what_it_likes(store: BlockStore) -> None:
    dag = put(store, 2 * CHUNK_BYTES)
    async with serving(store, serves=lambda digest: digest != dag.leaves[1]) as client, BlobFetcher() as fetcher:
        url = str(client.make_url("/blobs"))
        with pytest.raises(Unavailable, match="404"):
            await fetcher.fetch(dag.root, [url], max_bytes=1 << 30, timeout_s=20)
        with pytest.raises(ClientPayloadError):
            await (await client.get(path_of(dag.root, DAG_PB) + "?format=car")).read()


async def test_a_slow_reader_is_cut_off_and_gives_its_place_free(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "_PIECE_S", 0.2)
    dag = put(store, 40 * CHUNK_BYTES)
    async with serving(store, max_concurrent=1) as client:
        stalled = await client.get(path_of(dag.root, DAG_PB) + "?format=car")
        quick = await client.get(path_of(dag.root) + "?format=raw")
        assert quick.status == 200
        with pytest.raises(ClientPayloadError):
            await stalled.read()


async def test_above_its_bounds_a_gateway_says_that_it_is_busy(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "_QUEUE_S", 0.1)
    dag, held = put(store, 10), HeldAnswers()

    async with serving(store, serves=held.serves, max_concurrent=1) as client:
        first = asyncio.create_task(client.get(path_of(dag.root) + "?format=raw"))
        await held.wait()
        waiting = [asyncio.create_task(client.get(path_of(dag.root) + "?format=raw")) for _ in range(8)]
        responses = await asyncio.gather(*waiting)
        assert {response.status for response in responses} == {503}
        assert client.app[STATS].refused_busy == 8
        held.free.set()
        assert (await first).status == 200


async def test_only_so_many_wait_for_a_place_and_the_rest_is_told_at_once(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag, held = put(store, 10), HeldAnswers()

    monkeypatch.setattr(gateway_module, "_QUEUE_S", 60.0)
    async with serving(store, serves=held.serves, max_concurrent=1) as client:

        async def status() -> int:
            return (await client.get(path_of(dag.root) + "?format=raw")).status

        first = asyncio.create_task(status())
        async with asyncio.timeout(20):
            await held.wait()
            waiting = [asyncio.create_task(status()) for _ in range(8)]
            ended = asyncio.as_completed(waiting)
            # Nothing is served yet, and nobody's patience is over: these were turned away by the bound.
            assert [await next(ended) for _ in range(4)] == [503] * 4
            held.free.set()
            assert [await one for one in [first, *ended]] == [200] * 5


async def test_a_place_is_free_again_after_every_request(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times as many as may wait, one after the other: served, missing, and given up while they waited."""
    monkeypatch.setattr(gateway_module, "_QUEUE_S", 0.05)
    dag, entered, free = put(store, 10), asyncio.Event(), asyncio.Event()
    loop, is_slow = asyncio.get_running_loop(), False

    def serves(digest: bytes) -> bool:
        if is_slow:
            loop.call_soon_threadsafe(entered.set)
            asyncio.run_coroutine_threadsafe(free.wait(), loop).result(20)
        return True

    async with serving(store, serves=serves, max_concurrent=1) as client:

        async def statuses(digest: bytes, count: int = 17) -> set[int]:
            return {(await client.get(path_of(digest) + "?format=raw")).status for _ in range(count)}

        assert await statuses(dag.root) == {200}
        assert await statuses(bytes(32)) == {404}
        is_slow = True
        first = asyncio.create_task(client.get(path_of(dag.root) + "?format=raw"))
        async with asyncio.timeout(20):
            await entered.wait()
        assert await statuses(dag.root, 9) == {503}
        is_slow = False
        free.set()
        assert (await first).status == 200
        assert await statuses(dag.root) == {200}


async def test_a_blob_sealed_while_its_block_is_read_is_not_served(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag, read_block = put(store, 10), store.read_block

    def block(digest: bytes) -> bytes | None:
        found = read_block(digest)
        with monkeypatch.context() as context:
            context.setattr(store, "read_block", read_block)
            store.seal(digest)
        return found

    monkeypatch.setattr(store, "read_block", block)
    async with serving(store) as client:
        response = await client.get(path_of(dag.root) + "?format=raw")
        assert (response.status, await response.read()) == (404, b"not here")


async def test_what_a_member_decides_to_withhold_while_it_is_read_is_not_served(store: BlockStore) -> None:
    dag, asked = put(store, 10), list[bytes]()

    def serves(digest: bytes) -> bool:
        asked.append(digest)
        return len(asked) == 1

    async with serving(store, serves=serves) as client:
        assert (await client.get(path_of(dag.root) + "?format=raw")).status == 404
    assert asked == [dag.root] * 2


async def test_what_strangers_ask_for_keeps_nothing_else_waiting_for_a_thread(store: BlockStore) -> None:
    dag, held = put(store, 10), HeldAnswers()

    async with serving(store, serves=held.serves, max_concurrent=64) as client:
        asked = [asyncio.create_task(client.get(path_of(dag.root) + "?format=raw")) for _ in range(64)]
        async with asyncio.timeout(20):
            await held.wait()
            assert await asyncio.to_thread(store.read_block, dag.root) == dag.data
        held.free.set()
        assert {response.status for response in await asyncio.gather(*asked)} == {200}


async def test_malformed_requests_write_a_few_lines_however_many_they_are(
    store: BlockStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test's gateway has bounded it already, and used its few lines up.
    monkeypatch.setattr(logging.getLogger("aiohttp.server"), "filters", [])
    requests = 60
    async with serving(store) as client:
        for _ in range(requests):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(b"GET /ipfs/\x00x HTTP/1.1\r\nHo\x01st: x\r\n\r\n")
            assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()
    said = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert 0 < len(said) <= requests // 4
    assert all(len(record.getMessage()) < 500 and record.exc_info is None for record in said)
