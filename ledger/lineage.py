"""An author's public states, one after the other: what a frame that holds only a difference is decoded from.

A delta frame is relative to its author's previous commit on chain, by the same holder of the seat; key frames stand
for themselves, and at most `MAX_CHAIN` delta frames follow one. So the chain alone says which earlier blobs a state
may hang on, and a blob that lies before the last key frame is never needed.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ledger.codec import DELTA, decode, is_key
from ledger.errors import PeerFault
from ledger.exact import State
from ledger.history import History, Round
from ledger.manifest import Manifest
from ledger.records import InvalidBlob, decode_update, reference_of

_STATES_BYTES: Final = 1 << 29
MAX_CHAIN: Final = 16


def is_chained(codec: str) -> bool:
    """Whether frames of this codec may hang on earlier ones."""
    return codec == DELTA


def is_key_due(number: int, seat: int, depth: int) -> bool:
    """Whether an author sends a key frame in round `number`, the last one `depth` frames ago.

    The chain must end there, or it is the seat's turn. Turns keep the key frames of a circle, which are several
    times larger, from all falling in one round; a reader asks for none (R28).
    """
    return depth >= MAX_CHAIN or (number + seat) % (MAX_CHAIN + 1) == 0


class Lost(Exception):
    """A blob that a state hangs on is not to be had: nobody's fault that could be shown."""


@dataclass(frozen=True)
class Link:
    """One commit of an author. digest: 32 bytes. author: the key it was made with, 20 bytes."""

    round: int
    digest: bytes
    author: bytes


@dataclass(frozen=True)
class Fetched:
    """A peer's commit, and what fetching its blob gave.

    blob: its bytes, None if nobody had them. invalid: the bytes are there but no blob can be made of them (too
    large, or a broken DAG). tenure: which holder of its seat the author is. earlier: its commits before this one,
    newest first, as far back as a frame may reach; their blobs where they were needed.
    """

    link: Link
    blob: bytes | None
    invalid: bool = False
    tenure: int = 1
    earlier: tuple["Fetched", ...] = ()

    @property
    def digest(self) -> bytes:
        """What the chain anchors, 32 bytes."""
        return self.link.digest


@dataclass(frozen=True)
class Published:
    """A decoded public state, (d,), int32. base: digest of the one it was trained from, as its author says.

    depth: delta frames since the last key frame, 0 for a key frame.
    """

    state: State
    base: bytes
    depth: int


class States:
    """The states last decoded, so that a chain of frames is not decoded from its key frame again and again.

    The least recently used go first once all together take more than `limit_bytes`.
    """

    def __init__(self, origin: State | None = None, limit_bytes: int = _STATES_BYTES) -> None:
        """origin: the circle's genesis, (d,), which key frames of a chained codec are relative to."""
        self.origin = origin
        self._limit_bytes, self._bytes = limit_bytes, 0
        # By commit, not by digest alone: a blob is valid only where its author anchored it, for that round.
        self._held: OrderedDict[Link, Published] = OrderedDict()

    def __contains__(self, link: Link) -> bool:
        return link in self._held

    def get(self, link: Link) -> Published | None:
        """The state that this commit published, if it was decoded lately."""
        found = self._held.get(link)
        if found is not None:
            self._held.move_to_end(link)
        return found

    def put(self, link: Link, published: Published) -> None:
        """Keep a state, read-only."""
        if link in self._held:
            return
        published.state.setflags(write=False)
        self._held[link] = published
        self._bytes += published.state.nbytes
        while self._bytes > self._limit_bytes and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].state.nbytes


def lineage(history: History, round_: Round, seat: int) -> tuple[Link, ...]:
    """The commits of the seat's holder, newest first, beginning with this round's; as many as may matter."""
    this = Link(round_.number, round_.commits[seat], round_.author(seat))
    return (this, *earlier(history, round_.number, seat, round_.tenures[seat]))


def earlier(history: History, number: int, seat: int, tenure: int) -> tuple[Link, ...]:
    """The commits before round `number` of a seat's holder, newest first, as far back as a frame may reach."""
    length = MAX_CHAIN if is_chained(history.manifest.codec) else 0
    links: list[Link] = []
    for before in reversed(history.rounds[: number - 1]):
        if len(links) == length or before.tenures.get(seat, tenure) != tenure:
            break
        if seat in before.commits:
            links.append(Link(before.number, before.commits[seat], before.author(seat)))
    return tuple(links)


def unfetched(
    links: Sequence[Link], blobs: Mapping[bytes, bytes | None], manifest: Manifest, states: States
) -> bytes | None:
    """The digest of the next blob that decoding the first link needs, None where nothing is lacking.

    blobs: digest → bytes, None for bytes that make no blob.
    """
    for place, link in enumerate(links):
        if place > 0 and link in states:
            return None
        if link.digest not in blobs:
            return link.digest
        blob = blobs[link.digest]
        if blob is None or not reference_of(blob, manifest):
            return None
    return None


def further(
    history: History, round_: Round, seats: Iterable[int], blobs: Mapping[bytes, bytes | None], states: States
) -> dict[bytes, int]:
    """Digest → seat of what still has to be fetched to decode these seats' updates of the round."""
    lacking: dict[bytes, int] = {}
    for seat in seats:
        digest = unfetched(lineage(history, round_, seat), blobs, history.manifest, states)
        if digest is not None:
            lacking[digest] = seat
    return lacking


def fetched_of(links: Sequence[Link], tenure: int, blobs: Mapping[bytes, bytes | None]) -> Fetched:
    """A commit and those before it, with the blobs there are."""

    def one(link: Link) -> Fetched:
        blob = blobs.get(link.digest)
        return Fetched(link, blob, blob is None and link.digest in blobs, tenure)

    first, *earlier = (one(link) for link in links)
    return replace(first, earlier=tuple(earlier))


def published(fetched: Fetched, manifest: Manifest, network: bytes, states: States) -> Published:
    """The public state of a commit. Raises InvalidBlob or MalformedFrame, Lost where a blob is lacking."""
    link = fetched.link
    if fetched.blob is None:
        if fetched.invalid:
            raise InvalidBlob("no blob can be made of the bytes at the digest")
        raise Lost(f"the update of round {link.round} is not to be had")
    known = states.get(link)
    if known is not None:
        return known
    update = decode_update(fetched.blob, manifest, network, link.round, link.author)
    if is_chained(update.codec) and states.origin is None:
        raise Lost("the genesis is not to be had")
    previous = _referred(fetched, update.reference, manifest, network, states) if update.reference else None
    # [REJECT] R9: a key frame says of itself that it needs no reference, a delta frame that it does.
    if is_chained(update.codec) and is_key(update.payload) != (previous is None):
        raise InvalidBlob("the frame's kind and the update's reference do not go together")
    state = decode(
        update.payload, update.codec, manifest.blocks, previous.state if previous else None, states.origin
    )
    found = Published(state, update.base, previous.depth + 1 if previous else 0)
    states.put(link, found)
    return found


def _referred(fetched: Fetched, reference: bytes, manifest: Manifest, network: bytes, states: States) -> Published:
    # [REJECT] R28: a delta frame is relative to its author's previous commit, and not too far from a key frame.
    if not fetched.earlier or fetched.earlier[0].digest != reference:
        raise InvalidBlob("the update is relative to another than its author's previous commit")
    previous = replace(fetched.earlier[0], earlier=fetched.earlier[1:])
    try:
        before = states.get(previous.link) or published(previous, manifest, network, states)
    except PeerFault as fault:
        raise InvalidBlob(f"the update is relative to one that is invalid: {fault}") from fault
    if before.depth >= MAX_CHAIN:
        raise InvalidBlob(f"the update is more than {MAX_CHAIN} frames away from a key frame")
    return before
