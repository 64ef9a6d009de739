"""How long a judge waits for a neighbour: long, or a moment, or long again as soon as it answers."""

import asyncio

import pytest

from node.round import neighbour_patience as module
from node.round.neighbour_patience import NeighbourPatience, is_believed

pytestmark = pytest.mark.rule("R20.3")

GONE, DIGEST = "wss://a:1 http://a:2", b"\x01" * 32
# Longer than any of these tests takes.
LONG_S = 60.0


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BRIEF_S", 0.05)


class Gateway:
    """Says whether it has the update."""

    def __init__(self, *, has: bool) -> None:
        self.has, self.asked, self.answered = has, 0, asyncio.Event()

    async def knock(self, gateway: str, digest: bytes) -> bool:
        assert (gateway, digest) == ("http://a:2", DIGEST)
        self.asked += 1
        self.answered.set()
        return self.has


async def wait(patience: NeighbourPatience, seconds: float, endpoint: str = GONE, budget_s: float = LONG_S) -> bool:
    """Whether something that takes so long comes to its end."""
    try:
        async with patience.limit_time(endpoint, DIGEST, budget_s):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return False
    return True


async def test_who_never_failed_has_its_full_time_and_is_not_knocked_at() -> None:
    gateway = Gateway(has=False)
    patience = NeighbourPatience(gateway.knock)
    assert await wait(patience, 0.1)
    assert not await wait(patience, LONG_S, budget_s=0.02)
    assert gateway.asked == 0


async def test_who_gave_nothing_last_time_and_does_not_have_it_gets_a_moment() -> None:
    patience = NeighbourPatience(Gateway(has=False).knock)
    patience.note(GONE, had=False)
    assert not await wait(patience, LONG_S)


async def test_who_says_that_it_has_the_update_gets_its_full_time() -> None:
    patience = NeighbourPatience(Gateway(has=True).knock)
    patience.note(GONE, had=False)
    assert await wait(patience, 0.2)
    assert not await wait(patience, LONG_S, budget_s=0.2)


async def test_who_gives_its_update_or_moves_is_trusted_as_before() -> None:
    patience = NeighbourPatience(Gateway(has=False).knock)
    patience.note(GONE, had=False)
    assert await wait(patience, 0.1, endpoint="wss://b:1 http://b:2")
    patience.note(GONE, had=True)
    assert await wait(patience, 0.1)


async def test_a_knock_without_an_answer_ends_with_the_attempt() -> None:
    async def never(_: str, __: bytes) -> bool:
        await asyncio.Event().wait()
        return True

    patience = NeighbourPatience(never)
    patience.note(GONE, had=False)
    assert not await wait(patience, LONG_S)


async def test_who_said_so_in_vain_too_often_is_not_knocked_at() -> None:
    gateway = Gateway(has=True)
    patience = NeighbourPatience(gateway.knock)
    for _ in range(5):
        patience.note(GONE, had=False)
    assert not await wait(patience, LONG_S)
    assert gateway.asked == 0


def test_who_only_says_so_is_believed_three_times_and_then_now_and_then() -> None:
    assert [misses for misses in range(1, 14) if is_believed(misses)] == [1, 2, 3, 4, 8, 12]


async def test_what_is_remembered_has_a_bound() -> None:
    patience = NeighbourPatience(Gateway(has=False).knock)
    for number in range(3000):
        patience.note(str(number), had=False)
    assert len(patience._missed) == 1024
