"""What an audit keeps from round to round: blobs, states and bases, with a bound on the memory they take.

Of a circle with many seats and a large model neither all states nor all bases fit in memory, and any of them may be
needed again. What does not fit lies in a temporary folder (ledger.audit.spill).
"""

from collections.abc import Collection, Iterator, MutableMapping

import msgspec
import numpy as np

from ledger.audit.spill import Shelf
from ledger.judging.frame_chains import Link, Published
from ledger.rules.judge_memory import Carried, Memory

Holder = tuple[int, int]


class Blobs(MutableMapping[bytes, bytes | None]):
    """digest → bytes, None for bytes that make no blob."""

    def __init__(self, shelf: Shelf[bytes]) -> None:
        self._shelf, self._invalid = shelf, set[bytes]()

    def __getitem__(self, digest: bytes) -> bytes | None:
        return None if digest in self._invalid else self._shelf.get(digest)

    def __setitem__(self, digest: bytes, blob: bytes | None) -> None:
        if blob is None:
            self._invalid.add(digest)
        else:
            self._shelf.put(digest, blob)

    def __delitem__(self, digest: bytes) -> None:
        self._invalid.discard(digest)
        self._shelf.drop(digest)

    def __contains__(self, digest: object) -> bool:
        return digest in self._invalid or digest in self._shelf

    def __iter__(self) -> Iterator[bytes]:
        yield from self._invalid
        yield from self._shelf

    def __len__(self) -> int:
        return len(self._invalid) + len(self._shelf)

    def keep(self, digests: Collection[bytes]) -> None:
        """Drop all others."""
        for digest in [digest for digest in self if digest not in digests]:
            del self[digest]


class ShelvedStates:
    """The states for which there is no room in memory, the last `most` of them.

    Reading one is quicker than decoding a chain of frames again.
    """

    def __init__(self, shelf: Shelf[Link], most: int) -> None:
        self._shelf, self._most = shelf, most
        self._notes: dict[Link, tuple[bytes, tuple[Link, ...]]] = {}

    def put(self, link: Link, published: Published) -> None:
        """Keep a state, in the oldest one's place where they are too many."""
        if link in self._notes:
            return
        self._shelf.put(link, published.state.tobytes())
        self._notes[link] = published.base, published.chain
        while len(self._shelf) > self._most:
            oldest = next(iter(self._shelf))
            self._shelf.drop(oldest)
            del self._notes[oldest]

    def get(self, link: Link) -> Published | None:
        """The state, if it is still here."""
        if link not in self._notes:
            return None
        base, chain = self._notes[link]
        return Published(np.frombuffer(self._shelf.get(link), np.int32), base, chain)


class CarriedStates:
    """What each holder of a seat goes on with, None where that is not known."""

    def __init__(self, shelf: Shelf[tuple[Holder, str]]) -> None:
        self._shelf, self._unknown = shelf, set[Holder]()
        self._begun: dict[int, int] = {}

    def get(self, holder: Holder, default: Carried | None) -> Carried | None:
        """What the holder of a seat goes on with; default where it has not gone on yet."""
        if holder in self._unknown:
            return None
        if (holder, "base") not in self._shelf:
            return default
        base = np.frombuffer(self._shelf.get((holder, "base")), np.int32)
        return Carried(base, Memory.from_fields(msgspec.msgpack.decode(self._shelf.get((holder, "memory")))))

    def put(self, holder: Holder, carried: Carried | None) -> None:
        """It goes on with this; what the seat went on with before that line began is needed no more."""
        seat, begun = holder
        self._drop((seat, self._begun.get(seat, begun)), but=holder)
        self._begun[seat] = begun
        if carried is None:
            self._unknown.add(holder)
            return
        self._unknown.discard(holder)
        self._shelf.put((holder, "base"), carried.base.tobytes())
        self._shelf.put((holder, "memory"), msgspec.msgpack.encode(carried.memory.to_fields()))

    def _drop(self, holder: Holder, but: Holder) -> None:
        if holder == but:
            return
        self._shelf.drop((holder, "base"))
        self._shelf.drop((holder, "memory"))
