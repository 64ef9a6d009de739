"""Announcements reach everyone, once, over a sparse overlay."""

from dataclasses import replace

import pytest

from ledger.errors import NotYet
from node.gossip.messages import sign_announcement
from tests.support.gossip_circle import NETWORK, QUICK, Circle, introduce, until

pytestmark = pytest.mark.rule("R18")

DIGEST = b"\x01" * 32
OTHER_DIGEST = b"\x02" * 32


async def test_every_announcement_reaches_every_peer_of_a_sparse_overlay_once(circle: Circle) -> None:
    peers = await circle.start_linked(12, replace(QUICK, degree=4))
    for number, peer in enumerate(peers):
        await peer.gossip.announce(0, bytes([number]) * 32)
    await until(lambda: all(len(peer.heard) >= 11 for peer in peers))
    for peer in peers:
        assert {one.author_address for one in peer.heard} == {other.address for other in peers} - {peer.address}
        assert len(peer.heard) == 11
        assert len(peer.gossip.links) < 11
        assert peer.gossip.stats.faults == 0


async def test_latecomer_pulls_what_it_missed(circle: Circle) -> None:
    early = await circle.start_linked(3)
    await early[0].gossip.announce(0, DIGEST)
    early[1].gossip.announce_held(0, DIGEST)
    await until(lambda: all(peer.has(DIGEST) for peer in early[1:]))
    latecomer = await circle.start("latecomer")
    introduce(*early, latecomer)
    await until(lambda: latecomer.has(DIGEST))
    await until(lambda: len(latecomer.gossip.list_holders(DIGEST)) == 2)
    assert latecomer.gossip.list_holders(DIGEST) == [early[0].address, early[1].address]


async def test_peer_pulls_what_the_chain_says_is_missing(circle: Circle) -> None:
    author, straggler = await circle.start("author"), await circle.start("straggler")
    straggler.gossip.set_directory({author.address: author.endpoint})  # one dials: no link replaces the first
    await until(lambda: bool(author.gossip.links and straggler.gossip.links))
    author.gossip.enter_round(5)
    await author.gossip.announce(5, DIGEST)
    await until(lambda: straggler.gossip.stats.not_yet == 1)  # round 5 is too far ahead of round 0
    assert straggler.heard == []
    straggler.gossip.enter_round(5)
    straggler.gossip.expect(5, [author.address, straggler.address])
    await until(lambda: straggler.has(DIGEST))


async def test_holders_are_told_to_direct_links(circle: Circle) -> None:
    author, holder, asker = await circle.start_linked(3)
    await author.gossip.announce(0, DIGEST)
    await until(lambda: holder.has(DIGEST) and asker.has(DIGEST))
    holder.gossip.announce_held(0, DIGEST)
    await until(lambda: asker.gossip.list_holders(DIGEST) == [author.address, holder.address])
    assert asker.gossip.list_holders(OTHER_DIGEST) == []


async def test_own_second_digest_of_a_round_is_refused(circle: Circle) -> None:
    peer = await circle.start("author")
    first = await peer.gossip.announce(0, DIGEST)
    assert await peer.gossip.announce(0, DIGEST) is first
    with pytest.raises(ValueError, match="already announced"):
        await peer.gossip.announce(0, OTHER_DIGEST)
    with pytest.raises(NotYet):
        await peer.gossip.announce(9, DIGEST)


async def test_two_digests_of_one_author_convict_it_everywhere(circle: Circle) -> None:
    peers = await circle.start_linked(4)
    equivocator = await circle.join_raw("equivocator", peers[0])
    key, address = equivocator.identity.key, equivocator.address
    first = sign_announcement(NETWORK, key, address, 0, DIGEST)
    second = sign_announcement(NETWORK, key, address, 0, OTHER_DIGEST)
    third = sign_announcement(NETWORK, key, address, 0, b"\x03" * 32)
    await equivocator.say(first, second, third)
    await until(lambda: all(peer.convicted for peer in peers))
    for peer in peers:
        assert len(peer.heard) == 1
        assert len(peer.convicted) == 1
        assert {one.digest for one in peer.convicted[0]} == {DIGEST, OTHER_DIGEST}
    latecomer = await circle.start("latecomer")
    introduce(*peers, latecomer)
    await until(lambda: len(latecomer.convicted) == 1)


async def test_messages_beyond_the_queue_are_dropped_and_counted(circle: Circle) -> None:
    limits = replace(QUICK, queue_messages=4)
    talker, listener = await circle.start_linked(2, limits)
    before = talker.gossip.stats.drops
    for number in range(10):
        talker.gossip.announce_held(0, bytes([number]) * 32)
    assert talker.gossip.stats.drops - before >= 6
    await talker.gossip.announce(1, DIGEST)  # may be dropped as well …
    listener.gossip.enter_round(1)
    listener.gossip.expect(1, [talker.address])  # … then it is pulled
    await until(lambda: listener.has(DIGEST))
