"""A gateway takes what it wants of others and nothing else, and a peer hands its blobs over whole."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.test_utils import TestClient, TestServer

from ledger.blobs.cid import DAG_PB, RAW, cid_of, digest_of
from ledger.blobs.dagpb import encode_node
from ledger.blobs.unixfs import CHUNK_BYTES, BlockLink, Part, build_dag, parse_children, parse_root
from node.blobs.gateway import make_gateway_app
from node.blobs.handing import Hander, NotTaken
from node.blobs.intake import Intake, Wants
from node.blobs.store import BlockStore
from tests.support.sample_blobs import blob

pytestmark = pytest.mark.rule("R19.2")

SMALL, LARGE = build_dag(blob(1000)), build_dag(blob(3 * CHUNK_BYTES))


@pytest.fixture
def store(tmp_path: Path) -> BlockStore:
    return BlockStore(tmp_path / "taking")


@pytest.fixture
def own(tmp_path: Path) -> BlockStore:
    store = BlockStore(tmp_path / "own")
    for dag in (SMALL, LARGE):
        store.put(dag.data)
    return store


@asynccontextmanager
async def taking(
    store: BlockStore, wants: Wants, taken: list[bytes] | None = None
) -> AsyncIterator[TestClient[Any, Any]]:
    intake = Intake(store, wants, (taken if taken is not None else []).append)
    async with TestClient(TestServer(make_gateway_app(store, intake=intake), host="127.0.0.1")) as client:
        yield client
    intake.close()


def wants_roots(store: BlockStore) -> Wants:
    """The two samples' roots, and what is under a block that is there."""

    def wants(digest: bytes, path: Sequence[bytes]) -> int | Part | None:
        if not path:
            return LARGE.size_bytes if digest in (SMALL.root, LARGE.root) else None
        block = store.read_block(path[-1])
        if block is None:
            return None
        below = parse_children(parse_root(path[-1], block, LARGE.size_bytes), block)
        return next((part for part in below if part.digest == digest), None)

    return wants


def path_of(digest: bytes, under: bytes | None = None) -> str:
    more = "" if under is None else f"&under={cid_of(under, RAW).text}"
    return f"/ipfs/{cid_of(digest, RAW).text}?format=raw{more}"


async def test_a_blob_of_many_blocks_is_handed_over_whole_and_served_then(
    store: BlockStore, own: BlockStore
) -> None:
    async with taking(store, wants_roots(store)) as client:
        hander = Hander(own)
        await hander.hand(str(client.make_url("/")).rstrip("/"), LARGE.root, None)
        assert store.get(LARGE.root, LARGE.size_bytes) == LARGE.data
        sent = hander.bytes_sent
        await hander.hand(str(client.make_url("/")).rstrip("/"), LARGE.root, None)
        assert hander.bytes_sent == sent
        await hander.close()
        assert (await client.get(path_of(LARGE.leaves[1]))).status == 200


async def test_a_root_that_came_whole_is_told_of(store: BlockStore) -> None:
    taken: list[bytes] = []
    async with taking(store, wants_roots(store), taken) as client:
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 201
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 200
    assert taken == [SMALL.root]


async def test_what_is_not_wanted_is_refused_before_it_is_read(store: BlockStore) -> None:
    other = build_dag(blob(2000))

    async def never() -> AsyncIterator[bytes]:
        yield other.data[:100]
        await asyncio.Event().wait()

    async with taking(store, wants_roots(store)) as client:
        answer = await client.put(path_of(other.root), data=never(), headers={"Content-Length": "2000"})
        assert answer.status == 404
        assert (await client.put(path_of(LARGE.leaves[0], LARGE.root), data=b"x")).status == 404
    assert store.read_block(other.root) is None


@pytest.mark.parametrize(("body", "status"), [(b"FM other bytes", 400), (bytes(CHUNK_BYTES + 1), 413)])
async def test_other_bytes_and_too_many_are_refused(store: BlockStore, body: bytes, status: int) -> None:
    async with taking(store, wants_roots(store)) as client:
        assert (await client.put(path_of(SMALL.root), data=BytesIO(body))).status == status
    assert store.read_block(SMALL.root) is None


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_packed_body_is_refused_whether_it_unpacks_or_not(store: BlockStore, coding: str) -> None:
    async with taking(store, wants_roots(store)) as client:
        headers = {"Content-Encoding": coding}
        answer = await client.put(path_of(SMALL.root), data=b"not packed", headers=headers)
        assert answer.status == 415
        assert store.read_block(SMALL.root) is None


async def test_a_root_of_a_larger_blob_than_wanted_is_refused(store: BlockStore) -> None:
    async with taking(store, lambda digest, path: 999) as client:
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 400
        root = LARGE.nodes[-1].data
        assert digest_of(root) == LARGE.root
        assert (await client.put(path_of(LARGE.root), data=root)).status == 400
    assert store.read_block(SMALL.root) is None


async def test_a_root_that_leads_to_more_than_its_size_is_refused(store: BlockStore) -> None:
    # It says two leaves' bytes, and links to nodes, which could link to nodes.
    links = [BlockLink(digest, DAG_PB, CHUNK_BYTES) for digest in LARGE.leaves[:2]]
    root = encode_node(links, [CHUNK_BYTES, CHUNK_BYTES])
    async with taking(store, lambda digest, path: LARGE.size_bytes) as client:
        assert (await client.put(path_of(digest_of(root)), data=root)).status == 400
    assert store.read_block(digest_of(root)) is None


async def test_a_part_of_another_length_than_its_node_says_is_refused(store: BlockStore) -> None:
    short = b"FM" + bytes(100)
    links = [BlockLink(digest_of(short), RAW, CHUNK_BYTES), BlockLink(LARGE.leaves[0], RAW, 100)]
    root = encode_node(links, [CHUNK_BYTES, 100])
    store.put_block(digest_of(root), root)
    async with taking(store, wants_roots(store)) as client:
        for leaf in (short, LARGE.data[:CHUNK_BYTES]):
            assert (await client.put(path_of(digest_of(leaf), digest_of(root)), data=leaf)).status == 400


async def test_an_address_that_dawdles_leaves_room_for_others(store: BlockStore) -> None:
    async def dawdle() -> AsyncIterator[bytes]:
        yield SMALL.data[:100]
        await asyncio.Event().wait()

    async with taking(store, wants_roots(store)) as client:
        headers = {"Content-Length": str(len(SMALL.data))}
        url = path_of(SMALL.root)
        slow = [asyncio.create_task(client.put(url, data=dawdle(), headers=headers)) for _ in range(9)]
        refused = await next(asyncio.as_completed(slow))
        assert refused.status == 503
        connector = TCPConnector(local_addr=("127.0.0.2", 0))
        async with ClientSession(connector=connector) as other:
            answer = await other.put(client.make_url(path_of(SMALL.root)), data=SMALL.data)
            assert answer.status == 201
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_a_sealed_blob_is_neither_taken_nor_told_of(store: BlockStore) -> None:
    store.put(SMALL.data, sealed=True)
    async with taking(store, wants_roots(store)) as client:
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 404


async def test_a_gateway_without_intake_takes_nothing(store: BlockStore) -> None:
    async with TestClient(TestServer(make_gateway_app(store), host="127.0.0.1")) as client:
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 405


async def test_who_hands_over_hears_whether_to_come_back(store: BlockStore, own: BlockStore) -> None:
    hander = Hander(own)
    async with taking(store, lambda digest, path: None) as client:
        base = str(client.make_url("/")).rstrip("/")
        with pytest.raises(NotTaken, match="status 404") as refused:
            await hander.hand(base, SMALL.root, None)
        assert not refused.value.is_final
    with pytest.raises(NotTaken) as gone:
        await hander.hand(base, SMALL.root, None)
    assert gone.value.is_final
    await hander.close()
