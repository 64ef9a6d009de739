"""What the chain says of one round."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from ledger.circle.draw import draw_neighbours, seats_of
from ledger.identity.addresses import address_bytes

NO_RECORD: Final = bytes(32)
"""In the place of a record's digest, where there is none."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """What one seat attested in one round."""

    judged: int
    """Mask of the seats that it had a verdict about."""
    accepted: int
    """Mask of those that it accepted."""
    record: bytes
    """The record's digest, 32 bytes."""


@dataclass
class Round:
    """Everything the chain says of one round."""

    number: int
    """From 1."""
    reputations: dict[int, int]
    """Seat → 0..65535 when the round opened; a latecomer's initial one is added as it joins."""
    suspended: int = 0
    """Mask of the seats that were suspended when the round opened."""
    members: int = 0
    """Mask of the seats that were held when the round opened."""
    dozing: int = 0
    """Mask of the seats that dozed when the round opened: nobody waits for them (R3.5a)."""
    commits: dict[int, bytes] = field(default_factory=dict)
    """Seat → its update's digest, 32 bytes."""
    peers: dict[int, str] = field(default_factory=dict)
    """Seat → the key it committed with, which signs all it says in this round."""
    tenures: dict[int, int] = field(default_factory=dict)
    """Seat → how many sat there before it, plus 1: another tenure is another peer."""
    begun: dict[int, int] = field(default_factory=dict)
    """Seat → the round from which on its base and its memory follow from its commits (R15, R23.4)."""
    seed: bytes | None = None
    """Who judges whom follows from it, 32 bytes; None before the draw."""
    committed: int = 0
    """Mask of the seats with a commit."""
    missed: int = 0
    """Mask of the seats that were waited for and had not committed when the phase closed."""
    attestations: dict[int, Attestation] = field(default_factory=dict)
    """Seat → what it attested, of the seats that committed; of others nothing counts."""
    heard: set[int] = field(default_factory=set)
    """The seats that attested, whether they had committed or not."""
    settled: bool = False
    """Its verdicts became reputations."""
    history_after: bytes = b""
    """The running hash right after its settlement, 24 bytes (R4); empty until then."""

    def withdraw(self, seat: int) -> None:
        """What the seat has committed is as if it had not been (R23.1)."""
        for kept in (self.commits, self.peers, self.tenures, self.begun):
            kept.pop(seat, None)
        self.committed &= ~(1 << seat)

    def find_neighbours(self, degree: int) -> Mapping[int, tuple[int, ...]]:
        """Who judges whom, in the order of a verdict's bits. The seed must be drawn."""
        assert self.seed is not None
        return _draw_neighbours(self.seed, self.committed, degree)

    def author_of(self, seat: int) -> bytes:
        """Who published the seat's update: the address as 20 bytes."""
        return address_bytes(self.peers[seat])

    def find_judges(self, seat: int) -> tuple[list[int], list[int]]:
        """The seats whose verdicts about a seat were to accept it, and those whose were to reject it."""
        judges = {judge: one for judge, one in self.attestations.items() if one.judged >> seat & 1}
        accepting = [judge for judge, one in judges.items() if one.accepted >> seat & 1]
        return accepting, [judge for judge in judges if judge not in accepting]

    def find_eligible(self, floor: int) -> frozenset[int]:
        """The seats that may be mixed: committed, neither quarantined nor suspended when the round opened (R12)."""
        able = self.committed & ~self.suspended
        return frozenset(s for s in seats_of(able) if self.reputations[s] >= floor)


@lru_cache(maxsize=4)
def _draw_neighbours(seed: bytes, committed: int, degree: int) -> Mapping[int, tuple[int, ...]]:
    # Drawing 256 seats' graph takes milliseconds, and an audit asks for it twice for every judge of a round.
    return MappingProxyType(draw_neighbours(seed, committed, degree))
