"""What the chain says of one round."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from ledger.circle.draw import draw_neighbours, seats_of
from ledger.identity.addresses import address_bytes


@dataclass(frozen=True)
class Attestation:
    """What one seat attested in one round. judged, accepted: masks of seats."""

    judged: int
    accepted: int
    record: bytes


@dataclass
class Round:
    """Everything the chain says of one round.

    reputations: seat → 0..65535 when the round opened (a latecomer's initial one included as it joins); suspended:
    mask of who was suspended then. missed: mask of who was waited for and had not committed when the phase closed.
    peers: seat → the key it committed with, which signs all it says in this round. tenures: seat → how many sat
    there before it, plus 1: another tenure is another peer. begun: seat → the round from which on its base and its
    memory follow from its commits (R15, R23.4).
    heard: the seats that attested, whether they had committed or not; of the others nothing counts.
    """

    number: int
    reputations: dict[int, int]
    suspended: int = 0
    commits: dict[int, bytes] = field(default_factory=dict)
    peers: dict[int, str] = field(default_factory=dict)
    tenures: dict[int, int] = field(default_factory=dict)
    begun: dict[int, int] = field(default_factory=dict)
    seed: bytes | None = None
    committed: int = 0
    missed: int = 0
    attestations: dict[int, Attestation] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    settled: bool = False

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

    def find_eligible(self, floor: int) -> frozenset[int]:
        """The seats that may be mixed: committed, neither quarantined nor suspended when the round opened (R12)."""
        able = self.committed & ~self.suspended
        return frozenset(s for s in seats_of(able) if self.reputations[s] >= floor)


@lru_cache(maxsize=4)
def _draw_neighbours(seed: bytes, committed: int, degree: int) -> Mapping[int, tuple[int, ...]]:
    # Drawing 256 seats' graph takes milliseconds, and an audit asks for it twice for every judge of a round.
    return MappingProxyType(draw_neighbours(seed, committed, degree))
