"""No gateway holds up the others, however slow, and nobody is called missing before everyone was asked.

Time is the loop's own here: it goes on when nothing else is to be done, so nothing is slept through.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, cast

import aiohttp
import pytest
from yarl import URL

from ledger.blobs.cid import digest_of
from ledger.fetch import fetcher as fetching
from ledger.fetch.block_request import Failure, GatewayFailed, GatewayPatience, WantedBlock
from ledger.fetch.fetcher import BlobFetcher, Unavailable
from ledger.fetch.hedging import TURN_S, WIDTH, FetchJob, Race, RestingGateways

pytestmark = pytest.mark.rule("R20.2")

HEDGE_S = 0.5
PACE = 1000.0
BLOCK = b"FM a block"

Note = Callable[[int], None]
Gateway = Callable[[Note], Awaitable[bytes]]


class Skipping(selectors.SelectSelector):
    """Where nothing happens until the next timer, it is then at once."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        self.now_s += 0.0 if found or timeout is None else timeout
        return found


def loop_that_skips() -> asyncio.SelectorEventLoop:
    selector = Skipping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now_s
    return loop


def skipping(test: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=loop_that_skips) as runner:
        return runner.run(test)


async def gives(note: Note) -> bytes:
    note(len(BLOCK))
    return BLOCK


async def lacks(note: Note) -> bytes:
    raise GatewayFailed("status 404", Failure.ABSENT)


async def unreachable(note: Note) -> bytes:
    raise GatewayFailed("refused", Failure.UNREACHABLE, is_fatal=True)


async def hangs(note: Note) -> bytes:
    await asyncio.sleep(6)
    raise GatewayFailed("stalled, or too slow", Failure.SLOW, is_fatal=True)


async def drips(note: Note) -> bytes:
    """Sends a byte now and then, for ever."""
    while True:
        await asyncio.sleep(1)
        note(1)


async def streams(note: Note) -> bytes:
    """Sends what is on course, for a long time, and then all is there."""
    for _ in range(100):
        await asyncio.sleep(0.1)
        note(200)
    return BLOCK


def after(wait_s: float) -> Gateway:
    async def late(note: Note) -> bytes:
        await asyncio.sleep(wait_s)
        return await gives(note)

    return late


class Run:
    """One race among these gateways, in this order."""

    def __init__(
        self, *gateways: Gateway, rests: RestingGateways | None = None, job: FetchJob | None = None
    ) -> None:
        self.gateways = {URL(f"http://gateway-{number}"): gateway for number, gateway in enumerate(gateways)}
        self.rests = RestingGateways() if rests is None else rests
        self.job = job or FetchJob(list(self.gateways), PACE, self.rests, HEDGE_S, asyncio.Semaphore(4))
        self.asked: list[int] = []
        self.resting: list[int] = []
        self.most = self.under_way = 0

    async def asking(self, gateway: URL, is_resting: bool, note: Note) -> bytes:
        number = list(self.gateways).index(gateway)
        self.asked.append(number)
        self.resting += [number] if is_resting else []
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self.gateways[gateway](note)
        finally:
            self.under_way -= 1

    async def race(self) -> bytes | None:
        block = await Race(self.job, self.asking).run()
        self.took_s = asyncio.get_running_loop().time()
        assert self.under_way == 0, "nothing goes on behind the back of the one who asked"
        return block


def test_who_gives_at_once_is_the_only_one_asked() -> None:
    run = Run(gives, gives, gives)
    assert skipping(run.race()) == BLOCK
    assert run.asked == [0]


def test_who_lacks_it_is_followed_by_the_next_at_once() -> None:
    run = Run(*[lacks] * 300, gives)
    assert skipping(run.race()) == BLOCK
    assert (run.took_s, run.asked) == (0.0, list(range(301)))


@pytest.mark.parametrize("slow", [hangs, drips])
def test_slow_gateways_cost_a_moment_only(slow: Gateway) -> None:
    run = Run(slow, slow, gives)
    assert skipping(run.race()) == BLOCK
    assert run.took_s == pytest.approx(2 * HEDGE_S)
    run = Run(*[slow] * 10, gives)
    assert skipping(run.race()) == BLOCK
    assert run.took_s == pytest.approx(4 * HEDGE_S), "as many again are asked each time"


def test_beside_one_that_is_on_course_nobody_else_is_asked() -> None:
    run = Run(streams, gives)
    assert skipping(run.race()) == BLOCK
    assert run.asked == [0]
    assert run.took_s > 10 * HEDGE_S


def test_a_burst_at_first_buys_no_time() -> None:
    async def bursts(note: Note) -> bytes:
        note(1 << 20)
        return await drips(note)

    run = Run(bursts, gives)
    assert skipping(run.race()) == BLOCK
    assert run.took_s == pytest.approx(2 * HEDGE_S)


async def refuses_slowly(note: Note) -> bytes:
    await asyncio.sleep(0.9 * HEDGE_S)
    raise GatewayFailed("status 404", Failure.ABSENT)


@pytest.mark.parametrize("slow", [hangs, drips, refuses_slowly])
def test_everyone_is_asked_by_the_time_a_fetch_ends_though_all_others_are_slow(slow: Gateway) -> None:
    for count in (12, 34, 256, 1279):
        run = Run(*[slow] * count, gives)
        assert skipping(run.race()) == BLOCK
        assert len(set(run.asked)) == count + 1
        assert run.took_s <= BlobFetcher(hedge_s=HEDGE_S).end_s(count + 1, 1.0)
        assert run.most <= WIDTH


@pytest.mark.rule("R20.3")
def test_a_fetch_has_the_time_it_was_given_where_few_are_asked() -> None:
    assert BlobFetcher().end_s(40, 30.0) == 30.0
    assert BlobFetcher().end_s(256, 30.0) < 80.0


@pytest.mark.rule("R20.3")
def test_so_many_gateways_have_their_turn_in_so_long() -> None:
    """R20.3: three seconds for each twelve of them, and four."""
    assert [BlobFetcher().end_s(count, 1.0) for count in (1, 12, 13, 256)] == [7.0, 7.0, 10.0, 70.0]


class Fetch:
    """A blob of one block, fetched in 20 s from these gateways. asked: them, patience: with how much."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *gateways: Gateway) -> None:
        self.gateways = {URL(f"http://gateway-{number}"): gateway for number, gateway in enumerate(gateways)}
        self.asked: list[int] = []
        self.patience: list[GatewayPatience] = []
        # No session is used: what would ask with it does not.
        self.fetcher = BlobFetcher(cast("aiohttp.ClientSession", object()))
        monkeypatch.setattr(fetching, "fetch_block", self.ask)

    async def ask(
        self, _: object, gateway: URL, wanted: WantedBlock, patience: GatewayPatience, note: Note
    ) -> bytes:
        self.asked.append(list(self.gateways).index(gateway))
        self.patience.append(patience)
        return await self.gateways[gateway](note)

    async def run(self, max_bytes: int = 1 << 20) -> bytes:
        urls = [str(url) for url in self.gateways]
        return await self.fetcher.fetch(digest_of(BLOCK), urls, max_bytes=max_bytes, timeout_s=20.0)


@pytest.mark.parametrize(("bytes_a_second", "asked"), [(500_000, [0, 1]), (2_000_000, [0])])
def test_who_would_take_more_than_half_of_the_time_is_not_waited_for_alone(
    bytes_a_second: int, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R20.2, of a blob of ten million bytes in twenty seconds."""

    async def streams_so_fast(note: Note) -> bytes:
        for _ in range(20):
            await asyncio.sleep(0.1)
            note(bytes_a_second // 10)
        return BLOCK

    fetch = Fetch(monkeypatch, streams_so_fast, gives)
    assert skipping(fetch.run(10_000_000)) == BLOCK
    assert fetch.asked == asked


def test_an_answer_must_begin_in_six_seconds_and_in_two_from_who_failed_lately(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R20.2."""
    answers = iter([unreachable, gives])

    async def fails_once(note: Note) -> bytes:
        return await next(answers)(note)

    fetch = Fetch(monkeypatch, fails_once)

    async def twice() -> bytes:
        with pytest.raises(Unavailable, match="refused"):
            await fetch.run()
        return await fetch.run()

    assert skipping(twice()) == BLOCK
    assert [patience.begin_s for patience in fetch.patience] == [6.0, 2.0]
    assert {(patience.window_s, patience.window_bytes) for patience in fetch.patience} == {(6.0, 24_576)}


def test_who_was_slower_than_others_may_go_on_when_all_were_asked() -> None:
    """An honest gateway on a slow line, among many that hang."""
    run = Run(*[after(TURN_S + 4.0)] * WIDTH, *[lacks] * 40)
    assert skipping(run.race()) == BLOCK
    assert len(set(run.asked)) == WIDTH + 40
    assert max(run.asked.count(number) for number in range(WIDTH)) == 2


def test_what_nobody_has_is_missing_with_a_reason_for_each() -> None:
    run = Run(lacks, unreachable, hangs, *[lacks] * 30)
    assert skipping(run.race()) is None
    assert sorted(run.asked) == list(range(33))
    assert len(run.job.reasons) == 33


def test_a_busy_gateway_is_asked_again_when_everyone_else_was() -> None:
    answers: Iterator[Gateway] = iter([])

    async def busy_twice(note: Note) -> bytes:
        return await next(answers)(note)

    async def busy(note: Note) -> bytes:
        raise GatewayFailed("status 503", Failure.BUSY, is_busy=True)

    answers = iter([busy, busy, gives])
    run = Run(busy_twice, lacks)
    assert skipping(run.race()) == BLOCK
    assert run.asked == [0, 1, 0, 0]


@pytest.mark.rule("R20.1")
def test_who_could_not_be_reached_is_asked_last_from_then_on_and_not_left_out() -> None:
    rests = RestingGateways()
    skipping(Run(unreachable, lacks, gives, rests=rests).race())
    run = Run(unreachable, lacks, gives, rests=rests)
    assert skipping(run.race()) == BLOCK
    assert run.asked == [1, 2]
    run = Run(gives, lacks, lacks, rests=rests)
    assert skipping(run.race()) == BLOCK
    assert (run.asked, run.resting) == ([1, 2, 0], [0])
    assert not rests.is_resting(URL("http://gateway-0"), 0.0), "it gave a block"


@pytest.mark.rule("R20.1")
def test_who_fails_again_and_again_rests_longer_up_to_a_minute() -> None:
    rests, gateway, now_s, times = RestingGateways(), URL("http://gateway"), 0.0, []
    for _ in range(8):
        rests.note_failure(gateway, now_s)
        time_s = next(s for s in (1, 2, 4, 8, 16, 32, 60, 61) if not rests.is_resting(gateway, now_s + s))
        times.append(time_s)
        now_s += time_s
    assert times == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_is_remembered_of_gateways_is_bounded() -> None:
    rests = RestingGateways()
    for number in range(5000):
        rests.note_failure(URL(f"http://gateway-{number}"), 0.0)
    assert len(rests._rests) == 4096


def test_later_blocks_are_asked_of_who_gave_one_and_never_of_who_failed() -> None:
    run = Run(unreachable, lacks, gives, gives)
    assert skipping(run.race()) == BLOCK
    again = Run(unreachable, lacks, gives, gives, job=run.job)
    assert skipping(again.race()) == BLOCK
    assert again.asked == [2]
    run.job.gave.clear()
    again = Run(unreachable, lacks, lacks, lacks, job=run.job)
    assert skipping(again.race()) is None
    assert sorted(again.asked) == [1, 2, 3]
