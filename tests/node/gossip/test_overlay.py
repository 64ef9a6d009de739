"""Links come, go and are replaced."""

import asyncio
from asyncio.trsock import TransportSocket
from dataclasses import replace

import pytest
from aiohttp import web

from ledger.errors import SetupError
from ledger.identity.endpoints import Origin
from node.gossip import Certificate
from node.gossip.dialler import Dialler
from node.gossip.handshake import Identity, shake_hands
from node.gossip.sockets import CODE_UNWANTED, hang_up
from tests.support.gossip_circle import NETWORK, QUICK, Circle, introduce, serving, until

DIGEST = b"\x01" * 32


async def test_two_that_dial_each_other_keep_one_link(circle: Circle) -> None:
    for attempt in range(5):
        left, right = await circle.start(f"left{attempt}"), await circle.start(f"right{attempt}")
        introduce(left, right)
        await left.gossip.announce(0, DIGEST)
        await right.gossip.announce(0, DIGEST[::-1])
        await until(lambda: bool(left.heard and right.heard))  # noqa: B023
        await until(lambda: left.gossip.links == [right.address] and right.gossip.links == [left.address])  # noqa: B023
        assert left.gossip.stats.faults == right.gossip.stats.faults == 0


async def test_dead_peer_is_replaced_and_comes_back_on_its_port(circle: Circle) -> None:
    limits = replace(QUICK, degree=2)
    peers = await circle.start_linked(6, limits)
    dead = peers[0]
    await circle.stop(dead)
    others = peers[1:]
    await until(
        lambda: all(dead.address not in peer.gossip.links and len(peer.gossip.links) >= 2 for peer in others)
    )
    await others[0].gossip.announce(0, DIGEST)
    await until(lambda: all(peer.has(DIGEST) for peer in others[1:]))
    back = await circle.start("peer0", limits=limits, port=dead.port)
    assert back.address == dead.address
    introduce(back, *others)
    await until(lambda: len(back.gossip.links) >= 2 and back.has(DIGEST))


async def test_peers_redial_one_that_restarts_without_being_told(circle: Circle) -> None:
    stays, restarts = await circle.start_linked(2)
    await circle.stop(restarts)
    await until(lambda: stays.gossip.links == [])
    back = await circle.start("peer1", port=restarts.port)  # knows no directory, so it dials nobody
    await until(lambda: back.gossip.links == [stays.address])


async def test_peer_that_answers_no_ping_is_dropped(circle: Circle) -> None:
    peer = await circle.start("peer", limits=replace(QUICK, heartbeat_s=0.2))
    await circle.join_raw("frozen", peer)  # never reads again
    await until(lambda: peer.gossip.links == [])
    assert peer.gossip.stats.faults == 0


async def test_peer_that_vanishes_without_goodbye_is_noticed(circle: Circle) -> None:
    certificate = Certificate.load_or_create(circle.directory / "vanishing")
    vanishing = Identity(NETWORK, b"\x07" * 32, certificate)
    circle.members.add(vanishing.address)
    linked = asyncio.Event()

    async def vanish(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await shake_hands(5, socket, vanishing, certificate.sha256, is_member=lambda _: True)
        await asyncio.wait_for(linked.wait(), 10)
        assert request.transport is not None
        request.transport.abort()
        return socket

    peer = await circle.start("peer")
    async with serving(certificate, vanish) as endpoint:
        peer.gossip.set_directory({vanishing.address: endpoint})
        await until(lambda: peer.gossip.links == [vanishing.address])
        linked.set()
        await until(lambda: peer.gossip.links == [])
        assert peer.gossip.stats.faults == 0
        await circle.stop(peer)


async def test_a_dialled_socket_closes_though_the_other_end_says_no_goodbye(circle: Circle) -> None:
    tested = asyncio.Event()

    async def freeze(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.pause_reading()
        await tested.wait()
        request.transport.abort()
        return socket

    dialler = Dialler(QUICK)

    async def given_up(endpoint: Origin) -> TransportSocket:
        socket, _ = await dialler.dial(endpoint)
        below: TransportSocket = socket.get_extra_info("socket")
        await hang_up(socket, CODE_UNWANTED, "going away", 0)
        return below

    async with serving(Certificate.load_or_create(circle.directory / "frozen"), freeze) as endpoint:
        first = await given_up(endpoint)
        await until(lambda: first.fileno() < 0)
        second = await given_up(endpoint)
        await dialler.close()
        assert second.fileno() < 0
        tested.set()


async def test_link_ends_when_membership_does(circle: Circle) -> None:
    left, right = await circle.start_linked(2)
    circle.members.remove(right.address)
    introduce(left)
    await until(lambda: left.gossip.links == [])


async def test_links_are_rotated(circle: Circle) -> None:
    peers = await circle.start_linked(6, replace(QUICK, degree=2, rotate_s=0.1))
    met: set[str] = set()

    def meets_everybody() -> bool:
        met.update(peers[0].gossip.links)
        return len(met) == 5

    await until(meets_everybody)


async def test_port_in_use_is_one_sentence_with_a_next_step(circle: Circle) -> None:
    first = await circle.start("first")
    with pytest.raises(SetupError, match=rf"port {first.port} on 127.0.0.1 is in use: .* --gossip-port"):
        await circle.start("second", port=first.port)


async def test_endpoint_cannot_send_a_peer_elsewhere(circle: Circle) -> None:
    visited = []

    async def redirect(request: web.BaseRequest) -> web.StreamResponse:
        visited.append(request.path)
        raise web.HTTPFound("/inner")

    peer = await circle.start("peer")
    stranger = await circle.start("stranger")
    await circle.stop(stranger)
    async with serving(Certificate.load_or_create(circle.directory / "redirector"), redirect) as endpoint:
        peer.gossip.set_directory({stranger.address: endpoint})
        await until(lambda: peer.gossip.stats.faults > 0)
        await circle.stop(peer)
    assert set(visited) == {"/gossip"}
