"""The page's server: whom it answers, with which headers, how much at a time, and every route over a circle."""

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ledger.errors import SetupError
from node.blobs.doors import Bounds
from node.watch.listeners import LISTENERS_MAX
from node.watch.page_files import PageFile
from node.watch.query import Query
from node.watch.routes import ROUTES, Route
from node.watch.sendings import Sendings
from node.watch.server import HEADERS, WatchAddress, WatchServer
from node.watch.source import BundleSource, Source
from tests.support.circle_endpoint import drawn_seed
from tests.support.histories.circles import Circle
from tests.support.stand_ins import as_any
from tests.support.watched_chain import Growing, Line, follow

PAGE = {"/": PageFile.of(".html", b"<!doctype html>"), "/app.js": PageFile.of(".js", b"1")}


@asynccontextmanager
async def served(source: Source, names: Sequence[str] = (), **more: Any) -> AsyncIterator[tuple[str, WatchServer]]:
    server = WatchServer(source, names, files=PAGE, workers=(), **more)
    async with server.serving(WatchAddress()) as url:
        yield url, server


async def ask(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, Any]:
    async with (
        aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session,
        session.request(method, url + path, headers={k.replace("_", "-"): v for k, v in headers.items()}) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


async def ask_when_read(url: str, path: str) -> Any:
    """JSON, once the source has read its history."""
    async with asyncio.timeout(20):
        while True:
            status, _, body = await ask(url, path)
            if status != 503:
                assert status == 200, body
                return json.loads(body)
            await asyncio.sleep(0.02)


@pytest.fixture
def chain() -> Growing:
    return Growing(Circle(rounds=2, seed_of=drawn_seed))


@pytest.fixture
def source(chain: Growing) -> Source:
    return follow(Line(chain))


async def test_every_answer_has_the_headers_whatever_it_is(source: Source) -> None:
    async with served(source) as (url, _):
        for path in ("", "app.js", "nothing", "api/now", "api/rounds?from=x", "api/live?x=1", "../etc/passwd"):
            _, headers, _ = await ask(url, path)
            assert HEADERS.items() <= dict(headers).items(), path
            assert "Access-Control-Allow-Origin" not in headers
            assert headers["Server"] == "folkmoot"


async def test_a_request_under_a_name_of_somebody_else_gets_nothing(source: Source) -> None:
    async with served(source, ["own.example"]) as (url, _):
        for path in ("", "app.js", "api/now", "api/live"):
            status, _, body = await ask(url, path, Host="evil.example")
            assert (status, b"not known under that name" in body) == (403, True)
        assert (await ask(url, "", Host="own.example:1"))[0] == 200


async def test_a_request_that_another_page_makes_gets_nothing(source: Source) -> None:
    async with served(source) as (url, _):
        assert (await ask(url, "api/circle", Sec_Fetch_Site="cross-site"))[0] == 403
        assert (await ask(url, "api/live", Sec_Fetch_Site="same-site"))[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_nothing_but_get_is_answered(method: str, source: Source) -> None:
    async with served(source) as (url, _):
        for path in ("", "api/now", "api/rounds"):
            status, headers, _ = await ask(url, path, method)
            assert (status, headers["Allow"]) == (405, "GET, HEAD")


async def test_files_come_with_their_types_and_are_asked_for_once(source: Source) -> None:
    async with served(source) as (url, _):
        status, headers, body = await ask(url, "app.js")
        assert (status, headers["Content-Type"], body) == (200, "text/javascript; charset=utf-8", b"1")
        assert (await ask(url, "app.js", If_None_Match=headers["ETag"]))[0] == 304
        assert (await ask(url, "index.html"))[0] == 404
        assert (await ask(url, "%2e%2e/server.py"))[0] == 404


async def test_every_route_answers_over_a_circle_that_is_followed(source: Source) -> None:
    async with served(source) as (url, _):
        now = await ask_when_read(url, "api/now")
        assert (now["round"], now["phase"], now["following"]["state"]) == (2, "finished", "finished")
        circle = await ask_when_read(url, "api/circle")
        assert circle["source"]["kind"] == "live"
        check_answers(
            {path: await ask_when_read(url, path) for path in OWN_PATHS},
        )


async def test_every_route_answers_over_a_bundle(tmp_path: Any) -> None:
    from node.opened_circle import open_bundled
    from tests.support.saved_bundle import make_circle, save_bundle

    await asyncio.to_thread(save_bundle, tmp_path / "circle.car", make_circle(2))
    opened = open_bundled(tmp_path / "circle.car", None)
    source = BundleSource(opened.circle, opened.file.block, opened)
    async with served(source) as (url, _):
        now = await ask_when_read(url, "api/now")
        assert now["following"]["state"] == "bundle"
        circle = await ask_when_read(url, "api/circle")
        assert circle["source"]["kind"] == "bundle"
        assert circle["source"]["root"] == opened.bundle.name.text
        check_answers({path: await ask_when_read(url, path) for path in OWN_PATHS})


OWN_PATHS = (
    *("api/seats", "api/seats/0", "api/rounds", "api/rounds/1", "api/rounds?from=2&to=9", "api/reputations"),
    *("api/reputations?seats=0,1&points=10", "api/search?q=1"),
)


def check_answers(told: dict[str, Any]) -> None:
    assert [seat["seat"] for seat in told["api/seats"]] == [0, 1, 2, 3, 4]
    assert told["api/seats"][0]["lastRound"]["round"] == 2
    assert told["api/seats/0"]["rounds"]["number"] == [1, 2]
    assert told["api/seats/0"]["life"][0]["kind"] == "joined"
    assert told["api/seats/0"]["judgedBy"] == [1, 2, 3, 4]
    assert told["api/rounds"]["number"] == [1, 2]
    assert told["api/rounds"]["committed"] == [5, 5]
    assert told["api/rounds?from=2&to=9"]["number"] == [2]
    round_ = told["api/rounds/1"]
    assert [judge["judge"] for judge in round_["judges"]] == [0, 1, 2, 3, 4]
    assert round_["timeline"][0]["kind"] == "opened"
    assert round_["commits"][0]["cid"].startswith("bafkrei")
    assert sorted(told["api/reputations"]["seats"]) == ["0", "1", "2", "3", "4"]
    assert sorted(told["api/reputations?seats=0,1&points=10"]["seats"]) == ["0", "1"]
    assert {hit["kind"] for hit in told["api/search?q=1"]} == {"seat", "round"}


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("api/rounds?from=0", 400, "from is a whole number from 1"),
        ("api/rounds?from=3&to=2", 400, "name the earlier round first"),
        ("api/rounds?from=1&from=2", 400, "from is given twice"),
        ("api/rounds?limit=1", 400, "it takes from, to"),
        ("api/rounds/x", 400, "number is a whole number"),
        ("api/rounds/3", 404, "the newest is round 2"),
        ("api/seats/256", 400, "seat is a whole number from 0 to 255"),
        ("api/seats/9", 404, "nobody ever had seat 9"),
        ("api/reputations?points=1", 400, "points is a whole number from 10"),
        ("api/reputations?seats=1;2", 400, "seats is a whole number"),
        ("api/now?x=1", 400, "it takes none"),
        ("api/search?q=" + "a" * 129, 400, "128 characters"),
        ("api/search?q=" + "a" * 3000, 400, "2048 characters"),
        ("api/other", 404, "nothing here"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_sentence(
    path: str, status: int, says: str, source: Source
) -> None:
    async with served(source) as (url, _):
        await ask_when_read(url, "api/now")
        found, headers, body = await ask(url, path)
        assert (found, headers["Content-Type"]) == (status, "application/json; charset=utf-8")
        assert says in json.loads(body)["error"]


async def test_before_the_history_is_read_answers_say_so(source: Source) -> None:
    source.start = lambda: None
    async with served(source) as (url, _):
        status, _, body = await ask(url, "api/rounds")
        assert (status, json.loads(body)["following"]["state"]) == (503, "stale")
        assert (await ask(url, ""))[0] == 200


async def test_large_answers_are_packed_for_whoever_takes_that(source: Source) -> None:
    async with served(source) as (url, _):
        await ask_when_read(url, "api/now")
        _, plain_headers, plain = await ask(url, "api/rounds/1", Accept_Encoding="identity")
        _, headers, packed = await ask(url, "api/rounds/1", Accept_Encoding="gzip, br")
        assert headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain_headers
        assert gzip.decompress(packed) == plain
        assert len(packed) < len(plain) / 2


async def test_markup_that_a_peer_wrote_passes_through_as_text(source: Source) -> None:
    async with served(source) as (url, _):
        await ask_when_read(url, "api/now")
        markup = "wss://x http://x </script><img src=x onerror=alert(1)> \u202e\u2028"
        source.view.history.seats[1].endpoints.append(markup)
        status, headers, body = await ask(url, "api/seats")
        assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        assert json.loads(body)[1]["endpoint"] == markup


async def test_an_answer_is_made_once_for_all_who_ask_for_it_meanwhile(source: Source) -> None:
    made, begun = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(_: Source, query: Query) -> Any:
        loop.call_soon_threadsafe(begun.set)
        made.append(query)
        return {"made": len(made)}

    async with served(source, routes=[*ROUTES, Route("/api/slow", slow)]) as (url, _):
        await ask_when_read(url, "api/now")
        bodies = {body for _, _, body in await asyncio.gather(*(ask(url, "api/slow") for _ in range(20)))}
        assert (bodies, len(made)) == ({b'{"made":1}'}, 1)


async def test_a_provider_that_fails_is_a_fault_of_the_program_and_of_that_answer_alone(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Source, __: Query) -> Any:
        raise KeyError("secret")

    async with served(source, routes=[*ROUTES, Route("/api/bad", fail)]) as (url, _):
        status, _, body = await ask(url, "api/bad")
        assert (status, b"secret" in body) == (500, False)
        assert (await ask(url, ""))[0] == 200
    assert "answering failed" in caplog.text


async def read_event(stream: aiohttp.StreamReader) -> Any:
    """The next `now`."""
    async with asyncio.timeout(20):
        while True:
            line = await stream.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return json.loads(line[6:])


async def test_whoever_listens_hears_of_each_change_within_a_second(chain: Growing) -> None:
    chain.shown -= 3
    source = follow(Line(chain))
    async with served(source) as (url, server), aiohttp.ClientSession() as session:
        await ask_when_read(url, "api/now")
        async with session.get(url + "api/live") as stream:
            assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            first = await read_event(stream.content)
            chain.shown += 1
            loop = asyncio.get_running_loop()
            since = loop.time()
            while (told := await read_event(stream.content))["revision"] == first["revision"]:
                pass
            assert loop.time() - since < 3
            assert told["block"] == first["block"] + 1
            assert len(server.listeners) == 1
        async with asyncio.timeout(20):
            while len(server.listeners):
                # A browser that is gone is noticed at the next write.
                server.listeners._newest = None
                server._changed.set()
                await asyncio.sleep(0.05)


async def test_no_more_listen_than_there_are_places_and_others_are_told(source: Source) -> None:
    async with served(source) as (url, server), aiohttp.ClientSession() as session:
        await ask_when_read(url, "api/now")
        server.listeners._most = 2
        streams = [await session.get(url + "api/live") for _ in range(2)]
        for stream in streams:
            await read_event(stream.content)
        status, _, body = await ask(url, "api/live")
        assert (status, b"too many pages listen" in body) == (503, True)
        assert (await ask(url, "api/now"))[0] == 200
        for stream in streams:
            stream.close()
    assert LISTENERS_MAX == 64


async def test_a_page_that_reads_nothing_keeps_nobody_waiting(source: Source) -> None:
    async with served(source, bounds=Bounds(8, 8, 30.0)) as (url, _):
        await ask_when_read(url, "api/now")
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(12)]
        _, writer = idle[-1]
        writer.write(b"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await writer.drain()
        assert (await ask(url, "api/now"))[0] == 200
        for _, one in idle:
            one.close()
            with contextlib.suppress(ConnectionError):
                await one.wait_closed()


async def test_readers_that_take_nothing_hold_no_more_than_a_bound_and_keep_nobody_waiting(source: Source) -> None:
    size = 8 << 20
    routes = [*ROUTES, Route("/api/large", lambda _, __: "x" * size)]
    async with served(source, routes=routes) as (url, server):
        await ask_when_read(url, "api/now")
        server.sendings = Sendings(3 * size)
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        idle = [await asyncio.open_connection(host, int(port), limit=1) for _ in range(6)]
        for _, writer in idle:
            writer.write(b"GET /api/large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        async with asyncio.timeout(20):
            while True:
                if server.sendings.cut == 4:
                    break
                await asyncio.sleep(0.01)
        assert 0 < server.sendings.size <= 3 * size
        status, _, body = await ask(url, "api/large", Accept_Encoding="identity")
        assert (status, len(body)) == (200, size + 2)
        for _, one in idle:
            one.close()
            with contextlib.suppress(ConnectionError):
                await one.wait_closed()
        async with asyncio.timeout(20):
            while True:
                if not server.sendings.size:
                    break
                await asyncio.sleep(0.01)


async def test_a_port_in_use_is_said_in_a_sentence(source: Source) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"port {port} at 127.0.0.1 is in use: name another one"):
            async with WatchServer(source, files=PAGE, workers=()).serving(WatchAddress(port=port)):
                raise AssertionError


async def test_a_worker_that_fails_takes_nothing_with_it(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: Source) -> None:
        raise as_any(RuntimeError("broken"))

    async with WatchServer(source, files=PAGE, workers=(fail,)).serving(WatchAddress()) as url:
        await ask_when_read(url, "api/now")
    assert "work behind the page failed" in caplog.text
