"""What a link keeps for a peer that takes nothing: bounded in messages and in bytes."""

import random
from dataclasses import replace
from typing import Any

from node.gossip.limits import Limits, Stats
from node.gossip.links import Link

PEER = "0x" + "22" * 20


async def link_of(stats: Stats | None = None, **limits: Any) -> Link:
    """A link that nobody reads from, so that everything waits."""
    socket: Any = None
    return Link(
        socket, PEER, dialled=True, limits=replace(Limits(), **limits), stats=stats or Stats(), rng=random.Random(1)
    )


async def test_a_queue_holds_so_many_bytes_and_what_comes_then_is_dropped_and_counted() -> None:
    stats = Stats()
    link = await link_of(stats, queue_bytes=300)
    assert [link.send(bytes([number]) * 120) for number in range(3)] == [True, True, False]
    assert (link.drops, stats.drops) == (1, 1)
    assert link.send(b"\7" * 60), "what fits is taken still"
    assert not link.send(b"\x08")


async def test_a_queue_holds_so_many_messages() -> None:
    link = await link_of(queue_messages=2)
    assert [link.send(bytes([number])) for number in range(3)] == [True, True, False]
    assert link.drops == 1


async def test_what_is_queued_already_takes_no_room_twice() -> None:
    link = await link_of(queue_bytes=300)
    assert [link.send(b"\1" * 100) for _ in range(2)] == [True, True]
    assert [link.send(bytes([number]) * 100) for number in (2, 3)] == [True, True]


async def test_what_is_taken_back_makes_room() -> None:
    link = await link_of(queue_bytes=100)
    assert link.send(b"\1" * 100)
    link.withdraw(b"\2" * 100)
    assert not link.send(b"\2" * 100), "what never waited frees nothing"
    link.withdraw(b"\1" * 100)
    link.withdraw(b"\1" * 100)
    assert link.send(b"\2" * 100)
    assert not link.send(b"\3")
