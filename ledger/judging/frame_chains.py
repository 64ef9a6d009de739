"""An author's public states, one after the other: what a frame that holds only a difference is decoded from.

A delta frame is relative to its author's previous commit on chain, by the same holder of the seat; key frames stand
for themselves, and at most `MAX_CHAIN` delta frames follow one. So the chain alone says which earlier blobs a state
may hang on, and a blob that lies before the last key frame is never needed.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from ledger.arithmetic.exact import GridState
from ledger.blobs.contents.records import InvalidBlob, Update, decode_update, read_reference
from ledger.circle.history import History, Round
from ledger.circle.manifest import Manifest
from ledger.codec import DELTA, blocks_of, decode, is_key
from ledger.errors import NotYet, PeerFault

_STATES_BYTES: Final = 1 << 29
_FAULTS_KEPT: Final = 1024
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


class BlobMissing(NotYet):
    """A blob that a state hangs on is not to be had: nobody's fault that could be shown. digest: the blob's."""

    def __init__(self, reason: str, digest: bytes = b"") -> None:
        super().__init__(reason)
        self.digest = digest


@dataclass(frozen=True)
class Commit:
    """One commit of an author."""

    round: int
    """The one it was made in."""
    digest: bytes
    """Of the update, 32 bytes."""
    author: bytes
    """The key it was made with, 20 bytes."""


@dataclass(frozen=True)
class DecodedState:
    """A decoded public state."""

    state: GridState
    """(d,), int32."""
    base: bytes
    """Digest of the one it was trained from, as its author says."""
    predecessors: tuple[Commit, ...] = ()
    """The commits it hangs on, newest first, back to a key frame; empty for a key frame."""
    is_charged: bool = False
    """Whether its author was charged for it under the circle's privacy terms, so that noise is in it (R30.3)."""

    @property
    def depth(self) -> int:
        """Delta frames since the last key frame, 0 for a key frame."""
        return len(self.predecessors)


class StateStore(Protocol):
    """A larger and slower place for states."""

    def put(self, commit: Commit, state: DecodedState) -> None: ...

    def get(self, commit: Commit) -> DecodedState | None: ...


class StateCache:
    """The states last decoded, so that a chain of frames is not decoded from its key frame again and again.

    What it forgets costs time and nothing else: a judge holds the blobs, or the states, that it needs (Held).
    The least recently used go first once all together take more than `limit_bytes`. Threads may share it.
    """

    def __init__(
        self, origin: GridState | None = None, limit_bytes: int = _STATES_BYTES, *, beyond: StateStore | None = None
    ) -> None:
        """origin: the circle's genesis, (d,), which key frames of a chained codec are relative to.

        beyond: takes what there is no room for here.
        """
        self.origin, self._store = origin, beyond
        self._limit_bytes, self._bytes = limit_bytes, 0
        self._lock = threading.Lock()
        # By commit, not by digest alone: a blob is valid only where its author anchored it, for that round.
        self._kept: OrderedDict[Commit, DecodedState] = OrderedDict()
        # What was found invalid, with all that it may hang on: else a hostile chain is decoded for every judge.
        self._faults: OrderedDict[tuple[Commit, ...], str] = OrderedDict()

    def get(self, commits: Sequence[Commit]) -> DecodedState | None:
        """The state that the first of these commits published, if it was decoded lately and hangs on the others."""
        with self._lock:
            found = self._kept.get(commits[0])
            if found is None and self._store is not None:
                found = self._store.get(commits[0])
            # A reorganised chain may give a commit another predecessor.
            if found is None or found.predecessors != tuple(commits[1 : 1 + found.depth]):
                return None
            self._keep(commits[0], found)
            return found

    def put(self, commit: Commit, state: DecodedState) -> None:
        """Keep a state, read-only."""
        state.state.setflags(write=False)
        with self._lock:
            self._keep(commit, state)

    def _keep(self, commit: Commit, published: DecodedState) -> None:
        last = self._kept.pop(commit, None)
        self._bytes += published.state.nbytes - (last.state.nbytes if last else 0)
        self._kept[commit] = published
        while self._bytes > self._limit_bytes and len(self._kept) > 1:
            gone, state = self._kept.popitem(last=False)
            self._bytes -= state.state.nbytes
            if self._store is not None:
                self._store.put(gone, state)

    def fault(self, commits: Sequence[Commit]) -> str | None:
        """Why the first of these commits publishes no state, if that was found lately."""
        with self._lock:
            return self._faults.get(tuple(commits))

    def put_fault(self, commits: Sequence[Commit], reason: str) -> None:
        """Remember that a commit publishes no state."""
        with self._lock:
            self._faults[tuple(commits)] = reason
            while len(self._faults) > _FAULTS_KEPT:
                self._faults.popitem(last=False)


@dataclass(frozen=True)
class CircleTask:
    """A circle's task as one machine judges it: what all agreed on, and what this machine has of it."""

    manifest: Manifest
    """What all agreed on."""
    network: bytes
    """Which circle it is: 32 bytes, inside every blob."""
    states: StateCache = field(default_factory=StateCache)
    """Those decoded before. They save time; its `origin`, the genesis, alone matters besides."""
    loss: Callable[[GridState], float] | None = None
    """The judge's private loss of a state, for the one kind of rule that nobody else can recompute."""


class HeldBlobs:
    """What one judgement is made from, kept for as long as it runs, whatever caches forget meanwhile.

    blobs: digest → bytes, None for bytes that make no blob; a mapping may read them from disk when asked.
    states: public states decoded before, in place of the blobs that they came of.
    """

    def __init__(self, blobs: Mapping[bytes, bytes | None] | None = None) -> None:
        self._sources = [] if blobs is None else [blobs]
        self._whole: set[tuple[Commit, ...]] = set()
        self.states: dict[Commit, DecodedState] = {}

    def __contains__(self, digest: bytes) -> bool:
        return any(digest in source for source in self._sources)

    def add(self, blobs: Mapping[bytes, bytes | None]) -> None:
        """Hold these too."""
        if not any(source is blobs for source in self._sources):
            self._sources.append(blobs)

    def read(self, digest: bytes) -> bytes | None:
        """The bytes; None where no blob can be made of them. Raises Lost where they are not here (any more)."""
        for source in self._sources:
            if digest in source:
                try:
                    return source[digest]
                except KeyError:
                    continue
        raise BlobMissing(f"the blob {digest.hex()[:12]} is not to be had", digest)

    def find_lacking(self, commits: Sequence[Commit], manifest: Manifest, states: StateCache) -> bytes | None:
        """The digest of the next blob that decoding the first link needs, None where nothing is lacking.

        A state in `states` serves in place of older blobs, and is held from then on.
        """
        asked = tuple(commits)
        if asked in self._whole:
            return None
        for place, commit in enumerate(asked):
            is_last = place + 1 == len(asked)
            if commit.digest not in self:
                known = states.get(asked[place:]) if place > 0 else None
                if known is None:
                    return commit.digest
                self.states[commit] = known
                break
            try:
                blob = None if is_last else self.read(commit.digest)
            except BlobMissing:
                return commit.digest
            if blob is None or not read_reference(blob, manifest):
                break
        self._whole.add(asked)
        return None


@dataclass(frozen=True)
class FetchedUpdate:
    """A peer's commit, and what is at hand of it."""

    commits: tuple[Commit, ...]
    """The commit, and the same peer's before it, newest first, as far back as a frame may reach."""
    held: HeldBlobs
    """Their blobs, where they were needed and nobody failed to give them."""
    tenure: int = 1
    """Which holder of its seat the author is."""

    @property
    def commit(self) -> Commit:
        """The commit."""
        return self.commits[0]

    @property
    def digest(self) -> bytes:
        """What the chain anchors, 32 bytes."""
        return self.commit.digest

    @property
    def is_here(self) -> bool:
        """Whether somebody gave bytes for it, be they a blob or not."""
        return self.digest in self.held

    @property
    def blob(self) -> bytes | None:
        """Its bytes, None if nobody had them or no blob can be made of them (too large, or a broken DAG)."""
        return self.held.read(self.digest) if self.is_here else None


def find_frame_chain(history: History, round_: Round, seat: int) -> tuple[Commit, ...]:
    """The commits of the seat's holder, newest first, beginning with this round's; as many as may matter."""
    this = Commit(round_.number, round_.commits[seat], round_.author_of(seat))
    return (this, *find_earlier_commits(history, round_.number, seat, round_.begun[seat]))


def find_earlier_commits(history: History, number: int, seat: int, first: int) -> tuple[Commit, ...]:
    """A seat's commits from round `first` to before `number`, newest first, as far back as a frame may reach.

    first: the round from which on what its holder publishes follows from itself, `Seat.begun_round`.
    """
    commits: list[Commit] = []
    if not is_chained(history.manifest.codec):
        return ()
    for place in range(number - 2, max(first - 1, 0) - 1, -1):
        if len(commits) == MAX_CHAIN:
            break
        before = history.rounds[place]
        if seat in before.commits:
            commits.append(Commit(before.number, before.commits[seat], before.author_of(seat)))
    return tuple(commits)


def find_lacking_blobs(
    history: History, round_: Round, seats: Iterable[int], held: HeldBlobs, states: StateCache
) -> dict[bytes, int]:
    """Digest → seat of what still has to be fetched to decode these seats' updates of the round."""
    lacking: dict[bytes, int] = {}
    for seat in seats:
        digest = held.find_lacking(find_frame_chain(history, round_, seat), history.manifest, states)
        if digest is not None:
            lacking[digest] = seat
    return lacking


def make_fetched_update(
    commits: Sequence[Commit], tenure: int, blobs: Mapping[bytes, bytes | None]
) -> FetchedUpdate:
    """A commit and those before it, with the blobs there are."""
    return FetchedUpdate(tuple(commits), HeldBlobs(blobs), tenure)


def decode_public_state(fetched: FetchedUpdate, task: CircleTask) -> DecodedState:
    """The public state of a commit. Raises InvalidBlob or MalformedFrame, Lost where a blob is lacking.

    The same whatever `task.states` has: a frame whose predecessor it forgot is decoded from the last key frame on.
    """
    commits, states = fetched.commits, task.states
    if not fetched.is_here:
        raise BlobMissing(f"the update of round {commits[0].round} is not to be had", commits[0].digest)
    known = states.get(commits)
    if known is not None:
        return known
    # R28: also where it is invalid by itself. A judge that called it so would have to show what it hangs on.
    lacking = fetched.held.find_lacking(commits, task.manifest, states)
    if lacking is not None:
        raise BlobMissing(f"the blob {lacking.hex()[:12]} that an update hangs on is not to be had", lacking)
    reason = states.fault(commits)
    if reason is not None:
        raise InvalidBlob(reason)
    try:
        found = _decode_chain(commits, fetched.held, task)
    except PeerFault as fault:
        states.put_fault(commits, str(fault))
        raise
    states.put(commits[0], found)
    return found


def _decode_chain(commits: Sequence[Commit], held: HeldBlobs, task: CircleTask) -> DecodedState:
    """The state of the first link, decoded from the last key frame on or from the newest state that is known."""
    frames: list[Update] = []
    before: DecodedState | None = None
    for place, commit in enumerate(commits):
        before = (held.states.get(commit) or task.states.get(commits[place:])) if place > 0 else None
        if before is not None:
            break
        with _blame_predecessor(place):
            update = _decode_update(commit, held, task)
            frames.append(update)
            if not update.reference:
                break
        # [REJECT] R28: a delta frame is not too far from a key frame.
        if place == MAX_CHAIN:
            raise InvalidBlob(f"the update is more than {MAX_CHAIN} frames away from a key frame")
        with _blame_predecessor(place):
            # [REJECT] R28: a delta frame is relative to its author's previous commit.
            if place + 1 == len(commits) or commits[place + 1].digest != update.reference:
                raise InvalidBlob("the update is relative to another than its author's previous commit")
    for place in reversed(range(len(frames))):
        with _blame_predecessor(place):
            before = _decode_next(frames.pop(), before, commits[place + 1] if before else None, task)
    assert before is not None
    return before


@contextmanager
def _blame_predecessor(place: int) -> Iterator[None]:
    """What hangs on an invalid update is invalid itself. place: how many commits before the one asked for."""
    try:
        yield
    except PeerFault as fault:
        if place == 0:
            raise
        raise InvalidBlob(f"the update is relative to one that is invalid: {fault}") from fault


def _decode_update(commit: Commit, held: HeldBlobs, task: CircleTask) -> Update:
    blob = held.read(commit.digest)
    if blob is None:
        raise InvalidBlob("no blob can be made of the bytes at the digest")
    update = decode_update(blob, task.manifest, task.network, commit.round, commit.author)
    # [REJECT] R9: a key frame says of itself that it needs no reference, a delta frame that it does.
    if is_chained(update.codec) and is_key(update.payload) != (not update.reference):
        raise InvalidBlob("the frame's kind and the update's reference do not go together")
    return update


def _decode_next(
    update: Update, before: DecodedState | None, previous: Commit | None, task: CircleTask
) -> DecodedState:
    """One frame more. before: what its author's previous commit published, None for a key frame."""
    origin = task.states.origin
    if is_chained(update.codec) and origin is None:
        raise BlobMissing("the genesis is not to be had", task.manifest.genesis_digest)
    last = None if before is None else before.state
    state = decode(update.payload, update.codec, blocks_of(task.manifest.sizes), last, origin)
    chain = () if before is None or previous is None else (previous, *before.predecessors)
    is_charged = update.privacy is not None and update.privacy.charged > 0
    return DecodedState(state, update.base, chain, is_charged)
