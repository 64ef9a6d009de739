"""Whether others reach a peer at its endpoint on chain: told by members who dial it back, and bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from ledger.errors import NotYet
from ledger.identity.endpoints import Origin, parse_endpoint, parse_gossip
from node.blobs.gateway import make_gateway_app
from node.blobs.store import BlockStore
from node.gossip import Certificate, Reachability
from node.gossip.messages import DialBack, DialledBack
from node.gossip.prober import FoundPeer, Prober
from node.gossip.reach import ReachabilityTest, endpoint_digest
from node.gossip.witness import Witness
from tests.support.gossip_circle import NETWORK, OTHER_NETWORK, QUICK, Circle, Peer, serving, until

pytestmark = pytest.mark.rule("R18")

# What is asked again only after so long is asked once in these tests.
ONCE = replace(QUICK, ask_again_s=60.0)
ENDPOINT = "wss://a:1 http://a:2"
YES, NO = (True, True), (False, False)


@asynccontextmanager
async def gateway(circle: Circle) -> AsyncIterator[str]:
    """A gateway of a store that holds nothing. Yields its base URL."""
    runner = web.AppRunner(make_gateway_app(BlockStore(circle.directory / "blobs")))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def dead_port() -> int:
    """One that nobody listens on."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port


async def told(peer: Peer) -> Reachability:
    await until(lambda: bool(peer.reached))
    return peer.reached[-1]


# ------------------------------------------------------------------------------------------------ a circle asks


async def test_a_peer_that_others_reach_is_told_so_once(circle: Circle) -> None:
    peers = await circle.start_linked(4, ONCE)
    async with gateway(circle) as base:
        circle.on_chain[peers[0].address] = f"{peers[0].endpoint} {base}"
        peers[0].gossip.ask_for_dial_back(circle.on_chain[peers[0].address])
        reach = await told(peers[0])
        assert (reach.is_reached, reach.endpoint) == (True, circle.on_chain[peers[0].address])
        # The links that carried the question are still there: dialling back made no other ones.
        links = peers[0].gossip.links
        await until(lambda: len(peers[0].gossip.links) == 3)
        assert sorted(peers[0].gossip.links) == sorted(links)
    assert len(peers[0].reached) == 1


@pytest.mark.parametrize("dead", ["gossip", "gateway"])
async def test_a_peer_that_nobody_reaches_is_told_which_address_is_dead(circle: Circle, dead: str) -> None:
    peers = await circle.start_linked(3, ONCE)
    async with gateway(circle) as base:
        port = await dead_port()
        gossip = f"wss://127.0.0.1:{port}" if dead == "gossip" else peers[0].endpoint
        text = f"{gossip} {f'http://127.0.0.1:{port}' if dead == 'gateway' else base}"
        circle.on_chain[peers[0].address] = text
        peers[0].gossip.ask_for_dial_back(text)
        reach = await told(peers[0])
    assert (reach.has_gossip, reach.has_gateway) == (dead != "gossip", dead != "gateway")


async def test_another_member_at_the_address_is_not_the_peer(circle: Circle) -> None:
    peers = await circle.start_linked(3, ONCE)
    async with gateway(circle) as base:
        circle.on_chain[peers[0].address] = f"{peers[1].endpoint} {base}"
        peers[0].gossip.ask_for_dial_back(circle.on_chain[peers[0].address])
        reach = await told(peers[0])
    assert (reach.has_gossip, reach.has_gateway) == (False, True)


async def test_a_peer_that_is_reached_after_it_moved_is_told(circle: Circle) -> None:
    peers = await circle.start_linked(2, replace(ONCE, dial_back_s=0.0))
    async with gateway(circle) as base:
        circle.on_chain[peers[0].address] = f"wss://127.0.0.1:{await dead_port()} {base}"
        peers[0].gossip.ask_for_dial_back(circle.on_chain[peers[0].address])
        await until(lambda: [one.is_reached for one in peers[0].reached] == [False])
        circle.on_chain[peers[0].address] = f"{peers[0].endpoint} {base}"
        peers[0].gossip.ask_for_dial_back(circle.on_chain[peers[0].address])
        await until(lambda: [one.is_reached for one in peers[0].reached] == [False, True])


async def test_an_answer_to_no_question_ends_the_link(circle: Circle) -> None:
    peer = await circle.start("peer")
    liar = await circle.join_raw("liar", peer)
    await liar.say(DialledBack(bytes(32), True, True))
    await until(lambda: peer.gossip.links == [])
    assert (peer.gossip.stats.faults, peer.reached) == (1, [])


# ------------------------------------------------------------------------------------------------ who is asked


class Dialled(Prober):
    """A prober that dials nobody: it remembers what it was to dial."""

    def __init__(self) -> None:
        super().__init__(NETWORK, QUICK)
        self.dialled: list[str] = []
        self.go_on = asyncio.Event()

    async def probe_gossip(self, place: Origin) -> FoundPeer:
        self.dialled.append(place.text)
        await self.go_on.wait()
        return FoundPeer("0xA")

    async def probe_gateway(self, base: str) -> bool:
        self.dialled.append(base)
        return True


async def test_only_the_askers_own_endpoint_on_chain_is_dialled() -> None:
    prober = Dialled()
    witness = Witness({"0xA": ENDPOINT}.get, prober, QUICK)
    for peer, text in (("0xA", "wss://victim:1 http://victim:2"), ("0xB", ENDPOINT)):
        with pytest.raises(NotYet, match="the chain names another endpoint"):
            witness.take_question(peer, DialBack(endpoint_digest(text)), lambda _: None)
    answers: list[DialledBack] = []
    witness.take_question("0xA", DialBack(endpoint_digest(ENDPOINT)), answers.append)
    prober.go_on.set()
    await until(lambda: bool(answers))
    assert prober.dialled == ["wss://a:1", "http://a:2"]
    assert answers == [DialledBack(endpoint_digest(ENDPOINT), True, True)]


async def test_a_member_is_dialled_back_once_in_a_while_wherever_it_moves() -> None:
    prober, on_chain = Dialled(), {"0xA": ENDPOINT}
    witness = Witness(on_chain.get, prober, QUICK)
    prober.go_on.set()
    answers: list[DialledBack] = []
    witness.take_question("0xA", DialBack(endpoint_digest(ENDPOINT)), answers.append)
    await until(lambda: bool(answers))
    on_chain["0xA"] = "wss://b:1 http://b:2"
    with pytest.raises(NotYet, match="a short while ago"):
        witness.take_question("0xA", DialBack(endpoint_digest(on_chain["0xA"])), answers.append)
    assert len(prober.dialled) == 2


async def test_few_are_dialled_back_at_a_time() -> None:
    prober = Dialled()
    on_chain = {f"0x{n}": ENDPOINT for n in range(5)}
    witness = Witness(on_chain.get, prober, replace(QUICK, dial_back_parallel=2))
    refused = 0
    for peer in on_chain:
        try:
            witness.take_question(peer, DialBack(endpoint_digest(ENDPOINT)), lambda _: None)
        except NotYet:
            refused += 1
    assert refused == 3
    await witness.close()


# ------------------------------------------------------------------------------------------------ what it comes to


def ask(test: ReachabilityTest, *peers: str, now: float = 0.0) -> list[str]:
    return test.choose_questions(list(peers), now)


def hear(test: ReachabilityTest, peer: str, reached: tuple[bool, bool]) -> Reachability | None:
    return test.hear(peer, DialledBack(endpoint_digest(test.endpoint), *reached))


def begun(**limits: Any) -> ReachabilityTest:
    test = ReachabilityTest(replace(QUICK, **limits))
    test.begin(ENDPOINT, 0.0)
    return test


def test_so_many_witnesses_are_asked_and_no_more() -> None:
    test = begun()
    assert ask(test, "a", "b", "c", "d") == ["a", "b", "c"]
    assert ask(test, "a", "b", "c", "d") == []
    # One whose link has gone is replaced, and one that keeps silent is asked again.
    assert ask(test, "b", "c", "d") == ["d"]
    assert ask(test, "b", "c", "d", now=QUICK.ask_again_s) == ["b", "c", "d"]


def test_one_liar_among_three_alarms_nobody() -> None:
    test = begun()
    ask(test, "liar", "b", "c")
    assert hear(test, "liar", NO) is None
    reach = hear(test, "b", YES)
    assert reach is not None
    assert (reach.is_reached, reach.tried, reach.gossip) == (True, 2, 1)
    assert hear(test, "c", YES) is None


def test_what_is_bad_is_told_when_all_have_answered() -> None:
    test = begun()
    ask(test, "a", "b")
    assert hear(test, "a", NO) is None
    reach = hear(test, "b", NO)
    assert reach == Reachability(ENDPOINT, 2, 0, 0)
    assert not reach.is_reached


def test_while_it_is_bad_it_is_tested_again_and_told_when_it_changes() -> None:
    test = begun(retest_s=60.0)
    ask(test, "a")
    assert hear(test, "a", NO) is not None
    assert ask(test, "a", now=59.0) == []
    assert ask(test, "a", now=60.0) == ["a"]
    assert hear(test, "a", NO) is None
    assert ask(test, "a", now=120.0) == ["a"]
    better = hear(test, "a", YES)
    assert better is not None
    assert better.is_reached
    assert ask(test, "a", now=10_000.0) == []


def test_answers_about_an_endpoint_left_behind_count_for_nothing() -> None:
    test = begun()
    ask(test, "a")
    old = DialledBack(endpoint_digest(ENDPOINT), False, False)
    test.begin("wss://b:1 http://b:2", 1.0)
    ask(test, "a", now=1.0)
    with pytest.raises(NotYet):
        test.hear("a", old)


# ------------------------------------------------------------------------------------------------ who answers where


async def found(endpoint: Origin, own_nonces: set[bytes] | None = None) -> FoundPeer:
    prober = Prober(NETWORK, QUICK, own_nonces if own_nonces is not None else set())
    try:
        return await prober.probe_gossip(endpoint)
    finally:
        await prober.close()


async def test_who_is_asked_proves_its_key_and_keeps_no_link(circle: Circle) -> None:
    peer = await circle.start("peer")
    assert await found(peer.endpoint) == FoundPeer(peer.address)
    assert (peer.gossip.links, peer.gossip.stats.faults) == ([], 0)


async def test_a_process_knows_itself_behind_another_name(circle: Circle) -> None:
    peer = await circle.start("peer")
    answer = await peer.gossip.prober.probe_gossip(parse_gossip(f"wss://localhost:{peer.port}"))
    assert answer == FoundPeer(peer.address, is_self=True)


async def test_another_process_with_the_same_key_is_told_from_itself(circle: Circle) -> None:
    one, twin = await circle.start("peer"), await circle.start("peer")
    assert one.address == twin.address
    assert await one.gossip.prober.probe_gossip(twin.endpoint) == FoundPeer(one.address)


async def test_where_nobody_of_the_circle_answers_nobody_is_found(circle: Circle) -> None:
    stranger = await circle.start("stranger", network=OTHER_NETWORK)
    assert (await found(stranger.endpoint)).peer is None
    assert (await found(parse_gossip(f"wss://127.0.0.1:{await dead_port()}"))).peer is None

    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="not gossip")

    async with serving(Certificate.load_or_create(circle.directory / "web"), refuse) as endpoint:
        assert (await found(endpoint)).peer is None


async def test_who_is_named_by_a_name_that_stands_for_no_letters_is_dialled_like_anybody() -> None:
    """`xn--a` is a name (R16), though some URL libraries cannot decode it: it is looked up, and nobody is there."""
    answer = await found(parse_endpoint("wss://xn--a:1 http://xn--a:1").gossip)
    assert answer.peer is None
    assert "cannot reach wss://xn--a:1" in answer.reason
    assert "codec" not in answer.reason


async def test_what_was_signed_for_another_certificate_proves_nothing(circle: Circle) -> None:
    peer = await circle.start("peer")

    async def relay(request: web.BaseRequest) -> web.StreamResponse:
        """Somebody in the middle: hands the frames on under a certificate of its own."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        upstream, _ = await circle.dial(peer)
        await upstream.send_bytes((await socket.receive()).data)
        for _ in range(2):
            await socket.send_bytes((await upstream.receive()).data)
        return socket

    async with serving(Certificate.load_or_create(circle.directory / "relay"), relay) as endpoint:
        assert (await found(endpoint)).peer is None


async def test_a_gateway_that_redirects_or_is_another_server_is_not_reached(circle: Circle) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    prober = Prober(NETWORK, QUICK)
    try:
        assert not await prober.probe_gateway(f"http://127.0.0.1:{runner.addresses[0][1]}")
        assert asked == ["/ipfs/bafkqaaa"]
        assert not await prober.probe_gateway("http://127.0.0.1:1/with?query")
        async with gateway(circle) as base:
            assert await prober.probe_gateway(base)
            assert not await prober.probe_block(base, bytes(32))
    finally:
        await prober.close()
        await runner.cleanup()
