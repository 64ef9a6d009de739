"""What an audit keeps from round to round: blobs, states and bases, with a bound on the memory they take.

Of a circle with many seats and a large model neither all states nor all bases fit in memory, and any of them may be
needed again. What does not fit lies in a temporary folder (ledger.audit.spill).
"""

from collections.abc import Collection, Iterator, MutableMapping
from typing import Final

import msgspec
import numpy as np

from ledger.audit.spill import Spill
from ledger.judging.frame_chains import Commit, DecodedState
from ledger.rules.judge_memory import CarriedState, JudgeMemory

Holder = tuple[int, int]

_CARRIED_BYTES: Final = 1 << 28


class SpillingBlobs(MutableMapping[bytes, bytes | None]):
    """digest → bytes, None for bytes that make no blob."""

    def __init__(self, spill: Spill[bytes]) -> None:
        self._spill, self._invalid = spill, set[bytes]()

    def __getitem__(self, digest: bytes) -> bytes | None:
        return None if digest in self._invalid else self._spill.get(digest)

    def __setitem__(self, digest: bytes, blob: bytes | None) -> None:
        if blob is None:
            self._invalid.add(digest)
        else:
            self._spill.put(digest, blob)

    def __delitem__(self, digest: bytes) -> None:
        self._invalid.discard(digest)
        self._spill.drop(digest)

    def __contains__(self, digest: object) -> bool:
        return digest in self._invalid or digest in self._spill

    def __iter__(self) -> Iterator[bytes]:
        yield from self._invalid
        yield from self._spill

    def __len__(self) -> int:
        return len(self._invalid) + len(self._spill)

    def keep(self, digests: Collection[bytes]) -> None:
        """Drop all others."""
        for digest in [digest for digest in self if digest not in digests]:
            del self[digest]


class SpilledStates:
    """The states for which there is no room in memory, the last `most` of them.

    Reading one is quicker than decoding a chain of frames again.
    """

    def __init__(self, spill: Spill[Commit], most: int) -> None:
        self._spill, self._most = spill, most
        self._notes: dict[Commit, tuple[bytes, tuple[Commit, ...], bool]] = {}

    def put(self, commit: Commit, state: DecodedState) -> None:
        """Keep a state, in the oldest one's place where they are too many."""
        if commit in self._notes:
            return
        self._spill.put(commit, state.state.tobytes())
        self._notes[commit] = state.base, state.predecessors, state.is_charged
        while len(self._spill) > self._most:
            oldest = next(iter(self._spill))
            self._spill.drop(oldest)
            del self._notes[oldest]

    def get(self, commit: Commit) -> DecodedState | None:
        """The state, if it is still here."""
        if commit not in self._notes:
            return None
        return DecodedState(np.frombuffer(self._spill.get(commit), np.int32), *self._notes[commit])


class CarriedStates:
    """What each holder of a seat goes on with, None where that is not known.

    As it is while all together take no more than `limit_bytes`; what is put beyond that goes to the spill.
    """

    def __init__(self, spill: Spill[tuple[Holder, str]], limit_bytes: int = _CARRIED_BYTES) -> None:
        self._spill, self._unknown = spill, set[Holder]()
        self._begun: dict[int, int] = {}
        self._here: dict[Holder, CarriedState] = {}
        self._limit_bytes, self._bytes = limit_bytes, 0

    def get(self, holder: Holder, default: CarriedState | None) -> CarriedState | None:
        """What the holder of a seat goes on with; default where it has not gone on yet."""
        if holder in self._unknown:
            return None
        if (here := self._here.get(holder)) is not None:
            return here
        if (holder, "base") not in self._spill:
            return default
        base = np.frombuffer(self._spill.get((holder, "base")), np.int32)
        return CarriedState(
            base, JudgeMemory.from_fields(msgspec.msgpack.decode(self._spill.get((holder, "memory"))))
        )

    def list_holders(self) -> list[Holder]:
        """Those of whom it is known, or known not to be, what they go on with."""
        return sorted({*self._unknown, *self._here, *(holder for holder, _ in self._spill)})

    def put(self, holder: Holder, carried: CarriedState | None) -> None:
        """It goes on with this; what the seat went on with before that line began is needed no more."""
        seat, begun = holder
        self._drop((seat, self._begun.get(seat, begun)))
        self._drop(holder)
        self._begun[seat] = begun
        if carried is None:
            self._unknown.add(holder)
            return
        self._unknown.discard(holder)
        size = _count_bytes(carried)
        if self._bytes + size <= self._limit_bytes:
            self._bytes += size
            self._here[holder] = carried
            return
        self._spill.put((holder, "base"), carried.base.tobytes())
        self._spill.put((holder, "memory"), msgspec.msgpack.encode(carried.memory.to_fields()))

    def _drop(self, holder: Holder) -> None:
        if (here := self._here.pop(holder, None)) is not None:
            self._bytes -= _count_bytes(here)
        self._spill.drop((holder, "base"))
        self._spill.drop((holder, "memory"))


def _count_bytes(carried: CarriedState) -> int:
    return carried.base.nbytes + sum(trace.values.nbytes for trace in carried.memory.traces.values())
