"""What a judge keeps of the authors it met: one short integer vector each, which anyone can recompute.

A rule that looks back (ledger.rules) reads the memory of the judge's last attested round and returns the next one.
Its digest stands in the judge's record beside that of the next base.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.arithmetic.exact import GridState
from ledger.errors import PeerFault

_HEAD: Final = struct.Struct("<HIII")
_NO_SEED: Final = b""
SEED_BYTES: Final = 32
# R8.1: no circle has more rounds, so nobody has met anybody oftener. One more of it is counted without a carry.
_MEETINGS_MAX: Final = (1 << 21) - 1
MAX_SEATS: Final = 256


class InvalidMemory(PeerFault):
    """Bytes that are no judge's memory."""


@dataclass(frozen=True)
class AuthorTrace:
    """One author as a judge remembers it."""

    tenure: int
    """Which holder of the seat."""
    meetings: int
    """Rounds in which it was judged."""
    values: NDArray[np.int32]
    """(m,), int32; what they mean is the rule's."""


@dataclass(frozen=True)
class JudgeMemory:
    """What a judge keeps of earlier rounds."""

    seed: bytes = _NO_SEED
    """Drawn at the judge's first round, b"" before."""
    traces: Mapping[int, AuthorTrace] = field(default_factory=dict)
    """Seat → its present holder's trace."""

    def trace_of(self, seat: int, tenure: int) -> AuthorTrace | None:
        """The trace of a seat's holder; None for whoever has not been met, the next holder of a seat included."""
        trace = self.traces.get(seat)
        return trace if trace is not None and trace.tenure == tenure else None

    def digest(self) -> bytes:
        """SHA-256 over what `encode` gives. Returns 32 bytes."""
        sha = hashlib.sha256()
        for part in self._parts():
            sha.update(part)
        return sha.digest()

    def encode(self) -> bytes:
        """Seed and traces, by ascending seat, integers little-endian; `decode` is the inverse."""
        return b"".join(self._parts())

    def _parts(self) -> Iterator[bytes | memoryview]:
        yield len(self.seed).to_bytes(1, "little") + self.seed
        for seat in sorted(self.traces):
            trace = self.traces[seat]
            yield _HEAD.pack(seat, trace.tenure, trace.meetings, len(trace.values))
            yield np.ascontiguousarray(trace.values, "<i4").data

    @classmethod
    def decode(cls, encoded: bytes, values: int) -> "JudgeMemory":
        """A memory that someone else wrote. values: how many each trace has under the rule, 0 where it keeps none.

        Raises InvalidMemory for anything that no judge could have come to.
        """
        size = encoded[0] if encoded else -1
        seed, at, traces = encoded[1 : 1 + size], 1 + size, dict[int, AuthorTrace]()
        if len(seed) != size or size not in ((0, SEED_BYTES) if values else (0,)):
            raise InvalidMemory(f"the memory's seed is not of {SEED_BYTES if values else 0} bytes")
        step = _HEAD.size + 4 * values
        if (len(encoded) - at) % step or (size == 0 and at != len(encoded)):
            raise InvalidMemory("the memory is cut off, or remembers authors without a seed")
        last = -1
        for start in range(at, len(encoded), step):
            seat, tenure, meetings, count = _HEAD.unpack_from(encoded, start)
            is_possible = last < seat < MAX_SEATS and tenure and 0 < meetings <= _MEETINGS_MAX
            if not is_possible or count != values:
                raise InvalidMemory(f"the memory's trace of seat {seat} is none of this rule, or out of order")
            kept = np.frombuffer(encoded, "<i4", values, start + _HEAD.size).astype(np.int32)
            traces[seat], last = AuthorTrace(tenure, meetings, kept), seat
        return cls(seed, traces)

    def to_fields(self) -> list[Any]:
        """Plain values for a file; `from_fields` is the inverse."""
        traces = [
            [seat, t.tenure, t.meetings, np.ascontiguousarray(t.values, "<i4").tobytes()]
            for seat, t in sorted(self.traces.items())
        ]
        return [self.seed, traces]

    @classmethod
    def from_fields(cls, fields: list[Any]) -> "JudgeMemory":
        """From a file of one's own."""
        seed, traces = fields
        return cls(
            seed,
            {
                seat: AuthorTrace(tenure, meetings, np.frombuffer(values, "<i4").astype(np.int32))
                for seat, tenure, meetings, values in traces
            },
        )


def memory_max_bytes(values: int) -> int:
    """The most bytes that an encoded memory has, with so many values a trace."""
    return 1 + SEED_BYTES + MAX_SEATS * (_HEAD.size + 4 * values) if values else 1


@dataclass(frozen=True)
class CarriedState:
    """What a judge takes from one round into the next."""

    base: GridState
    """Its model, (d,), int32."""
    memory: JudgeMemory = field(default_factory=JudgeMemory)
    """Of the authors it met."""
