"""Fetching: no gateway is trusted, none can stop a blob that another one has, and blame falls on the right one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from ledger.blobs.cid import RAW, digest_of
from ledger.blobs.dagpb import BlockLink, MalformedBlob, encode_node
from ledger.blobs.unixfs import CHUNK_BYTES, BlobTooLarge, Dag, build_dag
from ledger.errors import NotYet, PeerFault
from ledger.fetch.block_request import parse_gateway_url
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from ledger.identity.endpoints import parse_endpoint
from tests.support.sample_blobs import blob
from tests.support.sample_gateways import Behaviour, Gateway, MemoryCache, blocks_of, running

pytestmark = pytest.mark.rule("R20")


async def fetch(dag: Dag, urls: list[str], *, max_bytes: int = 1 << 30, **options: Any) -> bytes:
    async with BlobFetcher(stall_timeout_s=1.5) as fetcher:
        return await fetcher.fetch(dag.root, urls, max_bytes=max_bytes, timeout_s=20, **options)


@pytest.mark.parametrize("size_bytes", [2, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES])
async def test_a_blob_arrives_as_it_was_published(size_bytes: int) -> None:
    dag = build_dag(blob(size_bytes))
    async with running(Gateway(blocks_of(dag))) as urls:
        assert await fetch(dag, urls) == dag.data


async def wrong_bytes(request: web.Request, digest: bytes) -> web.StreamResponse:
    return web.Response(body=b"FM something else")


async def too_many_bytes(request: web.Request, digest: bytes) -> web.StreamResponse:
    return web.Response(body=bytes(CHUNK_BYTES + 1))


async def without_end(request: web.Request, digest: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(1 << 16))


async def silence(request: web.Request, digest: bytes) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def half_then_silence(request: web.Request, digest: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"FM")
    await asyncio.Event().wait()
    raise AssertionError


async def cut_off(request: web.Request, digest: bytes) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


LIES = [wrong_bytes, too_many_bytes, without_end, silence, half_then_silence, cut_off]


@pytest.mark.parametrize("lie", LIES)
async def test_a_lying_gateway_is_passed_over(lie: Behaviour) -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    liar, honest = Gateway({}, lie), Gateway(blocks_of(dag))
    async with running(liar, honest) as urls:
        assert await fetch(dag, urls) == dag.data
    assert sum(liar.asked.values()) >= 1


@pytest.mark.parametrize("lie", LIES)
async def test_with_only_a_liar_the_blob_is_unavailable_and_nobody_is_blamed(lie: Behaviour) -> None:
    dag = build_dag(blob(10))
    async with running(Gateway({}, lie)) as urls:
        with pytest.raises(Unavailable) as refusal:
            await fetch(dag, urls)
    assert isinstance(refusal.value, NotYet)
    assert set(refusal.value.reasons) == {urls[0]}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_sent_to_another_address_also_where_the_block_is(status: int) -> None:
    """A member's gateway must not have others ask hosts of their own networks."""
    dag = build_dag(blob(10))
    inside = Gateway(blocks_of(dag))

    async def elsewhere(request: web.Request, digest: bytes) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": inside.url + request.path_qs})

    async with running(inside, Gateway({}, elsewhere)) as [_, outside]:
        with pytest.raises(Unavailable, match=f"status {status}"):
            await fetch(dag, [outside])
    assert inside.asked == {}


async def test_a_proven_liar_is_not_asked_again() -> None:
    dag = build_dag(blob(8 * CHUNK_BYTES))
    liar, honest = Gateway({}, wrong_bytes), Gateway(blocks_of(dag))
    async with running(liar, honest) as urls:
        await fetch(dag, urls)
    assert liar.asked == {dag.root: 1}


async def test_blocks_come_from_several_gateways_none_of_which_has_all() -> None:
    dag = build_dag(blob(6 * CHUNK_BYTES))
    blocks = blocks_of(dag)
    odd = Gateway({digest: blocks[digest] for digest in dag.digests[::2]})
    even = Gateway({digest: blocks[digest] for digest in dag.digests[1::2]})
    async with running(odd, even) as urls:
        assert await fetch(dag, urls) == dag.data


async def test_a_block_that_stands_in_many_places_is_fetched_once() -> None:
    dag = build_dag(b"FM" + bytes(CHUNK_BYTES - 2) + bytes(6 * CHUNK_BYTES))
    gateway = Gateway(blocks_of(dag))
    async with running(gateway) as urls:
        assert await fetch(dag, urls) == dag.data
    assert set(gateway.asked.values()) == {1}
    assert len(gateway.asked) == 3


async def test_a_fetch_goes_on_where_it_was() -> None:
    dag = build_dag(blob(5 * CHUNK_BYTES + 9))
    blocks, cache = blocks_of(dag), MemoryCache()
    missing = dag.leaves[-1]
    partial, whole = Gateway({d: b for d, b in blocks.items() if d != missing}), Gateway(blocks)
    async with running(partial, whole) as urls:
        async with BlobFetcher(parallel=1) as fetcher:
            with pytest.raises(Unavailable, match="404"):
                await fetcher.fetch(dag.root, urls[:1], max_bytes=1 << 30, timeout_s=20, cache=cache)
        assert missing not in cache.blocks
        assert await fetch(dag, urls[1:], cache=cache) == dag.data
    assert whole.asked == {missing: 1}


async def test_wrong_bytes_never_reach_the_cache() -> None:
    dag, cache = build_dag(blob(10)), MemoryCache()
    async with running(Gateway({}, wrong_bytes)) as urls:
        with pytest.raises(Unavailable):
            await fetch(dag, urls, cache=cache)
    assert cache.blocks == {}


@pytest.mark.parametrize("size_bytes", [1000, 3 * CHUNK_BYTES])
async def test_an_oversize_blob_is_refused_from_its_root_alone(size_bytes: int) -> None:
    dag = build_dag(blob(size_bytes))
    gateway = Gateway(blocks_of(dag))
    async with running(gateway) as urls:
        with pytest.raises(BlobTooLarge) as refusal:
            await fetch(dag, urls, max_bytes=size_bytes - 1)
    assert gateway.asked == {dag.root: 1}
    assert (refusal.value.size_bytes, refusal.value.max_bytes) == (size_bytes, size_bytes - 1)


@pytest.mark.parametrize("content", [b"no magic", b"MF" + bytes(2 * CHUNK_BYTES)])
async def test_a_malformed_blob_is_its_authors_fault(content: bytes) -> None:
    dag = build_dag(content)
    async with running(Gateway(blocks_of(dag))) as urls:
        with pytest.raises(MalformedBlob) as refusal:
            await fetch(dag, urls)
    assert isinstance(refusal.value, PeerFault)


@pytest.mark.parametrize("has_more", [False, True])
async def test_a_leaf_of_another_length_than_its_root_promised_is_its_authors_fault(has_more: bool) -> None:
    """Every block hashes as named, and still the bytes are no blob: nothing is padded or cut to make it one."""
    first = blob(CHUNK_BYTES)
    promised, tail = (5, b"123456789") if has_more else (9, b"12345")
    links = [BlockLink(digest_of(first), RAW, CHUNK_BYTES), BlockLink(digest_of(tail), RAW, promised)]
    root = encode_node(links, [CHUNK_BYTES, promised])
    gateway = Gateway({digest_of(block): block for block in (first, tail, root)})
    async with running(gateway) as urls, BlobFetcher(stall_timeout_s=0.6) as fetcher:
        with pytest.raises(MalformedBlob, match="was promised"):
            await fetcher.fetch(digest_of(root), urls, max_bytes=1 << 30, timeout_s=20)


async def test_bytes_that_make_no_blob_are_found_to_be_none_whatever_of_them_nobody_gives() -> None:
    """Else who judged it by what it had could not show others what it saw."""
    first, tail = blob(CHUNK_BYTES), b"12345"
    links = [BlockLink(digest_of(first), RAW, CHUNK_BYTES), BlockLink(digest_of(tail), RAW, 9)]
    root = encode_node(links, [CHUNK_BYTES, 9])
    gateway = Gateway({digest_of(block): block for block in (tail, root)})
    async with running(gateway) as urls, BlobFetcher(stall_timeout_s=0.6, parallel=1) as fetcher:
        with pytest.raises(MalformedBlob, match="was promised"):
            await fetcher.fetch(digest_of(root), urls, max_bytes=1 << 30, timeout_s=20)


async def test_a_busy_gateway_is_asked_again() -> None:
    dag = build_dag(blob(10))
    answers = [503, 429, 200]

    async def busy_twice(request: web.Request, digest: bytes) -> web.StreamResponse:
        return web.Response(status=answers.pop(0), body=dag.data)

    async with running(Gateway({}, busy_twice)) as urls:
        assert await fetch(dag, urls) == dag.data


async def test_the_time_budget_ends_a_fetch_and_says_who_was_asked() -> None:
    dag = build_dag(blob(10))

    async def always_busy(request: web.Request, digest: bytes) -> web.StreamResponse:
        return web.Response(status=503)

    async with running(Gateway({}, always_busy)) as urls, BlobFetcher() as fetcher:
        with pytest.raises(Unavailable) as refusal:
            await fetcher.fetch(dag.root, urls, max_bytes=100, timeout_s=0.2)
    assert set(refusal.value.reasons) == {urls[0], "budget"}


# ------------------------------------------------------------------------------------------- slow gateways


@asynccontextmanager
async def speaking(head: bytes, drip: bytes) -> AsyncIterator[str]:
    """A gateway that answers with these bytes, and then drips."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while True:
                writer.write(drip)
                await writer.drain()
                await asyncio.sleep(0.02)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"F"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nF\r\n"),
    "head": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("where", DRIPS)
async def test_a_gateway_that_drips_is_dropped_long_before_the_fetch_ends(where: str) -> None:
    """However often something comes: too little of it is no answer."""
    dag = build_dag(blob(5000))
    async with speaking(*DRIPS[where]) as url:
        with pytest.raises(Unavailable) as refusal:
            await fetch(dag, [url])
    assert refusal.value.reasons == {url: "stalled, or too slow"}


@pytest.mark.parametrize("where", DRIPS)
async def test_behind_gateways_that_drip_a_blob_is_had_from_who_has_it(where: str) -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    async with (
        speaking(*DRIPS[where]) as one,
        speaking(*DRIPS[where]) as two,
        running(Gateway(blocks_of(dag))) as urls,
        BlobFetcher(hedge_s=0.05, stall_timeout_s=60.0) as fetcher,
    ):
        found = await fetcher.fetch(dag.root, [one, two, *urls], max_bytes=1 << 30, timeout_s=30)
    assert found == dag.data


async def test_every_gateway_of_a_large_circle_is_asked() -> None:
    dag = build_dag(blob(10))
    async with running(Gateway(blocks_of(dag))) as urls:
        offline = [f"http://127.0.0.1:{port}" for port in range(1, 256)]
        assert await fetch(dag, [*offline, *urls]) == dag.data


async def test_what_a_gateway_makes_the_library_say_shows_no_control_characters() -> None:
    async with speaking(b"HTTP/1.1 200 \x1b[31mred\r\nX: \x1b]0;title\x07\r\nnonsense\x1b[2J\r\n\r\n", b"") as url:
        with pytest.raises(Unavailable) as refusal:
            await fetch(build_dag(blob(10)), [url])
    assert refusal.value.reasons[url].isprintable()
    assert "\x1b" not in str(refusal.value)


def test_of_many_reasons_a_message_counts_the_kinds() -> None:
    reasons = {f"http://gateway-{number}": f"status {404 + number // 100}" for number in range(500)}
    error = Unavailable(bytes(32), reasons)
    assert str(error) == (
        "000000000000 is not to be had of 500 gateways: status 404 (100), status 405 (100), status 406 (100),"
        " something else (200)"
    )
    assert error.reasons == reasons
    assert str(Unavailable(bytes(32), {})) == "000000000000 is not to be had: no gateway to ask"
    assert str(Unavailable(bytes(32), {"": "it is gone"})) == "000000000000 is not to be had: it is gone"


async def test_where_all_members_are_away_the_message_is_short_and_the_log_has_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = [f"http://127.0.0.1:{port}" for port in range(1, 8)]
    with caplog.at_level("INFO"), pytest.raises(Unavailable) as refusal:
        await fetch(build_dag(blob(10)), away)
    assert str(refusal.value).endswith(" is not to be had of 7 gateways: no connection (7)")
    assert caplog.text == ""
    with caplog.at_level("DEBUG", "ledger.fetch"), pytest.raises(Unavailable):
        await fetch(build_dag(blob(10)), away)
    assert all(f"gateway={gateway} reason=ClientConnectorError" in caplog.text for gateway in away)


BAD_URLS = [
    "",
    "ftp://host",
    "file:///etc/passwd",
    "//host",
    "http://",
    "http://user:word@host",
    "http://host/?a=b",
    "http://host/#x",
    "http://host:port",
    "http://" + "a" * 300,
    "http://[::1",
]


@pytest.mark.parametrize("text", BAD_URLS)
def test_only_plain_http_urls_are_gateways(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_gateway_url(text)


@pytest.mark.rule("R16")
def test_a_gateways_name_is_taken_as_it_is() -> None:
    assert parse_gateway_url(parse_endpoint("wss://xn--a:1 http://xn--a:1").gateway.text).raw_host == "xn--a"


async def test_bad_urls_do_not_stop_a_fetch() -> None:
    dag = build_dag(blob(10))
    async with running(Gateway(blocks_of(dag))) as urls:
        assert await fetch(dag, [*BAD_URLS, "http://127.0.0.1:1", *urls]) == dag.data
    with pytest.raises(Unavailable):
        await fetch(dag, BAD_URLS)
