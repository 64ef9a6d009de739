"""The port for metrics: what it answers, to whom, and what it does not do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from prometheus_client import Counter, Gauge
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.registry import Collector

from ledger.errors import SetupError, UsageError
from node.metrics.health import Check, Health
from node.metrics.server import MetricsServer, parse_listening
from node.metrics.shared import make_registry
from tests.support.metric_rules import lint_page, parse_page

BROKEN = Check("disk", False, "the disk is full", is_needed=False)
AWAY = Check("chain", False, "nobody answers")


class Scene:
    def __init__(self, *checks: Check) -> None:
        self.now = 100.0
        self.checks = list(checks)
        self.registry = make_registry("node")
        self.value = Gauge("folkmoot_round", "The round.", registry=self.registry)
        Counter("folkmoot_rounds", "Rounds.", registry=self.registry)
        self.server = MetricsServer(self.registry, lambda: Health(self.checks), lambda: self.now)
        self.url = ""

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
        self.url = await self.server.start(host, 0)
        try:
            async with aiohttp.ClientSession() as session:
                yield session
        finally:
            await self.server.close()


async def read(session: aiohttp.ClientSession, url: str, **options: Any) -> tuple[int, str, str]:
    async with session.get(url, **options) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_a_scrape_is_what_prometheus_reads() -> None:
    scene = Scene()
    async with scene.running() as session:
        status, kind, page = await read(session, f"{scene.url}/metrics")
        assert (status, kind.split(";")[0]) == (200, "text/plain")
        families = parse_page(page)
        assert {
            "folkmoot_build_info",
            "folkmoot_round",
            "folkmoot_rounds",
            "process_cpu_seconds",
        } <= families.keys()
        assert lint_page(page) == []
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        scene.now += 2
        _, kind, page = await read(session, f"{scene.url}/metrics", headers=accept)
        assert kind.startswith("application/openmetrics-text")
        assert {"folkmoot_round", "folkmoot_rounds"} <= {family.name for family in parse_open(page)}


@pytest.mark.parametrize("version", ["x", "1.0.0x", "..", "1.x", "-1", "9" * 5000])
async def test_a_version_that_is_none_gets_a_page_all_the_same(version: str) -> None:
    scene = Scene()
    async with scene.running() as session:
        for form in ("application/openmetrics-text", "text/plain"):
            accept = {"Accept": f"{form}; version={version}"}
            status, _, page = await read(session, f"{scene.url}/metrics", headers=accept)
            assert status == 200
            assert "folkmoot_round" in page


async def test_figures_are_put_together_once_a_second_however_often_they_are_asked_for() -> None:
    scene, asked = Scene(), []

    class Counted(Collector):
        def collect(self) -> list[Any]:
            asked.append(1)
            return []

    scene.registry.register(Counted())
    async with scene.running() as session:
        for _ in range(20):
            await read(session, f"{scene.url}/metrics")
        assert len(asked) == 1
        scene.value.set(7)
        scene.now += 1.5
        _, _, page = await read(session, f"{scene.url}/metrics")
        assert "folkmoot_round 7.0" in page
        assert len(asked) == 2


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([Check("chain", True, "it answers")], {"livez": 200, "readyz": 200, "healthz": 200}),
        ([BROKEN], {"livez": 200, "readyz": 200, "healthz": 503}),
        ([AWAY], {"livez": 200, "readyz": 503, "healthz": 503}),
    ],
)
async def test_alive_ready_and_well_are_told_apart(checks: list[Check], expected: dict[str, int]) -> None:
    scene = Scene(*checks)
    async with scene.running() as session:
        for page, status in expected.items():
            found, kind, text = await read(session, f"{scene.url}/{page}")
            assert (found, kind) == (status, "application/json")
            told = json.loads(text)
            assert told["ok"] == (status == 200)
            if page != "livez":
                assert told["checks"][0]["says"] == checks[0].says


async def test_nothing_is_taken_and_nothing_else_is_there() -> None:
    scene = Scene()
    async with scene.running() as session:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            async with session.request(method, f"{scene.url}/metrics", data=b"x" * 100) as answer:
                assert answer.status == 405
        async with session.head(f"{scene.url}/metrics") as answer:
            assert answer.status == 200
            assert int(answer.headers["Content-Length"]) > 100
            assert answer.headers["Cache-Control"] == "no-store"
        assert (await read(session, f"{scene.url}/"))[0] == 404
        for site, allowed in (("none", 200), ("same-origin", 403), ("cross-site", 403)):
            headers = {"Sec-Fetch-Site": site}
            assert (await read(session, f"{scene.url}/healthz", headers=headers))[0] == allowed


@pytest.mark.parametrize(("listening", "allowed"), [("127.0.0.1", 403), ("0.0.0.0", 200)])
async def test_a_site_that_has_its_name_point_to_this_machine_gets_nothing(listening: str, allowed: int) -> None:
    """Chromium marks no request to such a name. Whoever listens elsewhere may be scraped under any."""
    scene = Scene()
    async with scene.running(listening) as session:
        for page in ("metrics", "livez", "readyz", "healthz"):
            status, _, _ = await read(session, f"{scene.url}/{page}", headers={"Host": "site.example:9464"})
            assert status == allowed
        for name in ("localhost", "127.0.0.1:9464", "[::1]:9464"):
            assert (await read(session, f"{scene.url}/metrics?name[]=x", headers={"Host": name}))[0] == 200


async def test_connections_without_a_request_keep_nobody_out() -> None:
    scene = Scene()
    async with scene.running() as session:
        host, port = scene.url.removeprefix("http://").split(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(40)]
        assert (await read(session, f"{scene.url}/livez"))[0] == 200
        for _, writer in idle:
            writer.close()


async def test_a_port_that_is_taken_is_said() -> None:
    scene, other = Scene(), Scene()
    async with scene.running():
        port = int(scene.url.rpartition(":")[2])
        with pytest.raises(SetupError, match=f"port {port} on 127.0.0.1 cannot be used for metrics"):
            await other.server.start("127.0.0.1", port)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0", ("127.0.0.1", 0)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
        ("[::1]:9464", ("::1", 9464)),
        ("node.example:9464", ("node.example", 9464)),
    ],
)
def test_a_place_is_a_port_with_a_host_or_without(text: str, place: tuple[str, int]) -> None:
    assert parse_listening(text) == place


@pytest.mark.parametrize(
    "text", ["", "x", "65536", "a:b", "::1:9464", ":9464", "9464:", "1" * 400, "h" * 300 + ":1"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="neither PORT nor HOST:PORT"):
        parse_listening(text)
