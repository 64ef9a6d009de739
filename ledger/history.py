"""The fold: events in order become the circle's state, or are shown to be impossible.

This is the contract's state machine once more, in Python. A node follows the circle with it and an auditor checks
the chain with it: an RPC endpoint that leaves an event out, adds one or reorders them ends in a `HistoryFault` or
in a running hash that differs from the one the contract holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache, singledispatchmethod
from types import MappingProxyType
from typing import Final

from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger.endpoints import ENDPOINT_MAX_BYTES
from ledger.errors import PeerFault
from ledger.events import Attested, Committed, Drawn, Event, Joined, Moved, Opened, Settled, Woken
from ledger.manifest import Manifest, decode_manifest, manifest_digest
from ledger.reputation import INITIAL, Verdict, pack, settle, unpack
from ledger.topology import mask_of, neighbours, seats_of

_OPENED, _JOINED, _MOVED, _WOKEN, _COMMITTED, _DRAWN, _ATTESTED, _SETTLED = range(1, 9)
_EMPTY: Final = bytes(32)
# R3.12: so many attest windows behind its deadline a round short of the quorum may be given up.
PATIENCE_WINDOWS: Final = 16
MAX_SEATS: Final = 256


class HistoryFault(PeerFault):
    """The events cannot have come from this contract: one is missing, added, changed or out of order."""


class Phase(IntEnum):
    """Where a round stands; the numbers are the contract's."""

    GATHERING = 0
    COMMIT = 1
    ATTEST = 2
    SETTLE = 3
    FINISHED = 4


@dataclass(frozen=True)
class CircleParameters:
    """The contract's immutables that the fold needs."""

    start_seats: int
    quorum: int
    last_round: int
    reputation_shift: int
    reputation_floor: int


@dataclass(frozen=True)
class Attestation:
    """What one seat attested in one round."""

    judged: int
    accepted: int
    record: bytes


@dataclass
class Seat:
    """Who sits there and where it has been reached, newest endpoint last."""

    peer: str
    endpoints: list[str]

    @property
    def author(self) -> bytes:
        """The address as 20 bytes."""
        return to_canonical_address(self.peer)


@dataclass
class Round:
    """Everything the chain says of one round.

    reputations: seat → 0..65535 when the round opened (a latecomer's initial one included as it joins).
    contract_words: the packed reputations the contract reports after it.
    """

    number: int
    reputations: dict[int, int]
    commits: dict[int, bytes] = field(default_factory=dict)
    seed: bytes | None = None
    committed: int = 0
    attestations: dict[int, Attestation] = field(default_factory=dict)
    settled: bool = False
    contract_words: tuple[int, ...] = ()

    def neighbours(self, degree: int) -> Mapping[int, tuple[int, ...]]:
        """Who judges whom. The seed must be drawn."""
        assert self.seed is not None
        return _neighbours(self.seed, self.committed, degree)

    def eligible(self, floor: int) -> frozenset[int]:
        """The seats that may be mixed: committed and not quarantined when the round opened."""
        return frozenset(s for s in seats_of(self.committed) if self.reputations[s] >= floor)


class History:
    """A circle's past and present, grown event by event with `apply`."""

    def __init__(self, parameters: CircleParameters) -> None:
        self.parameters = parameters
        self.hash: bytes = _EMPTY
        self.phase = Phase.GATHERING
        self.seats: dict[int, Seat] = {}
        self.rounds: list[Round] = []
        self.awaited = 0
        self.reputations: dict[int, int] = {}
        self.opened: Opened | None = None
        self.reputation_differences: list[tuple[int, dict[int, tuple[int, int]]]] = []
        self._woken = 0
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        """The task all agreed on. Raises HistoryFault before the first event."""
        if self._manifest is None:
            raise HistoryFault("the history does not begin with the circle's opening")
        return self._manifest

    @property
    def round(self) -> Round | None:
        """The round under way or, when finished, the last one."""
        return self.rounds[-1] if self.rounds else None

    def seat_of(self, peer: str) -> int | None:
        """The peer's seat, if it has one."""
        return next((seat for seat, held in self.seats.items() if held.peer == peer), None)

    def is_woken(self, seat: int) -> bool:
        """The seat asked to be awaited in the next round."""
        return self._woken >> seat & 1 == 1

    @singledispatchmethod
    def apply(self, event: Event) -> None:
        """Take the next event. Raises HistoryFault where the contract could not have emitted it here."""
        raise HistoryFault(f"unknown event {event!r}")

    @apply.register
    def _(self, event: Opened) -> None:
        self._require(self.opened is None, "a circle opens once")
        self._require(manifest_digest(event.manifest) == event.task, "the manifest is not the task's")
        self.opened, self._manifest = event, decode_manifest(event.manifest)
        self._require(
            self._manifest.rounds == self.parameters.last_round, "manifest and contract end in different rounds"
        )
        self._remember(_OPENED, 0, 0, event.task)

    @apply.register
    def _(self, event: Joined) -> None:
        self._require(self.opened is not None, "a seat was taken before the circle opened")
        self._require(event.seat == len(self.seats), f"seat {event.seat} is not the next free one")
        self._require(self.seat_of(event.peer) is None, f"{event.peer} joined twice")
        self._require(self.phase != Phase.FINISHED, "a seat was taken after the end")
        self._require(event.seat < MAX_SEATS, f"a circle has {MAX_SEATS} seats")
        self._require(_is_endpoint(event.endpoint), f"seat {event.seat} joined with an impossible endpoint")
        self.seats[event.seat] = Seat(event.peer, [event.endpoint])
        self.reputations[event.seat] = INITIAL
        if self.round is not None:
            self.round.reputations[event.seat] = INITIAL
        self._woken |= 1 << event.seat
        peer = to_canonical_address(event.peer).rjust(32, b"\0")
        self._remember(_JOINED, self._number, event.seat, peer, keccak(event.endpoint.encode()))
        if self.phase == Phase.GATHERING and len(self.seats) == self.parameters.start_seats:
            self._open_round(1, attested=0)

    @apply.register
    def _(self, event: Moved) -> None:
        self._require(event.seat in self.seats, f"seat {event.seat} is empty")
        self._require(_is_endpoint(event.endpoint), f"seat {event.seat} moved to an impossible endpoint")
        self.seats[event.seat].endpoints.append(event.endpoint)
        self._remember(_MOVED, self._number, event.seat, keccak(event.endpoint.encode()))

    @apply.register
    def _(self, event: Woken) -> None:
        self._require(event.seat in self.seats, f"seat {event.seat} is empty")
        self._require(event.round == self._number, f"seat {event.seat} woke in another round")
        self._require(self.phase != Phase.FINISHED, "a seat woke after the end")
        self._woken |= 1 << event.seat
        if self.phase == Phase.COMMIT:
            self.awaited |= 1 << event.seat
        self._remember(_WOKEN, event.round, event.seat)

    @apply.register
    def _(self, event: Committed) -> None:
        current = self._current(event.round, Phase.COMMIT)
        self._require(event.seat in self.seats, f"seat {event.seat} is empty")
        self._require(event.seat not in current.commits, f"seat {event.seat} committed twice")
        self._require(event.digest != _EMPTY, f"seat {event.seat} committed nothing")
        current.commits[event.seat] = event.digest
        current.committed |= 1 << event.seat
        self._remember(_COMMITTED, event.round, event.seat, event.digest)

    @apply.register
    def _(self, event: Drawn) -> None:
        current = self._current(event.round, Phase.COMMIT)
        self._require(event.committed == current.committed, "the seed was drawn for other commits")
        self._require(len(current.commits) >= self.parameters.quorum, "the seed was drawn short of the quorum")
        current.seed, self.phase = event.seed, Phase.ATTEST
        self._remember(_DRAWN, event.round, 0, event.seed, _word(event.committed))

    @apply.register
    def _(self, event: Attested) -> None:
        current = self._current(event.round, Phase.ATTEST)
        seat = event.seat
        self._require(current.committed >> seat & 1 == 1, f"seat {seat} attested without a commit")
        self._require(seat not in current.attestations, f"seat {seat} attested twice")
        others = current.committed & ~(1 << seat)
        self._require(event.judged & ~others == 0, f"seat {seat} judged one that did not commit")
        self._require(event.accepted & ~event.judged == 0, f"seat {seat} accepted one it did not judge")
        self._require(event.record != _EMPTY, f"seat {seat} attested without a record")
        current.attestations[seat] = Attestation(event.judged, event.accepted, event.record)
        self._remember(_ATTESTED, event.round, seat, _word(event.judged), _word(event.accepted), event.record)

    @apply.register
    def _(self, event: Settled) -> None:
        # The attest phase closes without an event of its own, so a settlement may follow the last attestation.
        current = self._current(event.round, Phase.ATTEST)
        attested = mask_of(list(current.attestations))
        self._require(event.attested == attested, "other verdicts were settled than attested")
        # Short of the quorum the contract has waited long and gives the round up: no reputation moves.
        if len(current.attestations) >= self.parameters.quorum:
            self.reputations = self._settled(current)
        self._compare(event)
        current.settled, current.contract_words = True, event.reputations
        words = b"".join(_word(word) for word in event.reputations)
        self._remember(_SETTLED, event.round, 0, _word(attested), keccak(words))
        if event.round == self.parameters.last_round:
            self.phase = Phase.FINISHED
        else:
            self._open_round(event.round + 1, attested)

    def _settled(self, current: Round) -> dict[int, int]:
        """The reputations after a round's verdicts."""
        return settle(
            self.reputations,
            current.committed,
            {s: Verdict(a.judged, a.accepted) for s, a in current.attestations.items()},
            shift=self.parameters.reputation_shift,
            floor=self.parameters.reputation_floor,
        )

    def _compare(self, event: Settled) -> None:
        """Keep what the contract says beside what follows from the verdicts; go on with the contract's."""
        if event.reputations == pack(self.reputations):
            return
        reported = unpack(event.reputations, len(self.seats))
        differing = {s: (reported[s], own) for s, own in self.reputations.items() if reported[s] != own}
        self.reputation_differences.append((event.round, differing))
        self.reputations = reported

    @property
    def _number(self) -> int:
        return self.round.number if self.round else 0

    def _open_round(self, number: int, attested: int) -> None:
        self.awaited, self._woken = attested | self._woken, 0
        self.rounds.append(Round(number, dict(self.reputations)))
        self.phase = Phase.COMMIT

    def _current(self, number: int, phase: Phase) -> Round:
        self._require(self.round is not None and self.phase == phase, f"no {phase.name} phase is open")
        assert self.round is not None
        self._require(self.round.number == number, f"round {number} is not under way")
        return self.round

    def _require(self, holds: bool, fact: str) -> None:
        if not holds:
            raise HistoryFault(f"round {self._number}: {fact}")

    def _remember(
        self,
        kind: int,
        number: int,
        seat: int,
        first: bytes = _EMPTY,
        second: bytes = _EMPTY,
        third: bytes = _EMPTY,
    ) -> None:
        # R4: one running hash over every event, in the contract's encoding.
        self.hash = keccak(self.hash + _word(kind) + _word(number) + _word(seat) + first + second + third)


def _is_endpoint(text: str) -> bool:
    """What the contract lets a seat publish: printable ASCII."""
    return 1 <= len(text) <= ENDPOINT_MAX_BYTES and text.isascii() and text.isprintable()


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@lru_cache(maxsize=4)
def _neighbours(seed: bytes, committed: int, degree: int) -> Mapping[int, tuple[int, ...]]:
    # Drawing 256 seats' graph takes 8 ms, and an audit asks for it twice for every judge of a round.
    return MappingProxyType(neighbours(seed, committed, degree))
