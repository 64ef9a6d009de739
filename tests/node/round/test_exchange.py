"""Fetching a round's updates: the author first, then who holds them, and never longer than the budget."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from ledger.fetch.daemon import DaemonPatience, IpfsDaemon
from ledger.fetch.fetcher import Unavailable
from ledger.identity.endpoints import parse_endpoint
from node.round import neighbour_patience
from node.round.exchange import AnnouncedUpdates
from tests.support.daemons.ill_daemon import IllDaemon, ill_daemon, silent
from tests.support.exchange_scene import BLOB, LIMIT, LONG_S, Scene, playing_scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with playing_scene(tmp_path) as scene:
        yield scene


@pytest.mark.rule("R20.1")
async def test_an_update_comes_from_its_author_and_is_kept_and_told(scene: Scene) -> None:
    digest = scene.commit(1)
    scene.announced.note_heard(1, scene.history.seats[1].peer)
    assert await scene.collect(1) == {1: (BLOB, False)}
    assert [member.asked > 0 for member in scene.members] == [False, True, False, False]
    assert scene.members[0].store.get(digest, LIMIT) == BLOB
    assert scene.told.have_told == [(1, digest)]


async def test_what_is_held_already_is_not_fetched_again(scene: Scene) -> None:
    scene.commit(1)
    await scene.collect(1)
    asked = scene.members[1].asked
    assert await scene.collect(1) == {1: (BLOB, False)}
    assert scene.members[1].asked == asked


@pytest.mark.rule("R20.1")
async def test_another_holder_gives_what_the_author_does_not(scene: Scene) -> None:
    scene.commit(1, at=3)
    scene.told.known = [scene.history.seats[3].peer]
    assert await scene.collect(1) == {1: (BLOB, False)}
    assert scene.members[2].asked == 0


async def test_an_announcement_that_was_lost_costs_a_moment_only(scene: Scene) -> None:
    scene.commit(2)
    assert await scene.collect(2) == {2: (BLOB, False)}


async def test_what_nobody_gives_in_time_comes_back_without_a_blob(scene: Scene) -> None:
    scene.members[1].store.seal(scene.commit(1, b"FMU3 withheld"))
    scene.commit(2)
    found = await scene.collect(1, 2, budget_s=2.0)
    assert found == {1: (None, False), 2: (BLOB, False)}


async def test_a_blob_above_the_tasks_limit_is_the_authors_fault_at_once(scene: Scene) -> None:
    scene.commit(1, b"FMU3" + bytes(LIMIT))
    assert await scene.collect(1) == {1: (None, True)}


async def test_what_was_served_late_is_still_fetched(scene: Scene) -> None:
    digest = scene.commit(1)
    scene.members[1].store.seal(digest)
    collecting = asyncio.create_task(scene.collect(1))
    # Its author says it is not here, so the others are asked.
    assert await asyncio.to_thread(scene.members[2].was_asked.wait, LONG_S)
    scene.members[1].store.unseal(digest)
    assert await collecting == {1: (BLOB, False)}


async def test_who_gave_nothing_is_not_waited_for_long_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbour_patience, "BRIEF_S", 0.1)
    scene.commit(1, b"FMU3 withheld")
    scene.members[1].store.seal(scene.round.commits[1])
    assert await scene.collect(1, budget_s=0.2) == {1: (None, False)}
    # This would take a minute if it were waited for as before; others are had meanwhile.
    scene.commit(2)
    assert await scene.collect(1, 2) == {1: (None, False), 2: (BLOB, False)}
    assert set(scene.knocks) == {parse_endpoint(scene.history.seats[1].endpoint).gateway.text}


async def test_who_gave_nothing_and_has_come_back_is_had_at_once_and_trusted_again(scene: Scene) -> None:
    digest = scene.commit(1)
    scene.members[1].store.seal(digest)
    assert await scene.collect(1, budget_s=0.2) == {1: (None, False)}
    scene.members[1].store.unseal(digest)
    assert await scene.collect(1) == {1: (BLOB, False)}
    knocks = len(scene.knocks)
    await scene.collect(1)
    assert len(scene.knocks) == knocks


async def test_a_circle_that_went_on_meanwhile_is_no_failure(scene: Scene) -> None:
    scene.commit(1)
    scene.told.is_behind = True
    assert await scene.collect(1) == {1: (BLOB, False)}


async def test_blobs_of_earlier_rounds_name_what_is_missing(scene: Scene) -> None:
    digest, large = scene.commit(1), scene.commit(2, b"FMU3" + bytes(LIMIT))
    digests = {digest: 1, large: 2}
    found = await scene.exchange.fetch_blobs(scene.history, digests, max_bytes=LIMIT, timeout_s=LONG_S)
    assert found == {digest: BLOB, large: None}
    with pytest.raises(Unavailable):
        await scene.exchange.fetch_blobs(scene.history, {bytes(32): 1}, max_bytes=LIMIT, timeout_s=5.0)


async def test_an_announcement_wakes_who_waits_for_it_and_no_one_else() -> None:
    announced = AnnouncedUpdates()
    waiting = asyncio.create_task(announced.wait(3, "0xauthor", LONG_S))
    await asyncio.sleep(0)
    announced.note_heard(3, "0xsomeone")
    announced.note_heard(4, "0xauthor")
    await asyncio.sleep(0)
    assert not waiting.done()
    announced.note_heard(3, "0xauthor")
    await waiting
    await announced.wait(3, "0xauthor", LONG_S)


async def test_announcements_of_rounds_long_gone_are_forgotten() -> None:
    announced = AnnouncedUpdates()
    for number in range(1, 100):
        for author in "abc":
            announced.note_heard(number, author)
    assert len(announced._events) <= 9


@pytest.mark.rule("R20.4")
async def test_an_update_that_only_a_daemon_has_is_had(scene: Scene) -> None:
    digest = scene.commit(1)
    scene.members[1].store.remove([digest])
    async with ill_daemon(IllDaemon({digest: BLOB})) as daemon:
        scene.fetcher.daemon = IpfsDaemon(daemon.api)
        assert await scene.collect(1) == {1: (BLOB, False)}
    assert scene.members[0].store.get(digest, LIMIT) == BLOB


@pytest.mark.rule("R20.4")
async def test_a_daemon_that_looks_in_vain_holds_up_no_author(scene: Scene) -> None:
    digest = scene.commit(1)
    scene.members[1].store.seal(digest)
    async with ill_daemon(IllDaemon()) as daemon:
        daemon.ill["block/get"] = silent
        scene.fetcher.daemon = IpfsDaemon(daemon.api, DaemonPatience(look_s=LONG_S))
        collecting = asyncio.create_task(scene.collect(1))
        await daemon.was_asked.wait()
        scene.members[1].store.unseal(digest)
        assert await collecting == {1: (BLOB, False)}


@pytest.mark.rule("R20.4")
async def test_a_daemon_is_asked_for_earlier_blobs_where_that_is_wanted_alone(scene: Scene) -> None:
    digest = scene.members[1].store.put(BLOB)
    scene.members[1].store.remove([digest])
    async with ill_daemon(IllDaemon({digest: BLOB})) as daemon:
        scene.fetcher.daemon = IpfsDaemon(daemon.api)
        fetch = partial(scene.exchange.fetch_blobs, max_bytes=LIMIT, timeout_s=LONG_S)
        with pytest.raises(Unavailable):
            await fetch(scene.history, {digest: 1}, asks_daemon=False)
        assert daemon.calls == []
        assert dict(await fetch(scene.history, {digest: 1})) == {digest: BLOB}
