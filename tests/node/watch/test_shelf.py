"""Blobs come a few at a time, from folders, bundle or gateways, and what is wrong with one is said of it alone."""

import asyncio
import threading
from pathlib import Path

import pytest

from ledger.errors import PeerFault
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from node.watch import shelf as shelf_module
from node.watch.distances import POINTS_MAX
from node.watch.rule_figures import ReadEntry, ReadRecord
from node.watch.shelf import PARALLEL, Found, Lost, Shelf, Want, find_shelf, run_shelf
from tests.support.histories.circles import Circle
from tests.support.watched_circle import WatchedCircle, fill_store, working

BLOBS = {digest: b"FM blob %d" % number for number, digest in enumerate(bytes([place]) * 32 for place in range(30))}


@pytest.fixture(scope="module")
def circle() -> Circle:
    return Circle(rounds=1)


def make_wants(*numbers: int) -> list[Want]:
    """Of some of the blobs, read as they are."""
    digests = list(BLOBS)
    return [Want("raw", digests[number], 0, 100, bytes) for number in numbers]


class Gateways:
    """In the place of the members' gateways: gives blobs when it is let, and counts who waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[bytes] = []
        self.most = self.under_way = 0
        self.open = asyncio.Event()
        self.lost: set[bytes] = set()

        async def fetch(_: BlobFetcher, digest: bytes, gateways: object, **options: object) -> bytes:
            self.asked.append(digest)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await self.open.wait()
            self.under_way -= 1
            if digest in self.lost:
                raise Unavailable(digest, {"http://gateway": "status 404"})
            return BLOBS[digest]

        monkeypatch.setattr(BlobFetcher, "fetch", fetch)


async def until_known(shelf: Shelf, wants: list[Want]) -> list[Found | Lost]:
    """What became of them."""
    async with asyncio.timeout(20):
        while True:
            found = [shelf.find(*want.key) for want in wants]
            known = [one for one in found if one is not None]
            if len(known) == len(wants):
                return known
            await asyncio.sleep(0.01)


async def test_few_are_fetched_at_a_time_and_each_once(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    gateways, source, wants = Gateways(monkeypatch), WatchedCircle(circle), make_wants(*range(30))
    shelf = find_shelf(source)
    async with working(source, run_shelf):
        for _ in range(3):
            shelf.ask(wants)
            await asyncio.sleep(0.01)
        assert gateways.under_way == PARALLEL
        gateways.open.set()
        found = await until_known(shelf, wants)
    assert [one.value for one in found if isinstance(one, Found)] == list(BLOBS.values())
    assert sorted(gateways.asked) == sorted(BLOBS)
    assert gateways.most == PARALLEL


async def test_what_was_asked_for_last_comes_first(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    gateways, source = Gateways(monkeypatch), WatchedCircle(circle)
    shelf, wants = find_shelf(source), make_wants(*range(30))
    shelf.ask(wants[:20])
    shelf.ask(wants[20:])
    gateways.open.set()
    async with working(source, run_shelf):
        await until_known(shelf, wants)
    assert set(gateways.asked[:10]) == {want.digest for want in wants[20:]}
    assert gateways.asked[0] == wants[20].digest


async def test_a_lost_blob_is_asked_for_again_after_a_while_and_one_that_is_none_is_not(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways, source = Gateways(monkeypatch), WatchedCircle(circle)
    shelf, wants = find_shelf(source), make_wants(0, 1)
    gateways.lost = {wants[0].digest}
    gateways.open.set()

    def refuse(blob: bytes) -> object:
        raise PeerFault(f"{blob!r} is no record\x1b[2J")

    wants[1] = Want("record", wants[1].digest, 0, 100, refuse)
    async with working(source, run_shelf):
        shelf.ask(wants)
        lost, none = await until_known(shelf, wants)
        assert isinstance(lost, Lost)
        assert lost.says == "is not to be had: http://gateway: status 404"
        assert isinstance(none, Lost)
        assert none.says == "it is no such blob: b'FM blob 1' is no record\\x1b[2J"
        shelf.ask(wants)
        await asyncio.sleep(0.05)
        assert len(gateways.asked) == 2
        monkeypatch.setattr(shelf_module, "_AGAIN_S", -1.0)
        gateways.lost.clear()
        version = shelf.version
        shelf.ask(wants)
        async with asyncio.timeout(20):
            while True:
                if shelf.version > version:
                    break
                await asyncio.sleep(0.01)
    assert isinstance(shelf.find(*wants[0].key), Found)
    assert len(gateways.asked) == 3


async def test_a_fault_of_the_programs_own_is_told_and_the_others_come(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways, source = Gateways(monkeypatch), WatchedCircle(circle)
    gateways.open.set()
    wants = make_wants(0, 1)

    def fail(_: bytes) -> object:
        raise KeyError("a fault")

    wants[0] = Want("odd", wants[0].digest, 0, 100, fail)
    shelf = find_shelf(source)
    async with working(source, run_shelf):
        shelf.ask(wants)
        odd, good = await until_known(shelf, wants)
    assert isinstance(odd, Lost)
    assert odd.says == "reading it failed: KeyError"
    assert isinstance(good, Found)


async def test_one_digest_may_be_asked_for_as_two_kinds(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    gateways, source = Gateways(monkeypatch), WatchedCircle(circle)
    gateways.open.set()
    digest = next(iter(BLOBS))
    wants = [Want("length", digest, 0, 100, len), Want("raw", digest, 0, 100, bytes)]
    shelf = find_shelf(source)
    async with working(source, run_shelf):
        shelf.ask(wants)
        found = await until_known(shelf, wants)
    assert [one.value for one in found if isinstance(one, Found)] == [9, b"FM blob 0"]


async def test_a_folder_here_is_read_before_anybody_is_asked(
    circle: Circle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gateways = Gateways(monkeypatch)
    fill_store(tmp_path, circle.blobs)
    source = WatchedCircle(circle, [tmp_path])
    shelf, digest = find_shelf(source), next(iter(circle.blobs))
    async with working(source, run_shelf):
        shelf.ask([Want("raw", digest, 0, 1 << 20, bytes)])
        (found,) = await until_known(shelf, [Want("raw", digest, 0, 1 << 20, bytes)])
    assert isinstance(found, Found)
    assert (found.value, found.size_bytes) == (circle.blobs[digest], len(circle.blobs[digest] or b""))
    assert gateways.asked == []


def test_what_waits_and_what_is_kept_has_a_bound(circle: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "WANTED_MAX", 10)
    shelf = Shelf(WatchedCircle(circle))
    wants = make_wants(*range(30))
    shelf.ask(wants)
    assert len(shelf._wanted) == 10
    assert set(shelf._wanted) == {want.key for want in wants[:10]}
    monkeypatch.setattr(shelf_module, "_KEPT_MAX", 5)
    for want in wants:
        shelf.put(want.key, Found(b"", 0))
    assert len(shelf._results) == 5


def test_large_records_are_kept_as_far_as_their_memory_goes(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, wants = Shelf(WatchedCircle(circle)), make_wants(*range(30))
    entry = ReadEntry(bytes(32), "accepted", True, 1.0, 1.0, False)
    full = ReadRecord(bytes(32), 1, bytes(20), dict.fromkeys(range(256), entry))
    assert POINTS_MAX * Found(full, 0).weight < shelf_module.KEPT_MAX_BYTES, "one view's fit"
    monkeypatch.setattr(shelf_module, "KEPT_MAX_BYTES", 10 * Found(full, 0).weight)
    for want in [*wants, *wants]:
        shelf.put(want.key, Found(full, 0))
    assert list(shelf._results) == [want.key for want in wants[20:]]
    for want in wants:
        shelf.put(want.key, Found(b"", 0))
    assert len(shelf._results) == 30
    assert shelf._weight == 30 * Found(b"", 0).weight


def test_two_threads_find_one_shelf(circle: Circle) -> None:
    source, found = WatchedCircle(circle), list[Shelf]()
    threads = [threading.Thread(target=lambda: found.append(find_shelf(source))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
