"""Announcements among the members of a circle: flooded, checked once, pulled when missed.

The chain is the truth about who committed what; a lost message costs time, never correctness.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ledger.errors import NotYet
from ledger.identity.addresses import address_bytes
from ledger.identity.endpoints import Origin
from ledger.identity.network import Network
from node.gossip.announcement_window import AnnouncementWindow
from node.gossip.certificate import Certificate
from node.gossip.handshake import Identity
from node.gossip.limits import Limits, Stats
from node.gossip.links import Link
from node.gossip.messages import (
    Announcement,
    BadMessage,
    DialBack,
    DialledBack,
    Have,
    Message,
    Pull,
    PullAnswer,
    check_signature,
    encode,
    sign_announcement,
)
from node.gossip.overlay import Overlay
from node.gossip.prober import Prober
from node.gossip.reach import Reachability, ReachabilityTest
from node.gossip.witness import Witness

_log = logging.getLogger(__name__)


@dataclass
class _Query:
    """A question to all linked members about one round."""

    round: int
    """The one it is about."""
    waits_for: set[str] = field(default_factory=set)
    """Members that have not answered."""
    is_done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once all have answered."""

    def note_answer(self, round_number: int, peer: str) -> None:
        if round_number == self.round:
            self.waits_for.discard(peer)
            if not self.waits_for:
                self.is_done.set()


class Gossip:
    """One node's part in the gossip of one circle.

    key: the node's 32-byte Ethereum private key. is_member: whether a checksummed address has a seat.
    on_announcement: called once with every other author's first announcement of a round, its signature checked.
    on_equivocation: called once with two announcements that convict their author. endpoint_of: the text that the
    chain names for an address, None for one without a seat. on_reach: called when the findings of members that
    dial this node back have changed. All run on the event loop: they must be quick and must not raise. rng: for
    the choice of links and waits only, never for secrets.
    """

    def __init__(
        self,
        *,
        network: Network,
        key: bytes,
        certificate: Certificate,
        is_member: Callable[[str], bool],
        on_announcement: Callable[[Announcement], None],
        on_equivocation: Callable[[Announcement, Announcement], None] | None = None,
        endpoint_of: Callable[[str], str | None] = lambda _: None,
        on_reach: Callable[[Reachability], None] = lambda _: None,
        limits: Limits | None = None,
        rng: random.Random,
    ) -> None:
        self.stats = Stats()
        self._network, self._key, self._is_member, self._rng = network, key, is_member, rng
        self._limits = limits or Limits()
        self._on_announcement, self._on_equivocation = on_announcement, on_equivocation
        identity = Identity(network, key, certificate)
        self.address = identity.address
        self._window = AnnouncementWindow(
            keep_rounds=self._limits.keep_rounds, ahead_rounds=self._limits.ahead_rounds
        )
        self._expected: tuple[int, frozenset[bytes]] = (0, frozenset())
        self._overlay = Overlay(
            identity=identity,
            is_member=is_member,
            on_link=self._greet,
            on_message=self._receive,
            limits=self._limits,
            stats=self.stats,
            rng=rng,
        )
        self.prober = Prober(network, self._limits, identity.open_nonces)
        self._witness = Witness(endpoint_of, self.prober, self._limits)
        self._reach_test, self._on_reach = ReachabilityTest(self._limits), on_reach
        self._pulling: asyncio.Task[None] | None = None
        self._look = _Query(-1)

    async def start(self, host: str, port: int) -> int:
        """Listen at `wss://host:port/gossip`; port 0 takes a free one. Returns the port.

        Raises SetupError if it cannot listen there.
        """
        actual_port = await self._overlay.start(host, port)
        self._pulling = asyncio.create_task(self._pull_what_is_missing())
        return actual_port

    async def close(self) -> None:
        """End every link, socket and task. It cannot be started again."""
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.gather(self._pulling, return_exceptions=True)
        await self._witness.close()
        await self._overlay.close()
        await self.prober.close()

    @property
    def links(self) -> list[str]:
        """Addresses of the peers linked now."""
        return list(self._overlay.links)

    def set_directory(self, directory: Mapping[str, Origin]) -> None:
        """Tell the endpoints of all members, as the chain has them: address → `wss://host:port`."""
        self._overlay.set_directory(directory)

    def ask_for_dial_back(self, endpoint: str) -> None:
        """Have linked members dial this node back at its endpoint on chain; `on_reach` hears what they find."""
        self._reach_test.begin(endpoint, self._now())
        self._ask_dial_backs()

    def rest(self, is_resting: bool) -> None:
        """Keep no links while another process of this key has them; the listener goes on saying who is here."""
        self._overlay.rest(is_resting)

    def enter_round(self, round_number: int) -> None:
        """The circle is in this round now: older ones are forgotten, the next is accepted."""
        self._window.move(round_number)

    def expect(self, round_number: int, authors: Iterable[str]) -> None:
        """Tell who committed in a round, as the chain has it; what is missing of it is pulled until it is here."""
        committed = frozenset(address_bytes(author) for author in authors) - {address_bytes(self.address)}
        self._expected = (round_number, committed)

    async def look(self, round_number: int, timeout_s: float) -> None:
        """Learn what the linked members know of a round, or at least one where none is linked yet."""
        self._look = _Query(round_number, set(self._overlay.links))
        for link in list(self._overlay.links.values()):
            self._ask(link, round_number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._look.is_done.wait()

    def has_announced_another(self, round_number: int, digest: bytes) -> bool:
        """Whether this node's key has announced another digest for a round, here or in another process."""
        with contextlib.suppress(NotYet):
            own = self._window.list_by_author(round_number, address_bytes(self.address))
            return any(one.digest != digest for one in own)
        return False

    async def announce(self, round_number: int, digest: bytes) -> Announcement:
        """Sign and flood this node's own announcement; the same one again does nothing more.

        digest: 32 bytes. Raises NotYet if the round is not near the current one, ValueError if this node has
        already announced another digest: two would convict it.
        """
        for earlier in self._window.list_by_author(round_number, address_bytes(self.address)):
            if earlier.digest == digest:
                return earlier
            raise ValueError(f"round {round_number}: already announced {earlier.digest.hex()}, now {digest.hex()}")
        announcement = sign_announcement(self._network, self._key, self.address, round_number, digest)
        self._window.add(announcement)
        self._window.hold(round_number, digest)
        self.stats.announced += 1
        self._broadcast(announcement)
        return announcement

    def spread(self, announcement: Announcement) -> None:
        """Flood an announcement as it is, unchecked and not kept here."""
        self._broadcast(announcement)

    def announce_held(self, round_number: int, digest: bytes) -> None:
        """Tell the linked peers that this node holds a blob too. Raises NotYet outside the window."""
        self._window.hold(round_number, digest)
        self._broadcast(Have(round_number, digest))

    def list_holders(self, digest: bytes) -> list[str]:
        """Addresses of those known to hold a blob, its author first; empty if nobody announced it."""
        return self._window.list_holders(digest)

    def is_held(self, digest: bytes) -> bool:
        """Whether a member said that it holds a blob of another's."""
        return self._window.is_held(digest)

    def _receive(self, link: Link, message: Message) -> None:
        """Raises PeerFault if the peer is not allowed to say this."""
        try:
            match message:
                case Announcement():
                    self._hear(link, message)
                case Have():
                    self._window.add_holder(message.round, message.digest, link.peer)
                case Pull():
                    link.send(encode(self._window.answer_pull(message)))
                case PullAnswer():
                    self._hear_answer(link, message)
                case DialBack():
                    self._witness.take_question(link.peer, message, lambda said: self._answer(link, said))
                case DialledBack():
                    self._hear_dialled_back(link, message)
                case _:
                    raise BadMessage(f"a {type(message).__name__} after the handshake")
        except NotYet:
            self.stats.not_yet += 1

    def _hear(self, link: Link, announcement: Announcement) -> None:
        """Check, keep, pass on, deliver. Raises NotYet or PeerFault."""
        link.withdraw(encode(announcement))  # the peer has it
        if not self._window.is_new(announcement):
            return
        author = announcement.author_address
        if not self._is_member(author):  # the sender may be ahead of our view of the chain
            raise NotYet(f"{author} is not a member")
        check_signature(self._network, announcement)
        first = self._window.add(announcement)
        self._broadcast(announcement, except_to=link)
        if first is not None:
            _log.warning("gossip equivocation author=%s round=%d", author, announcement.round)
            if self._on_equivocation is not None:
                self._on_equivocation(first, announcement)
        elif author != self.address:
            self.stats.heard += 1
            self._on_announcement(announcement)

    def _hear_answer(self, link: Link, answer: PullAnswer) -> None:
        if link.open_questions == 0:
            raise BadMessage("an answer to no question")
        link.open_questions -= 1
        for announcement in answer.announcements:
            try:
                self._hear(link, announcement)
            except NotYet:
                self.stats.not_yet += 1
        for digest in answer.held:
            with contextlib.suppress(NotYet):
                self._window.add_holder(answer.round, digest, link.peer)
        self._look.note_answer(answer.round, link.peer)

    def _answer(self, link: Link, said: DialledBack) -> None:
        link.send(encode(said))

    def _hear_dialled_back(self, link: Link, answer: DialledBack) -> None:
        if link.open_dial_backs == 0:
            raise BadMessage("an answer to no question")
        link.open_dial_backs -= 1
        if (reach := self._reach_test.hear(link.peer, answer)) is not None:
            self._on_reach(reach)

    def _greet(self, link: Link) -> None:
        self._ask(link)
        self._ask_dial_backs()

    def _ask_dial_backs(self) -> None:
        links = self._overlay.links
        for peer in self._reach_test.choose_questions(list(links), self._now()):
            if links[peer].send(encode(self._reach_test.question)):
                links[peer].open_dial_backs += 1

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _ask(self, link: Link, round_number: int | None = None) -> None:
        """Ask a peer for what is missing of a round, the current one unless told."""
        number = self._window.current if round_number is None else round_number
        with contextlib.suppress(NotYet):
            if link.send(encode(self._window.make_pull(number))):
                link.open_questions += 1

    async def _pull_what_is_missing(self) -> None:
        while True:
            await asyncio.sleep(self._limits.pull_s * self._rng.uniform(0.75, 1.25))
            self._ask_dial_backs()
            number, committed = self._expected
            links = list(self._overlay.links.values())
            with contextlib.suppress(NotYet):
                if links and committed - self._window.list_authors(number):
                    self._ask(self._rng.choice(links), number)

    def _broadcast(self, message: Message, except_to: Link | None = None) -> None:
        encoded = encode(message)
        for link in self._overlay.links.values():
            if link is not except_to:
                link.send(encoded)
