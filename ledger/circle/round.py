"""What the chain says of one round."""

import copy
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeVar

from ledger.circle.draw import draw_neighbours, seats_of
from ledger.circle.members import Seat
from ledger.circle.settled import Attestation, Attestations, Digests, Lasting, Reputations
from ledger.identity.addresses import address_bytes

__all__ = ["NO_RECORD", "Attestation", "Round"]

_V = TypeVar("_V")

NO_RECORD: Final = bytes(32)
"""In the place of a record's digest, where there is none."""


@dataclass(slots=True)
class Round:
    """Everything the chain says of one round. Once it is settled nothing in it changes, so copies share it."""

    number: int
    """From 1."""
    reputations: Mapping[int, int]
    """Seat → 0..65535 when the round opened; a latecomer's initial one is added as it joins."""
    suspended: int = 0
    """Mask of the seats that were suspended when the round opened."""
    members: int = 0
    """Mask of the seats that were held when the round opened."""
    dozing: int = 0
    """Mask of the seats that dozed when the round opened: nobody waits for them (R3.5a)."""
    commits: Mapping[int, bytes] = field(default_factory=dict)
    """Seat → its update's digest, 32 bytes."""
    peers: Mapping[int, str] = field(default_factory=dict)
    """Seat → the key it committed with, which signs all it says in this round."""
    tenures: Mapping[int, int] = field(default_factory=dict)
    """Seat → how many sat there before it, plus 1: another tenure is another peer."""
    begun: Mapping[int, int] = field(default_factory=dict)
    """Seat → the round from which on its base and its memory follow from its commits (R15, R23.4)."""
    seed: bytes | None = None
    """Who judges whom follows from it, 32 bytes; None before the draw."""
    committed: int = 0
    """Mask of the seats with a commit."""
    missed: int = 0
    """Mask of the seats that were waited for and had not committed when the phase closed."""
    attestations: Mapping[int, Attestation] = field(default_factory=dict)
    """Seat → what it attested, of the seats that committed; of others nothing counts."""
    heard: Set[int] = field(default_factory=set)
    """The seats that attested, whether they had committed or not."""
    settled: bool = False
    """Its verdicts became reputations."""
    history_after: bytes = b""
    """The running hash right after its settlement, 24 bytes (R4); empty until then."""

    def __deepcopy__(self, memo: Any) -> "Round":
        return self if self.settled else self.copy()

    def copy(self) -> "Round":
        """The same as it is now; itself where nothing in it changes any more."""
        if self.settled:
            return self
        copied = copy.copy(self)
        copied.reputations, copied.attestations = dict(self.reputations), dict(self.attestations)
        copied.commits, copied.peers = dict(self.commits), dict(self.peers)
        copied.tenures, copied.begun = dict(self.tenures), dict(self.begun)
        copied.heard = set(self.heard)
        return copied

    def receive(self, seat: int, reputation: int) -> None:
        """Somebody joined while the round was open."""
        _open(self.reputations)[seat] = reputation

    def commit(self, seat: int, digest: bytes, holder: Seat) -> None:
        """The seat's holder anchored its update."""
        _open(self.commits)[seat] = digest
        _open(self.peers)[seat], _open(self.tenures)[seat] = holder.peer, holder.tenure
        _open(self.begun)[seat] = holder.begun_round
        self.committed |= 1 << seat

    def hear(self, seat: int, attestation: Attestation | None) -> None:
        """The seat attested. attestation: None where nothing of it counts."""
        assert isinstance(self.heard, set)
        self.heard.add(seat)
        if attestation is not None:
            _open(self.attestations)[seat] = attestation

    def settle(self, history_after: bytes, before: "Round | None") -> None:
        """Nothing is added any more: keep it in fewer bytes. before: the round before, None for the first."""
        self.settled, self.history_after = True, history_after
        self.reputations, self.commits = Reputations(self.reputations), Digests(self.commits)
        self.peers = Lasting(self.peers, before.peers if before else None)
        self.tenures = Lasting(self.tenures, before.tenures if before else None)
        self.begun = Lasting(self.begun, before.begun if before else None)
        self.attestations = Attestations(self.attestations)
        said = self.attestations.keys()
        self.heard = said if said == self.heard else frozenset(self.heard)

    def withdraw(self, seat: int) -> None:
        """What the seat has committed is as if it had not been (R23.1)."""
        for kept in (self.commits, self.peers, self.tenures, self.begun):
            _open(kept).pop(seat, None)
        self.committed &= ~(1 << seat)

    def find_neighbours(self, degree: int) -> Mapping[int, tuple[int, ...]]:
        """Who judges whom, in the order of a verdict's bits. The seed must be drawn."""
        assert self.seed is not None
        return _draw_neighbours(self.seed, self.committed, degree)

    def author_of(self, seat: int) -> bytes:
        """Who published the seat's update: the address as 20 bytes."""
        return address_bytes(self.peers[seat])

    def find_authors(self, digest: bytes) -> list[int]:
        """The seats that committed an update."""
        if isinstance(self.commits, Digests):
            return self.commits.find(digest)
        return [seat for seat, one in self.commits.items() if one == digest]

    def find_recorders(self, record: bytes) -> list[int]:
        """The seats that attested with a record."""
        if isinstance(self.attestations, Attestations):
            return self.attestations.find(record)
        return [seat for seat, one in self.attestations.items() if one.record == record]

    def find_judges(self, seat: int) -> tuple[list[int], list[int]]:
        """The seats whose verdicts about a seat were to accept it, and those whose were to reject it."""
        judges = {judge: one for judge, one in self.attestations.items() if one.judged >> seat & 1}
        accepting = [judge for judge, one in judges.items() if one.accepted >> seat & 1]
        return accepting, [judge for judge in judges if judge not in accepting]

    def find_eligible(self, floor: int) -> frozenset[int]:
        """The seats that may be mixed: committed, neither quarantined nor suspended when the round opened (R12)."""
        able = self.committed & ~self.suspended
        return frozenset(s for s in seats_of(able) if self.reputations[s] >= floor)


def _open(kept: Mapping[int, _V]) -> dict[int, _V]:
    """What a round under way holds by seat. Raises TypeError for a settled one's: nothing in it changes."""
    if not isinstance(kept, dict):
        raise TypeError("a settled round does not change")
    return kept


@lru_cache(maxsize=4)
def _draw_neighbours(seed: bytes, committed: int, degree: int) -> Mapping[int, tuple[int, ...]]:
    # Drawing 256 seats' graph takes milliseconds, and an audit asks for it twice for every judge of a round.
    return MappingProxyType(draw_neighbours(seed, committed, degree))
