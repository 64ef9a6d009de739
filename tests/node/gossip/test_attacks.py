"""Whoever breaks the protocol loses its own link; the rest goes on."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientWebSocketResponse, web

from ledger.identity.addresses import address_bytes
from ledger.identity.endpoints import Origin
from node.gossip import Certificate
from node.gossip.certificate import make_client_context
from node.gossip.listener import FRAME_LIMIT
from node.gossip.messages import (
    Announcement,
    Challenge,
    Have,
    Pull,
    PullAnswer,
    encode,
    join_frame,
    sign_announcement,
)
from node.gossip.sockets import CODE_UNWANTED
from tests.support.gossip_circle import (
    NETWORK,
    OTHER_NETWORK,
    QUICK,
    Circle,
    Peer,
    RawMember,
    introduce,
    serving,
    until,
)

DIGEST = b"\x01" * 32


async def assert_gossip_goes_on(peers: list[Peer], digest: bytes = b"\xee" * 32) -> None:
    await peers[0].gossip.announce(0, digest)
    await until(lambda: all(peer.has(digest) for peer in peers[1:]))


@pytest.mark.rule("R17")
async def test_non_member_is_refused(circle: Circle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    peers = await circle.start_linked(2)
    stranger = await circle.start("stranger", is_member=False)
    stranger.gossip.set_directory({peer.address: peer.endpoint for peer in peers})
    await until(lambda: all(peer.gossip.stats.faults > 0 for peer in peers))
    assert stranger.address not in peers[0].gossip.links + peers[1].gossip.links
    assert f"{stranger.address} is not a member" in caplog.text
    await assert_gossip_goes_on(peers)
    assert stranger.heard == []


@pytest.mark.rule("R17")
async def test_other_network_is_refused_by_name(circle: Circle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    ours, theirs = await circle.start("ours"), await circle.start("theirs", network=OTHER_NETWORK)
    introduce(ours, theirs)
    await until(lambda: ours.gossip.stats.faults > 0 and theirs.gossip.stats.faults > 0)
    assert ours.gossip.links == theirs.gossip.links == []
    assert f"other network {OTHER_NETWORK.domain_separator.hex()[:12]}" in caplog.text


@pytest.mark.rule("R17")
async def test_relay_with_its_own_certificate_is_refused(circle: Circle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    victim, target = await circle.start("victim"), await circle.start("target")
    relayed: list[bytes] = []
    async with relaying(circle, target, relayed) as endpoint:
        victim.gossip.set_directory({target.address: endpoint})
        await until(lambda: victim.gossip.stats.faults > 0 and target.gossip.stats.faults > 0)
        await circle.stop(victim)
    assert victim.gossip.links == target.gossip.links == []
    assert len(relayed) >= 4  # both challenges and both answers went through unchanged
    assert "is not proved for this connection's certificate" in caplog.text


Socket = web.WebSocketResponse | ClientWebSocketResponse


@asynccontextmanager
async def relaying(circle: Circle, target: Peer, relayed: list[bytes]) -> AsyncIterator[Origin]:
    """A listener that passes every frame on to the target and back. Yields its endpoint."""

    async def pass_on(source: Socket, sink: Socket) -> None:
        async for message in source:
            relayed.append(message.data)
            await sink.send_bytes(message.data)

    async def relay(request: web.BaseRequest) -> web.StreamResponse:
        inner = web.WebSocketResponse(timeout=0.2)
        await inner.prepare(request)
        outer, _ = await circle.dial(target)
        pumps = [asyncio.create_task(way) for way in (pass_on(inner, outer), pass_on(outer, inner))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await outer.close()
        return inner

    async with serving(Certificate.load_or_create(circle.directory / "relay"), relay) as endpoint:
        yield endpoint


@pytest.mark.rule("R17")
async def test_answer_from_another_member_than_dialled_is_refused(circle: Circle) -> None:
    victim, impostor = await circle.start("victim"), await circle.start("impostor")
    absent = await circle.start("absent")
    await circle.stop(absent)
    victim.gossip.set_directory({absent.address: impostor.endpoint})
    await until(lambda: victim.gossip.stats.faults > 0)
    assert victim.gossip.links == []


@pytest.mark.rule("R17")
async def test_own_challenge_sent_back_is_refused(circle: Circle) -> None:
    peer = await circle.start("peer")
    socket, _ = await circle.dial(peer)
    await socket.send_bytes(await socket.receive_bytes())
    await until(lambda: peer.gossip.stats.faults == 1)


@pytest.mark.rule("R18")
async def test_forged_announcement_is_not_relayed_and_costs_the_link(circle: Circle) -> None:
    peers = await circle.start_linked(3)
    liar = await circle.join_raw("liar", peers[0])
    victim = address_bytes(peers[1].address)
    signed = sign_announcement(NETWORK, liar.identity.key, liar.address, 0, DIGEST)
    await liar.say(Announcement(0, victim, DIGEST, signed.signature))
    await until(lambda: liar.address not in peers[0].gossip.links)
    assert peers[0].gossip.stats.faults == 1
    await assert_gossip_goes_on(peers)
    assert not any(peer.has(DIGEST) for peer in peers)
    again = await circle.connect_raw("liar", peers[0])  # cooling off: not let in
    ended = [message async for message in again.socket]
    assert ended == []
    assert again.socket.close_code == CODE_UNWANTED


async def test_announcement_signed_for_another_network_is_forged(circle: Circle) -> None:
    peer = await circle.start("peer")
    liar = await circle.join_raw("liar", peer)
    await liar.say(sign_announcement(OTHER_NETWORK, liar.identity.key, liar.address, 0, DIGEST))
    await until(lambda: peer.gossip.stats.faults == 1 and peer.gossip.links == [])
    assert peer.heard == []


async def test_announcement_of_an_unknown_author_is_nobodys_fault(circle: Circle) -> None:
    peer = await circle.start("peer")
    member = await circle.join_raw("member", peer)
    author = await circle.start("newcomer", is_member=False)
    await member.say(sign_announcement(NETWORK, author.key, author.address, 0, DIGEST))
    await until(lambda: peer.gossip.stats.not_yet == 1)
    assert peer.gossip.links == [member.address]
    assert peer.heard == []


@pytest.mark.rule("R18")
@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe junk", id="junk"),
        pytest.param(b"\x90", id="no message"),
        pytest.param(join_frame([encode(PullAnswer(0, [], []))]), id="answer to no question"),
        pytest.param(join_frame([encode(Challenge(1, DIGEST, DIGEST))]), id="second challenge"),
        pytest.param(bytes(FRAME_LIMIT), id="oversize"),
        pytest.param("text", id="text"),
    ],
)
async def test_bad_frame_costs_that_link_only(circle: Circle, frame: bytes | str) -> None:
    peers = await circle.start_linked(3)
    liar = await circle.join_raw("liar", peers[0])
    await liar.say(PullAnswer(0, [], []))  # to the question that opens every link
    await (liar.socket.send_str(frame) if isinstance(frame, str) else liar.socket.send_bytes(frame))
    await until(lambda: liar.address not in peers[0].gossip.links)
    assert peers[0].gossip.stats.faults == 1
    assert len(peers[0].gossip.links) == 2
    await assert_gossip_goes_on(peers)


async def test_junk_on_the_socket_disturbs_nobody(circle: Circle) -> None:
    peers = await circle.start_linked(3)
    port, plain = peers[0].port, b"GET /gossip HTTP/1.1\r\nHost: a\r\n\r\n"
    assert await send_raw(port, bytes(5000), tls=None) == b""
    assert await send_raw(port, plain, tls=None) == b""
    assert b" 400 " in await send_raw(port, bytes(5000), tls=make_client_context())
    assert b" 400 " in await send_raw(port, plain, tls=make_client_context())
    assert b" 404 " in await send_raw(port, plain.replace(b"gossip", b"other"), tls=make_client_context())
    await assert_gossip_goes_on(peers)
    assert len(peers[0].gossip.links) == 2


async def test_silent_socket_is_ended(circle: Circle) -> None:
    peer = await circle.start("peer", limits=replace(QUICK, handshake_s=0.2))
    assert await send_raw(peer.port, b"GET /gossip HT", tls=make_client_context()) == b""
    assert await send_raw(peer.port, b"", tls=None) == b""
    socket, _ = await circle.dial(peer)
    await socket.receive_bytes()
    ended = await socket.receive(timeout=10)
    assert (ended.data, ended.extra) == (1008, "no handshake within 0.2 s")


async def send_raw(port: int, data: bytes, tls: ssl.SSLContext | None) -> bytes:
    """Write, then read until the other end closes; nothing if it does not even take the connection."""
    async with asyncio.timeout(15):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        except ConnectionError:
            return b""
        writer.write(data)
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_sockets_beyond_the_limit_are_ended(circle: Circle) -> None:
    peer = await circle.start("peer", limits=replace(QUICK, max_sockets=1))
    member = await circle.join_raw("member", peer)
    assert await send_raw(peer.port, b"", tls=make_client_context()) == b""
    assert peer.gossip.links == [member.address]


async def test_sockets_that_never_begin_with_tls_count_and_do_not_hold_up_the_end(circle: Circle) -> None:
    peer = await circle.start("peer", limits=replace(QUICK, max_sockets=1, handshake_s=60))
    reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
    assert await send_raw(peer.port, b"", tls=None) == b""
    async with asyncio.timeout(15):
        await circle.stop(peer)
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_flood_is_slowed_down_and_then_cut(circle: Circle) -> None:
    limits = replace(QUICK, messages_per_s=50, burst_messages=50, flood_s=0.3)
    peers = await circle.start_linked(3, limits)
    flooder = await circle.join_raw("flooder", peers[0])
    flood = asyncio.create_task(talk_without_end(flooder))
    await assert_gossip_goes_on(peers)
    await until(lambda: flooder.address not in peers[0].gossip.links)
    await asyncio.gather(flood, return_exceptions=True)
    assert peers[0].gossip.stats.faults == 1
    assert len(peers[0].gossip.links) == 2
    await assert_gossip_goes_on(peers[::-1], b"\xdd" * 32)


async def talk_without_end(member: RawMember) -> None:
    async with asyncio.timeout(20):
        while not member.socket.closed:
            await member.say(*[Have(0, DIGEST)] * 10, Pull(0, [], []))
            await asyncio.sleep(0)
