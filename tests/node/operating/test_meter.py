"""CPU time by section: what a section counts, what it leaves to others, and what a lap gives."""

import asyncio
import time
from collections.abc import Callable

import pytest

from node.operating.meter import SECTIONS, Meter

WORK_S = 0.05


def work(seconds: float = WORK_S) -> None:
    """Use this much CPU time of this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_lap_has_every_section_and_the_rest() -> None:
    assert set(Meter().lap()) == {*SECTIONS, "other"}


def test_a_section_counts_the_cpu_time_inside_it_only() -> None:
    meter = Meter()
    with meter.measure_section("training"):
        work()
    work()
    lap = meter.lap()
    assert lap["training"] >= WORK_S
    assert lap["other"] >= WORK_S / 2
    assert sum(value for name, value in lap.items() if name not in ("training", "other")) == 0


def test_a_lap_starts_from_nothing() -> None:
    meter = Meter()
    with meter.measure_section("blobs"):
        work()
    assert meter.lap()["blobs"] >= WORK_S
    assert meter.lap()["blobs"] == 0


def test_what_fails_is_counted_too() -> None:
    meter = Meter()

    def fail() -> None:
        with meter.measure_section("state"):
            work()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert meter.lap()["state"] >= WORK_S


async def test_a_coroutine_is_charged_its_own_steps_not_what_runs_while_it_waits() -> None:
    meter, go_on = Meter(), asyncio.Event()

    async def metered() -> str:
        work()
        await go_on.wait()
        return "result"

    async def another() -> None:
        work(4 * WORK_S)
        go_on.set()

    result, _ = await asyncio.gather(meter.measure_awaited("gossip", metered()), another())
    assert result == "result"
    assert WORK_S <= meter.lap()["gossip"] < 4 * WORK_S


async def test_a_metered_coroutine_raises_what_it_raises() -> None:
    async def failing() -> None:
        await asyncio.sleep(0)
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        await Meter().measure_awaited("gossip", failing())


async def test_a_metered_coroutine_sees_its_cancellation_and_may_answer_it() -> None:
    seen: list[str] = []
    started = asyncio.Event()

    async def waiting() -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return "never"

    async def run() -> str:
        return await Meter().measure_awaited("gossip", waiting())

    task = asyncio.create_task(run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


async def test_a_timeout_inside_a_metered_coroutine_is_its_own() -> None:
    async def patient() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "gave up"
        return "never"

    assert await Meter().measure_awaited("blobs", patient()) == "gave up"


def test_a_meter_never_gives_negative_time() -> None:
    meter = Meter()
    steps: list[Callable[[], None]] = [lambda: work(0.001)] * 5
    for step in steps:
        with meter.measure_section("chain"):
            step()
        assert min(meter.lap().values()) >= 0
