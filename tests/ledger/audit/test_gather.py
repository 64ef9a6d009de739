"""Fetching for an audit: from any gateway the chain names, and only what a peer did becomes a note."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.web_request import Request
from aiohttp.web_response import Response

from ledger.audit.gather import GatheredBlobs, gather_blobs
from ledger.blobs.cid import parse_cid
from ledger.blobs.unixfs import build_dag
from ledger.circle.events import Joined
from ledger.circle.history import CircleTerms, History
from ledger.fetch.fetcher import BlobFetcher
from tests.support.histories.parts import fold, joined, manifest_of, opened


def history_of(*events: Joined) -> History:
    return fold(CircleTerms(9, 2, 1, 4, 3, 16384), [opened(manifest_of(1)), *events])


def at(seat: int, where: str) -> Joined:
    """Somebody takes a seat with this endpoint record."""
    return replace(joined(seat), endpoint=where)


@asynccontextmanager
async def gateway(blobs: list[bytes]) -> AsyncIterator[str]:
    """A gateway that serves these blobs, each of one block. Yields its endpoint record."""
    served = {build_dag(blob).root: blob for blob in blobs}

    async def answer(request: Request) -> Response:
        digest = parse_cid(request.match_info["cid"]).digest
        if digest not in served:
            raise web.HTTPNotFound
        return web.Response(body=served[digest])

    app = web.Application()
    app.router.add_get("/ipfs/{cid}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"wss://127.0.0.1:1 http://127.0.0.1:{server.port}"


async def gathered(history: History, wanted: list[tuple[int, bytes]], max_bytes: int = 1000) -> GatheredBlobs:
    async with BlobFetcher() as fetcher:
        return await gather_blobs(fetcher, history, wanted, max_bytes=max_bytes, timeout_s=20)


async def test_a_blob_is_had_from_whoever_has_it() -> None:
    first, second = b"FM first", b"FM second"
    async with gateway([first]) as one, gateway([second]) as other:
        history = history_of(at(0, one), at(1, other))
        found = await gathered(history, [(1, build_dag(first).root), (1, build_dag(second).root)])
    assert found.blobs == {build_dag(first).root: first, build_dag(second).root: second}
    assert not found.missing


async def test_what_nobody_has_is_missing_with_every_gateways_reason() -> None:
    lost = build_dag(b"FM lost").root
    async with gateway([]) as one, gateway([]) as other:
        history = history_of(at(0, one), at(1, other))
        found = await gathered(history, [(0, lost)])
    assert found.blobs == {}
    assert set(found.missing) == {lost}
    assert len(found.missing[lost]) == 2


async def test_an_oversize_blob_and_bytes_that_make_none_are_the_authors_fault_and_not_missing() -> None:
    large, broken = b"FM" + bytes(2000), b"no blob and no node"
    async with gateway([large, broken]) as one:
        history = history_of(at(0, one))
        found = await gathered(history, [(0, build_dag(large).root), (0, build_dag(broken).root)])
    assert found.blobs == {build_dag(large).root: None, build_dag(broken).root: None}
    assert not found.missing


async def test_two_seats_with_one_digest_get_one_answer() -> None:
    blob, lost = b"FM one", build_dag(b"FM lost").root
    async with gateway([blob]) as one:
        history = history_of(at(0, one), at(1, "nowhere"))
        found = await gathered(
            history, [(0, build_dag(blob).root), (1, build_dag(blob).root), (0, lost), (1, lost)]
        )
    assert found.blobs == {build_dag(blob).root: blob}
    assert set(found.missing) == {lost}
