"""A daemon's pins: what it is sent, and what is believed of its answers. What a real one does: test_real_ipfs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from ledger.blobs.car import encode_car_header, encode_section_head
from ledger.blobs.cid import Cid, cid_of
from ledger.blobs.unixfs import CHUNK_BYTES, Dag, build_dag
from ledger.errors import SetupError, UsageError
from node.blobs.daemon_pins import DaemonPins, DaemonRoom, NamedBlock
from tests.support.daemons import ill_daemon as ills
from tests.support.daemons.ill_daemon import Answer, IllDaemon, ill_daemon
from tests.support.sample_blobs import blob

SMALL = build_dag(blob(10))


def car_of(dag: Dag) -> bytes:
    sections = [encode_section_head(Cid(codec, digest), len(data)) + data for digest, codec, data in dag.blocks()]
    return encode_car_header(cid_of(dag.root, dag.codec)) + b"".join(sections)


async def blocks_of(dag: Dag) -> AsyncIterator[NamedBlock]:
    for digest, codec, data in dag.blocks():
        yield Cid(codec, digest), data


def publish(pins: DaemonPins, dag: Dag, name: str = "") -> Any:
    return pins.publish(cid_of(dag.root, dag.codec), blocks_of(dag), name)


@asynccontextmanager
async def asking(daemon: IllDaemon) -> AsyncIterator[DaemonPins]:
    async with ill_daemon(daemon), DaemonPins(daemon.api, timeout_s=5) as pins:
        yield pins


@pytest.mark.parametrize("size_bytes", [10, 3 * CHUNK_BYTES + 1])
async def test_publishing_imports_one_car_and_then_pins_its_root(size_bytes: int) -> None:
    dag, daemon = build_dag(blob(size_bytes)), IllDaemon()
    async with asking(daemon) as pins:
        await publish(pins, dag, "folkmoot")
    assert daemon.imported == [car_of(dag)]
    (first, how), (second, what) = daemon.calls
    assert (first, how) == ("dag/import", {"pin-roots": "false"})
    assert (second, what["arg"], what["name"]) == ("pin/add", cid_of(dag.root, dag.codec).text, "folkmoot")


async def test_a_kubo_newer_than_the_client_library_knows_is_accepted() -> None:
    async with asking(IllDaemon()) as pins:
        assert await pins.fetch_version() == "0.42.0"
        assert await pins.fetch_id() == ills.PEER_ID
        assert await pins.fetch_room() == DaemonRoom(95, 100)


@pytest.mark.parametrize("has_names", [True, False])
async def test_a_pin_is_found_with_its_name_where_the_daemon_has_names(has_names: bool) -> None:
    daemon, cid = IllDaemon(), cid_of(SMALL.root)
    daemon.has_names = has_names
    async with asking(daemon) as pins:
        assert await pins.find_pin(cid) is None
        daemon.pin(SMALL.root, "mine")
        assert await pins.find_pin(cid) == ("mine" if has_names else "")
        await pins.unpin(cid)
        assert await pins.find_pin(cid) is None


async def test_all_pins_are_listed_and_those_that_are_no_blobs_left_out() -> None:
    daemon = IllDaemon()
    daemon.pin(SMALL.root)
    daemon.pins["QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"] = ""
    async with asking(daemon) as pins:
        assert [digest async for digest in pins.list_pins()] == [SMALL.root]


@pytest.mark.parametrize(("ill", "says"), [(ills.full, "no space left"), (ills.forbidden, "who are you")])
async def test_a_daemon_that_refuses_is_quoted(ill: Answer, says: str) -> None:
    daemon = IllDaemon()
    daemon.ill["all"] = ill
    async with asking(daemon) as pins:
        for call in (pins.fetch_version, lambda: publish(pins, SMALL), lambda: list_all(pins)):
            with pytest.raises(SetupError, match=says):
                await call()


async def list_all(pins: DaemonPins) -> list[bytes]:
    return [digest async for digest in pins.list_pins()]


async def test_nonsense_is_said_to_be_such() -> None:
    async def nothing(_: web.Request) -> web.StreamResponse:
        return web.json_response({})

    async def letters(_: web.Request) -> web.StreamResponse:
        return web.Response(text="\x1b[31mno JSON\n")

    daemon = IllDaemon()
    async with asking(daemon) as pins:
        for ill in (nothing, letters):
            daemon.ill = dict.fromkeys(("version", "id", "repo/stat", "pin/add"), ill)
            for call in (pins.fetch_version, pins.fetch_id, pins.fetch_room, lambda: publish(pins, SMALL)):
                with pytest.raises(SetupError, match="nonsense") as caught:
                    await call()
                assert str(caught.value).isprintable()
        daemon.ill["pin/ls"] = letters
        with pytest.raises(SetupError, match="nonsense"):
            await list_all(pins)


@pytest.mark.parametrize("body", [b"", b"[" * 60_000, b'{"a":' * 20_000, b'{"ID":"a"}{"ID":"b"}', b"[1]", b"null"])
async def test_what_the_library_knows_no_error_for_is_nonsense_too(body: bytes) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    daemon = IllDaemon()
    daemon.ill["all"] = answer
    async with asking(daemon) as pins:
        for call in (pins.fetch_id, pins.fetch_room, lambda: pins.unpin(cid_of(SMALL.root))):
            with pytest.raises(SetupError, match="nonsense"):
                await call()


async def test_a_pin_that_is_nested_deeply_ends_its_list() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"Cid":' + b"[" * 3000 + b"\n")

    daemon = IllDaemon()
    daemon.ill["pin/ls"] = answer
    async with asking(daemon) as pins:
        with pytest.raises(SetupError, match="nonsense"):
            await list_all(pins)


async def test_a_list_of_pins_without_a_line_end_is_cut_off() -> None:
    daemon = IllDaemon()
    daemon.ill["pin/ls"] = ills.endless
    async with asking(daemon) as pins:
        with pytest.raises(SetupError):
            await list_all(pins)


async def test_a_name_for_the_daemon_that_is_no_peer_id_is_refused() -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        return web.json_response({"ID": "../../elsewhere"})

    daemon = IllDaemon()
    daemon.ill["id"] = elsewhere
    async with asking(daemon) as pins:
        with pytest.raises(SetupError, match="nonsense"):
            await pins.fetch_id()


async def test_a_daemon_that_is_not_there_is_one_sentence() -> None:
    async with DaemonPins(f"/ip4/127.0.0.1/tcp/{unused_port()}", timeout_s=5) as pins:
        for call in (pins.fetch_version, lambda: publish(pins, SMALL), lambda: list_all(pins)):
            with pytest.raises(SetupError, match=r"^no IPFS daemon answers at .*: start it, or run without one$"):
                await call()


async def test_a_silent_daemon_is_given_up() -> None:
    daemon = IllDaemon()
    daemon.ill["all"] = ills.silent
    async with ill_daemon(daemon), DaemonPins(daemon.api, timeout_s=0.1) as pins:
        with pytest.raises(SetupError, match="no IPFS daemon answers"):
            await pins.fetch_version()


def test_an_address_that_is_none_is_a_wrong_option() -> None:
    with pytest.raises(UsageError, match=r"tcp/5001"):
        DaemonPins("nonsense")
