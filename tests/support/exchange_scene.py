"""A round's exchange on this machine: members with stores and gateways, and one that fetches."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from ledger.circle.history import History, Round
from ledger.errors import NotYet
from ledger.fetch.fetcher import BlobFetcher
from ledger.identity.endpoints import parse_endpoint
from node.blobs.gateway import make_gateway_app
from node.blobs.store import BlockStore
from node.operating.meter import Meter
from node.round.exchange import AnnouncedUpdates, Exchange
from node.round.neighbour_patience import NeighbourPatience
from tests.support.histories.moments import drawn, history_of
from tests.support.stand_ins import as_any

BLOB = b"FMU3 an update of some length"
LIMIT = 1000
# Longer than any of these tests takes: who waits for it, waits for what should not be waited for.
LONG_S = 60.0


class Told:
    """What gossip says and is told."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self.have_told: list[tuple[int, bytes]] = []
        self.is_behind = False

    def list_holders(self, digest: bytes) -> list[str]:
        return self.known

    def announce_held(self, round_number: int, digest: bytes) -> None:
        if self.is_behind:
            raise NotYet("the circle went on")
        self.have_told.append((round_number, digest))


class Member:
    """Another member: its store, its gateway and what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.store = BlockStore(folder)
        self.asked, self.was_asked = 0, threading.Event()

    async def start(self) -> str:
        def serves(digest: bytes) -> bool:
            self.asked += 1
            self.was_asked.set()
            return True

        self._runner = web.AppRunner(make_gateway_app(self.store, serves=serves))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return parse_endpoint(f"wss://127.0.0.1:1 http://127.0.0.1:{self._runner.addresses[0][1]}").text

    async def close(self) -> None:
        await self._runner.cleanup()


class Scene:
    """Seat 0 fetches; the others serve. commit(seat) makes that seat's digest the blob's."""

    def __init__(self, folder: Path) -> None:
        self.members = [Member(folder / str(seat)) for seat in range(4)]
        self.told, self.announced = Told(), AnnouncedUpdates()
        self.knocks: list[str] = []
        self.fetcher = BlobFetcher()
        self.exchange = Exchange(
            self.members[0].store,
            self.fetcher,
            as_any(self.told),
            self.announced,
            Meter(),
            NeighbourPatience(self.has),
        )

    async def has(self, gateway: str, digest: bytes) -> bool:
        """What gateways say when they are knocked at."""
        self.knocks.append(gateway)
        return False

    async def start(self) -> None:
        endpoints = [await member.start() for member in self.members]
        self.history: History = history_of(*drawn(0, 1, 2, 3), endpoints=endpoints)
        assert self.history.round is not None
        self.round: Round = self.history.round

    async def collect(self, *seats: int, budget_s: float = LONG_S) -> dict[int, tuple[bytes | None, bool]]:
        found = await self.exchange.collect(self.history, self.round, seats, max_bytes=LIMIT, budget_s=budget_s)
        return {seat: (fetched.blob, fetched.is_here and fetched.blob is None) for seat, fetched in found.items()}

    def commit(self, seat: int, blob: bytes = BLOB, *, at: int | None = None) -> bytes:
        """The blob lies in one member's store (the author's unless told) and its digest on chain."""
        digest = self.members[seat if at is None else at].store.put(blob)
        self.round.commits = {**self.round.commits, seat: digest}
        return digest


@asynccontextmanager
async def playing_scene(folder: Path) -> AsyncIterator[Scene]:
    """A scene whose members serve, until the end of the block."""
    scene = Scene(folder)
    await scene.start()
    async with scene.fetcher:
        yield scene
    for member in scene.members:
        await member.close()
