"""What a settled round holds, by seat, in as few bytes as it can: a circle of 256 seats settles thousands of them.

The mappings say what the dictionaries they are made of said, in the same order, and nothing can be changed in them.
A round of 256 takes some 24 KiB, most of it digests that nothing else holds.
"""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

from ledger.circle.draw import seats_of

_V = TypeVar("_V")
_DIGEST_BYTES: Final = 32
_REPUTATION_BYTES: Final = 2
# A judge has at most 21 neighbours: a word says how many it judged and, by a bit each, which of them it accepted.
_PLACES: Final = 21
_SAID_BYTES: Final = 4
_SEATS: Final = 256
_BITS: Final = tuple(1 << seat for seat in range(_SEATS))
# What was unpacked of the last rounds asked about: whoever asks about one judge asks about the next ones too.
_UNPACKED_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class Attestation:
    """What one seat attested in one round."""

    judged: int
    """Mask of the seats that it had a verdict about."""
    accepted: int
    """Mask of those that it accepted."""
    record: bytes
    """The record's digest, 32 bytes."""


class _BySeat(Mapping[int, _V]):
    """seats: the keys in order, a byte each."""

    __slots__ = ("_seats",)

    def __init__(self, seats: bytes) -> None:
        self._seats = seats

    def __len__(self) -> int:
        return len(self._seats)

    def __iter__(self) -> Iterator[int]:
        return iter(self._seats)

    def __contains__(self, seat: object) -> bool:
        return isinstance(seat, int) and 0 <= seat < _SEATS and seat in self._seats

    def __repr__(self) -> str:
        return repr(dict(self))

    def __deepcopy__(self, _: Any) -> "_BySeat[_V]":
        return self

    def _place(self, seat: int) -> int:
        place = self._seats.find(seat) if 0 <= seat < _SEATS else -1
        if place < 0:
            raise KeyError(seat)
        return place


class Digests(_BySeat[bytes]):
    """Seat → 32 bytes."""

    __slots__ = ("_packed",)

    def __init__(self, digests: Mapping[int, bytes]) -> None:
        super().__init__(bytes(digests))
        self._packed = b"".join(digests.values())

    def __getitem__(self, seat: int) -> bytes:
        begin = _DIGEST_BYTES * self._place(seat)
        return self._packed[begin : begin + _DIGEST_BYTES]

    def find(self, digest: bytes) -> list[int]:
        """The seats that have this digest, in order; without going through the others."""
        return [self._seats[place] for place in _find_places(self._packed, digest)]


class Reputations(_BySeat[int]):
    """Seat → 0..65535."""

    __slots__ = ("_packed",)

    def __init__(self, reputations: Mapping[int, int]) -> None:
        super().__init__(bytes(reputations))
        self._packed = b"".join(one.to_bytes(_REPUTATION_BYTES, "big") for one in reputations.values())

    def __getitem__(self, seat: int) -> int:
        begin = _REPUTATION_BYTES * self._place(seat)
        return int.from_bytes(self._packed[begin : begin + _REPUTATION_BYTES], "big")


class Lasting(_BySeat[_V]):
    """Seat → what is mostly the same round after round: a table by seat, which rounds share as long as it is."""

    __slots__ = ("_table",)

    def __init__(self, values: Mapping[int, _V], before: "Mapping[int, _V] | None") -> None:
        """before: the same of the round before, where there was one and it is settled."""
        super().__init__(bytes(values))
        shared = before._table if isinstance(before, Lasting) else ()
        if all(seat < len(shared) and shared[seat] == value for seat, value in values.items()):
            self._table: tuple[_V | None, ...] = shared
            return
        table = list(shared) + [None] * (max(values) + 1 - len(shared))
        for seat, value in values.items():
            table[seat] = value
        self._table = tuple(table)

    def __getitem__(self, seat: int) -> _V:
        if seat not in self:
            raise KeyError(seat)
        found: Any = self._table[seat]
        return found  # type: ignore[no-any-return]  # a value may be anything, None too


class Attestations(_BySeat[Attestation]):
    """Seat → what it attested: the seats it judged, a byte each, and a bit for each of them that it accepted."""

    __slots__ = ("_judged", "_most", "_records", "_said")

    def __init__(self, attestations: Mapping[int, Attestation]) -> None:
        super().__init__(bytes(attestations))
        self._records = b"".join(one.record for one in attestations.values())
        self._most = max((one.judged.bit_count() for one in attestations.values()), default=0)
        judged, said = bytearray(), bytearray()
        for one in attestations.values():
            seats = bytes(seats_of(one.judged))
            judged += seats.ljust(self._most, b"\0")
            accepted = (1 << len(seats)) - 1
            # Most are accepted: only the others are gone through.
            for seat in seats_of(one.judged & ~one.accepted):
                accepted ^= 1 << seats.index(seat)
            said += (len(seats) << _PLACES | accepted).to_bytes(_SAID_BYTES, "big")
        self._judged, self._said = bytes(judged), bytes(said)

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, seat: int) -> Attestation:
        return self._read(self._place(seat))

    def find(self, record: bytes) -> list[int]:
        """The judges that anchored this record, in order; without going through the others."""
        return [self._seats[place] for place in _find_places(self._records, record)]

    def items(self) -> ItemsView[int, Attestation]:
        """As a dictionary's."""
        return _unpack(self).items()

    def values(self) -> ValuesView[Attestation]:
        """As a dictionary's."""
        return _unpack(self).values()

    def unpack(self) -> dict[int, Attestation]:
        """All of it, unpacked."""
        return {seat: self._read(place) for place, seat in enumerate(self._seats)}

    def _read(self, place: int) -> Attestation:
        begin = _SAID_BYTES * place
        word = int.from_bytes(self._said[begin : begin + _SAID_BYTES], "big")
        count, bits = word >> _PLACES, word & (1 << _PLACES) - 1
        judged = accepted = 0
        for seat in self._judged[self._most * place : self._most * place + count]:
            judged |= _BITS[seat]
            if bits & 1:
                accepted |= _BITS[seat]
            bits >>= 1
        begin = _DIGEST_BYTES * place
        return Attestation(judged, accepted, self._records[begin : begin + _DIGEST_BYTES])


def _find_places(packed: bytes, digest: bytes) -> Iterator[int]:
    """Which of the digests, one behind the other, are this one."""
    at = packed.find(digest)
    while at >= 0:
        if at % _DIGEST_BYTES == 0:
            yield at // _DIGEST_BYTES
        at = packed.find(digest, at + 1)


@lru_cache(maxsize=_UNPACKED_ROUNDS)
def _unpack(attestations: Attestations) -> dict[int, Attestation]:
    return attestations.unpack()
