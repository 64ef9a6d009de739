"""Gossip of a key that another process may have too: it rests, and it looks before it signs."""

import pytest

from node.gossip.messages import sign_announcement
from node.gossip.prober import FoundPeer
from tests.support.gossip_circle import NETWORK, Circle, introduce, until

pytestmark = pytest.mark.rule("R16.1")

DIGEST, OTHER = b"\x01" * 32, b"\x02" * 32
LONG_S = 60.0


async def test_who_rests_keeps_no_links_and_still_says_who_it_is(circle: Circle) -> None:
    resting, other = await circle.start_linked(2)
    resting.gossip.rest(True)
    await until(lambda: not resting.gossip.links and not other.gossip.links)
    # It dials nobody, and lets nobody stay who dials.
    assert resting.gossip._overlay._choose_wanted() == []
    member = await circle.connect_raw("member", resting)
    assert (await member.socket.receive()).extra == "resting"
    assert await other.gossip.prober.probe_gossip(resting.endpoint) == FoundPeer(resting.address)
    resting.gossip.rest(False)
    await until(lambda: resting.gossip.links == [other.address])


async def test_what_another_process_announced_with_the_key_is_found_by_looking(circle: Circle) -> None:
    # The others know the twin's announcement; this process was not there when it was flooded, and its own view of
    # the rounds is behind, so that nothing was pulled when the links came up.
    other = await circle.start("other")
    late = await circle.start("late")
    other.gossip.enter_round(3)
    teller = await circle.join_raw("teller", other)
    await teller.say(sign_announcement(NETWORK, late.key, late.address, 3, OTHER))
    await until(lambda: other.has(OTHER))
    introduce(late, other)
    await until(lambda: other.address in late.gossip.links)
    late.gossip.enter_round(3)
    assert not late.gossip.has_announced_another(3, DIGEST)
    await late.gossip.look(3, LONG_S)
    assert late.gossip.has_announced_another(3, DIGEST)
    assert not late.gossip.has_announced_another(3, OTHER)
    assert not late.gossip.has_announced_another(99, DIGEST)


async def test_where_nobody_is_linked_looking_ends_in_time(circle: Circle) -> None:
    alone = await circle.start("alone")
    await alone.gossip.look(0, 0.05)
    assert not alone.gossip.has_announced_another(0, DIGEST)
