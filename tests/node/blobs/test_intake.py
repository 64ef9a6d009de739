"""A gateway takes what it wants of others and nothing else, and a peer hands its blobs over whole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from ledger.blobs.cid import RAW, cid_of, digest_of
from ledger.blobs.unixfs import CHUNK_BYTES, build_dag
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

    def wants(digest: bytes, under: bytes | None) -> int | None:
        if under is None:
            return LARGE.size_bytes if digest in (SMALL.root, LARGE.root) else None
        return 0 if store.read_block(under) is not None else None

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
    async with taking(store, lambda digest, under: 999) as client:
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 400
        root = LARGE.nodes[-1].data
        assert digest_of(root) == LARGE.root
        assert (await client.put(path_of(LARGE.root), data=root)).status == 400
    assert store.read_block(SMALL.root) is None


async def test_a_sealed_blob_is_neither_taken_nor_told_of(store: BlockStore) -> None:
    store.put(SMALL.data, sealed=True)
    async with taking(store, wants_roots(store)) as client:
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 404


async def test_a_gateway_without_intake_takes_nothing(store: BlockStore) -> None:
    async with TestClient(TestServer(make_gateway_app(store), host="127.0.0.1")) as client:
        assert (await client.put(path_of(SMALL.root), data=SMALL.data)).status == 405


async def test_who_hands_over_hears_whether_to_come_back(store: BlockStore, own: BlockStore) -> None:
    hander = Hander(own)
    async with taking(store, lambda digest, under: None) as client:
        base = str(client.make_url("/")).rstrip("/")
        with pytest.raises(NotTaken, match="status 404") as refused:
            await hander.hand(base, SMALL.root, None)
        assert not refused.value.is_final
    with pytest.raises(NotTaken) as gone:
        await hander.hand(base, SMALL.root, None)
    assert gone.value.is_final
    await hander.close()
