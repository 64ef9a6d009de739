"""A daemon has what a peer keeps and nothing else of its, whatever happens to either; others' pins stay."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from ledger.blobs.cid import DAG_PB, cid_of
from ledger.blobs.unixfs import CHUNK_BYTES
from node.blobs.pinner import Pinner
from node.blobs.store import BlockStore
from tests.support.daemons import ill_daemon as ills
from tests.support.daemons.ill_daemon import Answer, IllDaemon, ill_daemon, refuse
from tests.support.sample_blobs import blob

NAME = "folkmoot 1 0xabc"


class Peer:
    """A peer's store, and the folder of its journal."""

    def __init__(self, folder: Path) -> None:
        self.store, self.folder = BlockStore(folder / "blobs"), folder / "pins"

    def put(self, *texts: bytes) -> list[bytes]:
        return [self.store.put(b"FM" + text) for text in texts]

    @asynccontextmanager
    async def pinning(self, api: str, *kept: bytes, call_s: float = 20.0) -> AsyncIterator[Pinner]:
        pinner = Pinner(api, self.store, retry_s=0.001, call_s=call_s)
        pinner.start()
        pinner.keep(self.folder, NAME, kept)
        try:
            yield pinner
        finally:
            await pinner.close()


@pytest.fixture
def peer(tmp_path: Path) -> Peer:
    return Peer(tmp_path)


async def settle(pinner: Pinner) -> None:
    # What was asked for before takes its turn first.
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await pinner.wait_settled()


def texts_of(*digests: bytes) -> set[str]:
    return {cid_of(digest).text for digest in digests}


async def test_what_is_kept_is_pinned_under_the_circles_name(peer: Peer) -> None:
    small = peer.put(b"small")[0]
    large = peer.store.put(blob(2 * CHUNK_BYTES))
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, small) as pinner:
        pinner.pin(large)
        await settle(pinner)
        assert daemon.pins == {cid_of(small).text: NAME, cid_of(large, DAG_PB).text: NAME}
        assert (pinner.stats.held, pinner.stats.wanted, pinner.stats.made, pinner.stats.failures) == (2, 2, 2, 0)


async def test_what_is_not_kept_any_more_is_unpinned(peer: Peer) -> None:
    one, other = peer.put(b"one", b"other")
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, one, other) as pinner:
        await settle(pinner)
        peer.store.remove([one])
        pinner.unpin(one)
        await settle(pinner)
        assert set(daemon.pins) == texts_of(other)
        assert (pinner.stats.held, pinner.stats.removed) == (1, 1)


async def test_a_restart_removes_what_is_not_kept_and_adds_what_is_missing(peer: Peer) -> None:
    stays, gone, lost, new = peer.put(b"stays", b"gone", b"lost", b"new")
    async with ill_daemon(IllDaemon()) as daemon:
        async with peer.pinning(daemon.api, stays, gone, lost) as pinner:
            await settle(pinner)
        del daemon.pins[cid_of(lost).text]
        imported = len(daemon.imported)
        async with peer.pinning(daemon.api, stays, lost, new) as pinner:
            await settle(pinner)
        assert set(daemon.pins) == texts_of(stays, lost, new)
        assert len(daemon.imported) == imported + 2


async def test_pins_of_others_are_neither_noted_nor_removed(peer: Peer) -> None:
    theirs, both = peer.put(b"theirs", b"both")
    async with ill_daemon(IllDaemon()) as daemon:
        daemon.pin(theirs, "somebody's")
        daemon.pin(both)
        async with peer.pinning(daemon.api, both) as pinner:
            await settle(pinner)
            pinner.unpin(both)
            await settle(pinner)
        assert daemon.pins == {cid_of(theirs).text: "somebody's", cid_of(both).text: ""}
        assert daemon.imported == []


async def test_a_pin_that_got_another_name_since_is_somebody_elses(peer: Peer) -> None:
    (digest,) = peer.put(b"one")
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, digest) as pinner:
        await settle(pinner)
        daemon.pins[cid_of(digest).text] = "for my collection"
        pinner.unpin(digest)
        await settle(pinner)
        assert set(daemon.pins) == texts_of(digest)


async def test_one_whose_pin_was_removed_by_hand_is_forgotten(peer: Peer) -> None:
    (digest,) = peer.put(b"one")
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, digest) as pinner:
        await settle(pinner)
        daemon.pins.clear()
        pinner.unpin(digest)
        await settle(pinner)
        assert daemon.counts["pin/rm"] == 0
        assert pinner.stats.held == 0


async def test_a_pin_that_a_crash_cut_short_is_made_and_is_its_own(peer: Peer) -> None:
    (digest,) = peer.put(b"one")
    async with ill_daemon(IllDaemon()) as daemon:
        daemon.ill["pin/add"] = ills.silent
        async with peer.pinning(daemon.api, digest, call_s=1.0):
            while not daemon.counts["pin/add"]:
                daemon.was_asked.clear()
                await daemon.was_asked.wait()
        daemon.ill.clear()
        async with peer.pinning(daemon.api, digest) as pinner:
            await settle(pinner)
            assert pinner.stats.held == 1
            pinner.unpin(digest)
            await settle(pinner)
        assert daemon.pins == {}


async def test_a_sealed_update_is_not_shown_to_the_daemon(peer: Peer) -> None:
    sealed, open_ = peer.store.put(b"FMsealed", sealed=True), peer.put(b"open")[0]
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, sealed, open_) as pinner:
        await settle(pinner)
        assert set(daemon.pins) == texts_of(open_)
        peer.store.unseal(sealed)
        pinner.pin(sealed)
        await settle(pinner)
        assert set(daemon.pins) == texts_of(open_, sealed)


async def test_what_is_not_in_the_store_holds_up_nothing(peer: Peer) -> None:
    (here,) = peer.put(b"here")
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, bytes(32), here) as pinner:
        await settle(pinner)
        assert set(daemon.pins) == texts_of(here)
        assert pinner.stats.failures == 0


async def test_another_circle_in_the_same_folder_leaves_the_first_ones_pins(peer: Peer, tmp_path: Path) -> None:
    first, second = peer.put(b"first", b"second")
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, first) as pinner:
        await settle(pinner)
        pinner.keep(tmp_path / "other circle", "folkmoot 1 0xdef", [second])
        await settle(pinner)
        assert daemon.pins == {cid_of(first).text: NAME, cid_of(second).text: "folkmoot 1 0xdef"}


async def nonsense(_: web.Request) -> web.StreamResponse:
    return web.Response(text="nonsense")


async def lies_about_pins(_: web.Request) -> web.StreamResponse:
    return web.json_response({"Pins": [cid_of(bytes(32)).text]})


@pytest.mark.parametrize(
    ("command", "ill"),
    [
        ("dag/import", ills.full),
        ("dag/import", ills.silent),
        ("pin/add", ills.full),
        ("pin/add", lies_about_pins),
        ("pin/add", ills.silent),
        ("id", nonsense),
        ("pin/ls", nonsense),
        ("all", ills.forbidden),
    ],
)
async def test_an_ill_daemon_costs_one_line_and_gets_all_of_it_once_it_is_well(
    peer: Peer, command: str, ill: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    kept = peer.put(*(bytes([number]) for number in range(5)))
    async with ill_daemon(IllDaemon()) as daemon:
        daemon.ill[command] = ill
        async with peer.pinning(daemon.api, *kept, call_s=0.2) as pinner:
            async with asyncio.timeout(20):
                while pinner.stats.failures < 2:
                    daemon.was_asked.clear()
                    await daemon.was_asked.wait()
            daemon.ill.clear()
            await settle(pinner)
        assert set(daemon.pins) == texts_of(*kept)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_a_daemon_that_comes_later_gets_all_of_it(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    kept, daemon = peer.put(b"one", b"other"), IllDaemon()
    daemon.port = unused_port()
    async with peer.pinning(daemon.api, *kept) as pinner:
        async with asyncio.timeout(20):
            while pinner.stats.failures < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        async with ill_daemon(daemon):
            await settle(pinner)
            assert set(daemon.pins) == texts_of(*kept)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_one_full_blob_does_not_keep_pins_from_being_removed(peer: Peer) -> None:
    old, new = peer.put(b"old", b"new")
    async with ill_daemon(IllDaemon()) as daemon, peer.pinning(daemon.api, old) as pinner:
        await settle(pinner)

        async def full_while_old_is_there(request: web.Request) -> web.StreamResponse:
            is_full = cid_of(old).text in daemon.pins
            return refuse("no space left on device") if is_full else await daemon.answer_dag_import(request)

        daemon.ill["dag/import"] = full_while_old_is_there
        pinner.pin(new)
        pinner.unpin(old)
        await settle(pinner)
        assert set(daemon.pins) == texts_of(new)


async def test_a_refusal_that_says_nothing_of_pins_makes_no_pin_ones_own(peer: Peer) -> None:
    (both,) = peer.put(b"both")
    async with ill_daemon(IllDaemon()) as daemon:
        daemon.pin(both)

        async def out_of_order(request: web.Request) -> web.StreamResponse:
            return refuse("lock is held") if "arg" in request.query else await daemon.answer_pin_ls(request)

        daemon.ill["pin/ls"] = out_of_order
        async with peer.pinning(daemon.api, both) as pinner:
            async with asyncio.timeout(20):
                while not pinner.stats.failures:
                    daemon.was_asked.clear()
                    await daemon.was_asked.wait()
            daemon.ill.clear()
            await settle(pinner)
            pinner.unpin(both)
            await settle(pinner)
        assert daemon.pins == {cid_of(both).text: ""}
