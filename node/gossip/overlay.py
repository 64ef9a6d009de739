"""The graph of links: who is linked to whom, kept near the target degree as peers come and go."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

from aiohttp import ClientError, web

from ledger.errors import PeerFault
from ledger.identity.endpoints import Origin
from node.gossip.address_book import AddressBook
from node.gossip.dialler import Dialler
from node.gossip.handshake import Identity, OwnKey, UnknownMember, shake_hands
from node.gossip.limits import Limits, Stats
from node.gossip.links import Link
from node.gossip.listener import Listener
from node.gossip.messages import Message
from node.gossip.sockets import CODE_FAULT, CODE_UNWANTED, ConnectionEnded, Socket, hang_up

_log = logging.getLogger(__name__)


class Overlay:
    """At most one authenticated link per member.

    is_member: whether an address has a seat. on_link: called with every new link. on_message: called with every
    message; a PeerFault it raises ends that link and shuns that peer for a while.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        is_member: Callable[[str], bool],
        on_link: Callable[[Link], None],
        on_message: Callable[[Link, Message], None],
        limits: Limits,
        stats: Stats,
        rng: random.Random,
    ) -> None:
        self.links: dict[str, Link] = {}
        self._identity, self._is_member = identity, is_member
        self._on_link, self._on_message = on_link, on_message
        self._limits, self._stats, self._rng = limits, stats, rng
        self._prospects = AddressBook(identity.address, limits, rng)
        self._listener = Listener(identity.certificate, self._serve, limits)
        self._dialler: Dialler | None = None
        self._dialling: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._greeting: set[asyncio.Task[Any]] = set()
        self._keeping: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._is_closing = self._is_resting = False

    async def start(self, host: str, port: int) -> int:
        """Listen and begin to dial. Returns the port. Raises SetupError if it cannot listen there."""
        actual_port = await self._listener.start(host, port)
        self._dialler = Dialler(self._limits)
        self._spawn(self._tend())
        self._spawn(self._rotate())
        return actual_port

    async def close(self) -> None:
        """End every link and every task."""
        self._is_closing = True
        self._listener.refuse()
        for task in (self._tasks - self._keeping) | self._greeting:
            task.cancel()
        for link in list(self.links.values()):
            link.stop("going away")
        own = set(self._tasks)
        if own:  # links say goodbye: one message and its answer
            await asyncio.wait(own, timeout=2 * self._limits.close_s)
        for task in own:
            task.cancel()
        await asyncio.gather(*own, return_exceptions=True)
        await self._listener.close()
        if self._dialler is not None:
            await self._dialler.close()

    def set_directory(self, directory: Mapping[str, Origin]) -> None:
        """Replace the members' endpoints; ends the links of those who are members no more."""
        self._prospects.set_directory(directory)
        for link in list(self.links.values()):
            if not self._is_member(link.peer):
                link.stop("no longer a member")
        self._wake.set()

    def rest(self, is_resting: bool) -> None:
        """Whether to keep no links: dial nobody, end those that are there, greet who dials and let it go."""
        self._is_resting = is_resting
        if is_resting:
            for link in list(self.links.values()):
                link.stop("resting")
        self._wake.set()

    async def _tend(self) -> None:
        """Dial whenever links are missing."""
        while True:
            for peer in self._choose_wanted():
                self._dialling.add(peer)
                self._spawn(self._dial(peer))
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.tend_s):
                    await self._wake.wait()

    def _choose_wanted(self) -> list[str]:
        """Whom to dial now. Half the degree is dialled by ourselves, so that others cannot fill all our seats."""
        if self._is_resting:
            return []
        dialled = sum(link.dialled for link in self.links.values())
        short = max(self._limits.degree - len(self.links), (self._limits.degree + 1) // 2 - dialled)
        count = min(short, self._limits.dial_parallel) - len(self._dialling)
        return self._prospects.choose(count, self.links.keys() | self._dialling, self._now())

    async def _rotate(self) -> None:
        """Now and then give up the oldest link we dialled, so that a partition or an eclipse does not last."""
        while True:
            await asyncio.sleep(self._limits.rotate_s * self._rng.uniform(0.5, 1.5))
            others = self._prospects.choose(1, self.links.keys() | self._dialling, self._now())
            dialled = [link for link in self.links.values() if link.dialled]
            if others and dialled and len(self.links) >= self._limits.degree:
                min(dialled, key=lambda link: link.since).stop("rotated")

    async def _dial(self, peer: str) -> None:
        assert self._dialler is not None
        try:
            socket, certificate = await self._dialler.dial(self._prospects.url_of(peer))
            await self._serve_connection(socket, certificate, expected=peer)
        except ConnectionEnded as end:
            _log.info("gossip peer unreachable peer=%s reason=%r", peer, str(end))
        except PeerFault as fault:
            self._fault(peer, fault)
        finally:
            if peer in self._dialling:  # no link came of it
                self._prospects.note_failure(peer, self._now())
                self._dialling.discard(peer)
            self._wake.set()

    async def _serve(self, socket: web.WebSocketResponse) -> None:
        await self._serve_connection(socket, self._identity.certificate.sha256)

    async def _serve_connection(
        self, socket: Socket, certificate_sha256: bytes, expected: str | None = None
    ) -> None:
        """A connection from its handshake to its end. expected: the peer dialled, None if it dialled us."""
        peer = expected or "unknown"
        code, reason, within_s = CODE_UNWANTED, "going away", 0.0  # if this task is cancelled
        try:
            with _list_in(self._greeting):
                peer = await shake_hands(
                    self._limits.handshake_s,
                    socket,
                    self._identity,
                    certificate_sha256,
                    is_member=self._is_member,
                    expected=expected,
                )
            link = self._admit(socket, peer, dialled=expected is not None)
            with _list_in(self._keeping):
                await self._keep(link)
        except PeerFault as fault:
            self._fault(peer, fault)
            code, reason, within_s = CODE_FAULT, str(fault), self._limits.close_s
        except (ConnectionEnded, OSError, ClientError) as end:
            _log.info("gossip link ended peer=%s reason=%r", peer, str(end))
            reason, within_s = str(end), self._limits.close_s
        finally:
            await hang_up(socket, code, reason, within_s)

    def _admit(self, socket: Socket, peer: str, *, dialled: bool) -> Link:
        """Register the link in place of any older one. Raises Ended if it is not wanted."""
        old = self.links.get(peer)
        if self._is_closing:
            raise ConnectionEnded("going away")
        if self._is_resting:
            raise ConnectionEnded("resting")
        if self._prospects.is_shunned(peer, self._now()):
            raise ConnectionEnded("broke the protocol lately")
        if old is not None and not self._is_preferred(dialled, old):
            raise ConnectionEnded("already linked")
        inbound = sum(not link.dialled for link in self.links.values())
        if old is None and not dialled and inbound >= self._limits.max_inbound:
            raise ConnectionEnded("full")
        if old is not None:
            old.stop("replaced by a newer link")
        link = Link(socket, peer, dialled=dialled, limits=self._limits, stats=self._stats, rng=self._rng)
        self.links[peer] = link
        self._dialling.discard(peer)
        self._wake.set()
        return link

    def _is_preferred(self, dialled: bool, old: Link) -> bool:
        """Whether a second link to a peer replaces the first; both ends come to the same answer.

        Two that dialled each other at once keep the link that the lower address dialled. Otherwise the newer
        one: a peer that dials again has lost the older.
        """
        if dialled == old.dialled or self._now() - old.since > 2 * self._limits.handshake_s:
            return True
        return dialled == (self._identity.address < old.peer)

    async def _keep(self, link: Link) -> None:
        _log.info("gossip linked peer=%s dialled=%s links=%d", link.peer, link.dialled, len(self.links))
        try:
            self._on_link(link)
            await link.run(self._on_message)
        except PeerFault:
            self._prospects.shun(link.peer, self._now())
            raise
        finally:
            if self.links.get(link.peer) is link:
                del self.links[link.peer]
                self._judge(link)
            self._wake.set()

    def _judge(self, link: Link) -> None:
        if self._now() - link.since >= self._limits.stable_s:
            self._prospects.note_success(link.peer)
        else:
            self._prospects.note_failure(link.peer, self._now())

    def _fault(self, peer: str, fault: PeerFault) -> None:
        self._stats.faults += 1
        if isinstance(fault, OwnKey):
            _log.warning("gossip peer proved this node's own key")
            return
        level = logging.INFO if isinstance(fault, UnknownMember) else logging.WARNING
        _log.log(level, "gossip fault peer=%s kind=%s reason=%r", peer, type(fault).__name__, str(fault))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._note_finished)

    def _note_finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("gossip task died reason=%r", str(error), exc_info=error)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


@contextlib.contextmanager
def _list_in(tasks: set[asyncio.Task[Any]]) -> Iterator[None]:
    """Keep the running task in a set meanwhile, so that `close` knows what it is at."""
    task = asyncio.current_task()
    assert task is not None
    tasks.add(task)
    try:
        yield
    finally:
        tasks.discard(task)
