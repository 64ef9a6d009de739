"""Circles of real Gossip instances on loopback sockets in one process, and a raw client for liars."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientWebSocketResponse, web

from ledger.identity.endpoints import Origin, parse_gossip
from ledger.identity.network import Network
from node.gossip import Announcement, Certificate, Gossip, Limits, Reachability
from node.gossip.dialler import Dialler
from node.gossip.handshake import Identity, shake_hands
from node.gossip.listener import HttpServer
from node.gossip.messages import Message, encode, join_frame

NETWORK = Network.of(1337, "0x" + "11" * 20)
OTHER_NETWORK = Network.of(1337, "0x" + "22" * 20)
QUICK = Limits(
    tend_s=0.05, backoff_s=0.02, max_backoff_s=0.2, pull_s=0.1, gather_s=0.001, close_s=0.5, stable_s=0.0
)


class Peer:
    """One node with what it heard."""

    def __init__(self, circle: "Circle", name: str, network: Network, limits: Limits) -> None:
        self.key = random.Random(name).randbytes(32)
        self.heard: list[Announcement] = []
        self.convicted: list[tuple[Announcement, Announcement]] = []
        self.reached: list[Reachability] = []
        self.port = 0
        self.gossip = Gossip(
            network=network,
            key=self.key,
            certificate=Certificate.load_or_create(circle.directory / name),
            is_member=lambda address: address in circle.members,
            on_announcement=self.heard.append,
            on_equivocation=lambda first, second: self.convicted.append((first, second)),
            endpoint_of=circle.on_chain.get,
            on_reach=self.reached.append,
            limits=limits,
            rng=random.Random(name),
        )

    @property
    def address(self) -> str:
        return self.gossip.address

    @property
    def endpoint(self) -> Origin:
        return parse_gossip(f"wss://127.0.0.1:{self.port}")

    def has(self, digest: bytes) -> bool:
        return any(one.digest == digest for one in self.heard)


class Circle:
    """The members' addresses, the endpoints that the chain names for them, and the peers that run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.members: set[str] = set()
        self.on_chain: dict[str, str] = {}
        self._running: list[Peer] = []
        self._clients: list[Dialler] = []
        self._sockets: list[ClientWebSocketResponse] = []

    async def start(
        self,
        name: str,
        *,
        is_member: bool = True,
        network: Network = NETWORK,
        limits: Limits = QUICK,
        port: int = 0,
    ) -> Peer:
        peer = Peer(self, name, network, limits)
        if is_member:
            self.members.add(peer.address)
        peer.port = await peer.gossip.start("127.0.0.1", port)
        self._running.append(peer)
        return peer

    async def start_linked(self, count: int, limits: Limits = QUICK) -> list[Peer]:
        """So many members that know each other, each with as many links as it wants."""
        peers = [await self.start(f"peer{number}", limits=limits) for number in range(count)]
        introduce(*peers)
        wanted = min(limits.degree, count - 1)
        await until(lambda: all(len(peer.gossip.links) >= wanted for peer in peers))
        return peers

    async def stop(self, peer: Peer) -> None:
        self._running.remove(peer)
        await peer.gossip.close()

    async def join_raw(self, name: str, target: Peer) -> "RawMember":
        """A member that shakes hands properly and then says what the test wants."""
        member = await self.connect_raw(name, target)
        await until(lambda: member.address in target.gossip.links)
        return member

    async def connect_raw(self, name: str, target: Peer) -> "RawMember":
        """The same, without waiting until the target has admitted it."""
        identity = Identity(
            NETWORK, random.Random(name).randbytes(32), Certificate.load_or_create(self.directory / name)
        )
        self.members.add(identity.address)
        socket, certificate = await self.dial(target)
        await shake_hands(5, socket, identity, certificate, is_member=lambda _: True)
        return RawMember(identity, socket)

    async def dial(self, target: Peer) -> tuple[ClientWebSocketResponse, bytes]:
        """A socket before its handshake, and the certificate's SHA-256 that the target shows."""
        dialler = Dialler(QUICK)
        self._clients.append(dialler)
        socket, certificate = await dialler.dial(target.endpoint)
        self._sockets.append(socket)
        return socket, certificate

    async def close(self) -> None:
        for socket in self._sockets:
            await socket.close()
        for dialler in self._clients:
            await dialler.close()
        await asyncio.gather(*(peer.gossip.close() for peer in self._running))


class RawMember:
    def __init__(self, identity: Identity, socket: ClientWebSocketResponse) -> None:
        self.identity, self.socket = identity, socket

    @property
    def address(self) -> str:
        return self.identity.address

    async def say(self, *messages: Message) -> None:
        await self.socket.send_bytes(join_frame(encode(one) for one in messages))


@asynccontextmanager
async def serving(
    certificate: Certificate, answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
) -> AsyncIterator[Origin]:
    """Something else than a gossip listener, over TLS. Yields its endpoint."""
    server = HttpServer(answer)
    runner = web.ServerRunner(server, shutdown_timeout=QUICK.close_s)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.make_server_context()).start()
    try:
        yield parse_gossip(f"wss://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
        await server.transports.end(QUICK.close_s)


def introduce(*peers: Peer, **endpoints: Origin) -> None:
    """Give all of them the same directory."""
    directory = {peer.address: peer.endpoint for peer in peers}
    for peer in peers:
        peer.gossip.set_directory(directory | endpoints)


async def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Return as soon as the condition holds; TimeoutError if it does not in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the conditions span several nodes
            await asyncio.sleep(0.005)


@pytest.fixture
async def circle(tmp_path: Path) -> AsyncIterator[Circle]:
    made = Circle(tmp_path)
    yield made
    await made.close()
