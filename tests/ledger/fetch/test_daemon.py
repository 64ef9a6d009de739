"""An IPFS daemon is asked for what no gateway gives, trusted with nothing, and one that is ill costs a line."""

import asyncio
import logging
import secrets
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from ledger.blobs.unixfs import CHUNK_BYTES, BlobTooLarge, build_dag
from ledger.errors import UsageError
from ledger.fetch.block_request import Failure
from ledger.fetch.daemon import DaemonPatience, IpfsDaemon, find_daemon
from ledger.fetch.daemon_address import parse_daemon_api
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from tests.support.daemons import ill_daemon as ills
from tests.support.daemons.ill_daemon import Answer, IllDaemon, ill_daemon
from tests.support.sample_blobs import blob
from tests.support.sample_gateways import Gateway, MemoryCache, blocks_of, running

pytestmark = pytest.mark.rule("R20.4")

BRIEF = DaemonPatience(look_s=0.2, look_least_s=0.1, answer_s=0.2, window_s=0.2)


def fetching(daemon: IllDaemon, patience: DaemonPatience | None = None) -> BlobFetcher:
    return BlobFetcher(daemon=IpfsDaemon(daemon.api, patience))


async def fetch(fetcher: BlobFetcher, digest: bytes, urls: list[str] | None = None, **options: Any) -> bytes:
    return await fetcher.fetch(digest, urls or [], **{"max_bytes": 1 << 30, "timeout_s": 20.0} | options)


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "ledger.fetch.daemon"]


@pytest.mark.parametrize("size_bytes", [2, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
async def test_a_blob_that_no_gateway_has_comes_from_the_daemon(size_bytes: int) -> None:
    dag = build_dag(blob(size_bytes))
    async with (
        running(Gateway({})) as urls,
        ill_daemon(IllDaemon(blocks_of(dag))) as daemon,
        fetching(daemon) as fetcher,
    ):
        assert await fetch(fetcher, dag.root, urls) == dag.data
        assert fetcher.stats.daemon_blocks == len(set(dag.digests))


async def test_the_daemon_is_not_asked_for_what_a_gateway_gives() -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    async with running(Gateway({}), Gateway(blocks_of(dag))) as urls, ill_daemon(IllDaemon()) as daemon:
        async with fetching(daemon) as fetcher:
            assert await fetch(fetcher, dag.root, urls) == dag.data
        assert daemon.calls == []


async def test_it_is_not_asked_where_it_is_not_to_be() -> None:
    dag = build_dag(blob(10))
    async with ill_daemon(IllDaemon(blocks_of(dag))) as daemon, fetching(daemon) as fetcher:
        with pytest.raises(Unavailable, match="no gateway to ask"):
            await fetch(fetcher, dag.root, asks_daemon=False)
        assert daemon.calls == []


@pytest.mark.parametrize("is_cached", [False, True])
async def test_a_blob_of_which_each_has_a_part_comes_together(is_cached: bool) -> None:
    dag = build_dag(blob(4 * CHUNK_BYTES))
    blocks = blocks_of(dag)
    theirs = {digest: blocks[digest] for digest in (*dag.leaves[:2], dag.root)}
    rest = {digest: data for digest, data in blocks.items() if digest not in theirs}
    cache = MemoryCache() if is_cached else None
    async with (
        running(Gateway(theirs)) as urls,
        ill_daemon(IllDaemon(rest)) as daemon,
        fetching(daemon) as fetcher,
    ):
        assert await fetch(fetcher, dag.root, urls, cache=cache) == dag.data


async def test_a_blob_that_is_too_large_is_refused_before_its_leaves_are_asked_for() -> None:
    dag = build_dag(blob(3 * CHUNK_BYTES))
    async with ill_daemon(IllDaemon(blocks_of(dag))) as daemon, fetching(daemon) as fetcher:
        with pytest.raises(BlobTooLarge):
            await fetch(fetcher, dag.root, max_bytes=CHUNK_BYTES)
        assert daemon.counts["block/get"] == 1


@pytest.mark.parametrize(
    ("ill", "kind"),
    [
        (ills.silent, Failure.SLOW),
        (ills.stalling, Failure.SLOW),
        (ills.lying, Failure.WRONG),
        (ills.endless, Failure.WRONG),
        (ills.forbidden, Failure.REFUSED),
    ],
)
async def test_an_ill_daemon_costs_one_line_and_is_left_alone(
    ill: Answer, kind: Failure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with ill_daemon(IllDaemon()) as daemon, fetching(daemon, BRIEF) as fetcher:
        daemon.ill["block/get"] = ill
        for _ in range(20):
            with pytest.raises(Unavailable, match="ipfs: "):
                await fetch(fetcher, secrets.token_bytes(32))
        assert fetcher.stats.daemon_failures[kind] == 1
        assert daemon.counts["block/get"] == 1
    assert len(lines_of(caplog)) == 1
    assert daemon.api in lines_of(caplog)[0]


async def test_a_daemon_that_is_not_there_costs_one_line_and_its_address_stays_here(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = unused_port()
    async with BlobFetcher(daemon=IpfsDaemon(f"/ip4/127.0.0.1/tcp/{port}")) as fetcher:
        for _ in range(20):
            with pytest.raises(Unavailable) as caught:
                await fetch(fetcher, secrets.token_bytes(32))
            assert str(port) not in str(caught.value.reasons)
            assert "127.0.0.1" not in str(caught.value.reasons)
    assert len(lines_of(caplog)) == 1


async def test_one_that_is_well_again_is_asked_again_and_said_to_be(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ledger.fetch.daemon._REST_S", 0.001)
    caplog.set_level(logging.INFO)
    dag = build_dag(blob(10))
    async with ill_daemon(IllDaemon(blocks_of(dag))) as daemon, fetching(daemon, BRIEF) as fetcher:
        daemon.ill["block/get"] = ills.lying
        with pytest.raises(Unavailable):
            await fetch(fetcher, dag.root)
        daemon.ill.clear()
        assert fetcher.daemon is not None
        while fetcher.daemon.is_resting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await fetch(fetcher, dag.root) == dag.data
    assert [line.split(" api")[0] for line in lines_of(caplog)] == [
        "daemon gives nothing and is left alone",
        "daemon answers again",
    ]


async def test_what_its_network_has_not_got_is_no_fault_of_the_daemon(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    dag = build_dag(blob(10))
    async with ill_daemon(IllDaemon(blocks_of(dag))) as daemon, fetching(daemon) as fetcher:
        for _ in range(9):
            with pytest.raises(Unavailable, match="ipfs: not found"):
                await fetch(fetcher, secrets.token_bytes(32))
        assert await fetch(fetcher, dag.root) == dag.data
        with pytest.raises(Unavailable):
            await fetch(fetcher, secrets.token_bytes(32))
    # Each call says how long to look: less after many in vain, and as long again once something was found.
    looked = [query["timeout"] for _, query in daemon.calls]
    assert looked == ["8000ms"] * 4 + ["4000ms"] * 4 + ["2000ms"] * 2 + ["8000ms"]
    assert lines_of(caplog) == []


async def test_silent_gateways_do_not_use_up_the_time_for_the_daemon() -> None:
    async def silence(*_: Any) -> Any:
        await asyncio.Event().wait()

    dag = build_dag(blob(10))
    async with (
        running(Gateway({}, silence)) as urls,
        ill_daemon(IllDaemon(blocks_of(dag))) as daemon,
        BlobFetcher(stall_timeout_s=0.3, daemon=IpfsDaemon(daemon.api)) as fetcher,
    ):
        assert await fetch(fetcher, dag.root, urls) == dag.data


@pytest.mark.parametrize("api", ["", "nonsense", "http://127.0.0.1:5001", "/ip4/127.0.0.1", "/unix/tmp/x"])
def test_an_address_that_is_none_is_one_sentence(api: str) -> None:
    with pytest.raises(UsageError, match=r"tcp/5001|TCP address"):
        find_daemon(api)


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("/ip4/127.0.0.1/tcp/5001", "http://127.0.0.1:5001/api/v0/"),
        ("/ip6/::1/tcp/5001/http", "http://[::1]:5001/api/v0/"),
        ("/dns4/ipfs.example.org/tcp/443/https", "https://ipfs.example.org/api/v0/"),
    ],
)
def test_a_multiaddr_names_an_api(api: str, url: str) -> None:
    assert str(parse_daemon_api(api)) == url


def test_one_daemon_is_one_for_the_whole_process() -> None:
    api = "/ip4/127.0.0.1/tcp/5001"
    assert find_daemon(api) is find_daemon(api)
    assert find_daemon(None) is None


async def test_it_may_look_in_vain_for_thousands_of_blocks() -> None:
    daemon = IpfsDaemon("/ip4/127.0.0.1/tcp/1")
    for _ in range(5000):
        daemon._note_answer(is_vain=True)
    assert daemon.look_s == DaemonPatience().look_least_s
