"""What a circle is at one moment, and the running hash that got it there."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.draw import draw_duty_order, mask_of
from ledger.circle.events import Event
from ledger.circle.manifest import Manifest
from ledger.circle.members import Dispute, Seat
from ledger.circle.reputation import settle
from ledger.circle.round import Round
from ledger.errors import PeerFault

HASH_BYTES: Final = 24
# R27: what an appeal pledges, in dispute bonds.
APPEAL_BONDS: Final = 4
# R23.2: for so many rounds it has neither joined nor attested, and a seat that nobody waits for is absent.
ABSENT_ROUNDS: Final = 256
MAX_SEATS: Final = 256
EMPTY: Final = bytes(32)
_KINDS: Final = {kind: place.to_bytes(1, "big") for place, kind in enumerate(events.EVENTS.values(), 1)}


class HistoryFault(PeerFault):
    """The events cannot have come from this contract: one is missing, added, changed or out of order."""


class Phase(IntEnum):
    """Where a round stands; the numbers are the contract's (R3.3)."""

    GATHERING = 0
    COMMIT = 1
    ATTEST = 2
    FINISHED = 3


@dataclass(frozen=True)
class CircleTerms:
    """The contract's immutables that the fold needs."""

    start_seats: int
    """With so many seats taken round 1 opens."""
    quorum: int
    """So many commits at least before a seed is drawn."""
    last_round: int
    """The circle is finished when it is settled."""
    degree: int
    """Neighbours that a peer judges in a round."""
    reputation_shift: int
    """A settlement moves a reputation 1 / 2^shift of the way."""
    reputation_floor: int
    """0..65535; a seat below it is quarantined."""
    eject_after: int = 0
    """So many settlements in a row below the floor, and a seat may be ejected; 0: never."""
    bond: int = 0
    """Wei that a seat puts down."""
    dispute_bond: int = 0
    """Wei that a claim puts down; 0: no disputes."""
    dispute_window_s: int = 1
    """Seconds, the unit of the court's deadlines."""
    jury_seats: int = 1
    """How many are drawn for a jury."""


class FoldedCircle:
    """A circle's past and present. Masks have bit s for seat s."""

    def __init__(self, parameters: CircleTerms) -> None:
        self.terms = parameters
        self.hash: bytes = bytes(HASH_BYTES)
        self.phase = Phase.GATHERING
        self.seats: dict[int, Seat] = {}
        """The last holder of each seat ever taken, released or not."""
        self.arrivals: dict[tuple[int, int], tuple[int, str]] = {}
        """(seat, tenure) → the round under way when its holder joined, and the hot key it joined with."""
        self.rounds: list[Round] = []
        self.roster = 0
        """Mask of the seats that may commit in this round and are waited for."""
        self.late = 0
        """Mask of the seats that may commit in this round and are not waited for."""
        self.woken = 0
        """Mask of the seats that asked to be on the next round's roster."""
        self.dozing = 0
        """Mask of the seats that were waited for in vain (R3.5a)."""
        self.steady = 0
        """Mask of those of them that attested in the round settled last."""
        self.reputations: dict[int, int] = {}
        self.disputes: list[Dispute] = []
        """All that were raised, by number."""
        self.open_disputes: dict[int, Dispute] = {}
        """Those that have not ended, by number."""
        self.last_raised: dict[tuple[int, int, int, int], Dispute] = {}
        """Claim (`Dispute.claimed`) → the latest dispute about it."""
        self.owed: dict[str, int] = {}
        """Account → wei it may withdraw."""
        self.opened: events.Opened | None = None
        self.reputation_differences: list[tuple[int, dict[int, tuple[int, int]]]] = []
        """Round, then seat → what the contract reported and what its verdicts give."""
        self.task_manifest: Manifest | None = None

    # -------------------------------------------------------------------------------------------- what is

    @property
    def manifest(self) -> Manifest:
        """The task all agreed on. Raises HistoryFault before the first event."""
        if self.task_manifest is None:
            raise HistoryFault("the history does not begin with the circle's opening")
        return self.task_manifest

    @property
    def round(self) -> Round | None:
        """The round under way or, when finished, the last one."""
        return self.rounds[-1] if self.rounds else None

    @property
    def number(self) -> int:
        """The round's number, 0 before the first one."""
        return self.rounds[-1].number if self.rounds else 0

    @property
    def members(self) -> int:
        """Mask of the seats that are held."""
        return mask_of([seat for seat, held in self.seats.items() if held.is_held])

    @property
    def below(self) -> int:
        """Mask of the seats below the reputation floor."""
        floor = self.terms.reputation_floor
        return mask_of([seat for seat, reputation in self.reputations.items() if reputation < floor])

    @property
    def bonded(self) -> int:
        """Mask of the seats taken and not released, leavers included: they have a voice in disputes."""
        return mask_of([seat for seat, held in self.seats.items() if not held.is_released])

    @property
    def suspended(self) -> int:
        """Mask of the seats suspended by a conviction (R26.6)."""
        return mask_of([seat for seat, held in self.seats.items() if held.suspended_until is not None])

    @property
    def pledged(self) -> int:
        """Wei in bonds: of seats not released and of open disputes (R27)."""
        bonds = sum(held.bond for held in self.seats.values() if not held.is_released)
        appeals = sum(dispute.appellant is not None for dispute in self.open_disputes.values())
        pledges = len(self.open_disputes) + APPEAL_BONDS * appeals
        return bonds + self.terms.dispute_bond * pledges

    def seat_of(self, peer: str) -> int | None:
        """The seat that a hot key holds, if it does."""
        return next((seat for seat, held in self.seats.items() if held.is_held and held.peer == peer), None)

    def is_key_taken(self, key: str) -> bool:
        """The key is or was a hot key of somebody whose seat is not released: what it signed leads there (R1)."""
        return any(key in held.keys for held in self.seats.values() if not held.is_released)

    def is_woken(self, seat: int) -> bool:
        """The seat asked to be on the next round's roster."""
        return self.woken >> seat & 1 == 1

    def is_in_round(self, seat: int) -> bool:
        """The seat has committed in the round under way, and not withdrawn that by leaving."""
        open_ = self.phase in (Phase.COMMIT, Phase.ATTEST)
        return open_ and self.round is not None and seat in self.round.commits

    def find_next_seat(self) -> int | None:
        """The seat that the next peer to join takes: a new one, or else the lowest that was released."""
        if len(self.seats) < MAX_SEATS:
            return len(self.seats)
        return min((seat for seat, held in self.seats.items() if held.is_released), default=None)

    def is_absent(self, seat: int) -> bool:
        """Nobody has waited for or heard of the seat for so long that anyone may eject it (R23.2)."""
        held, last = self.seats[seat], self.number - ABSENT_ROUNDS
        is_awaited = (self.roster | self.late | self.woken) >> seat & 1 == 1
        return not is_awaited and held.since_round <= last and held.attested_round <= last

    def is_struck_out(self, seat: int) -> bool:
        """The seat was below the floor for so long that anyone may eject it, which costs it (R23.2)."""
        return 0 < self.terms.eject_after <= self.seats[seat].strikes

    def leaving_burn_wei(self, seat: int) -> int:
        """Wei of its bond that the seat loses if it is given up now: for its strikes (R23.1)."""
        held, after = self.seats[seat], self.terms.eject_after
        return held.bond // 2 * min(held.strikes, after) // after if after else 0

    def is_disputed(self, round_number: int, judge: int, tenure: int, target: int) -> bool:
        """A dispute about this claim is open or was decided."""
        last = self.last_raised.get((round_number, judge, tenure, target))
        return last is not None and last.bars_another

    def find_jury_pool(self, judge: int, target: int, challenger: str) -> int:
        """Mask of the seats that may sit on a jury: on the roster and awake, in good standing, no party to it."""
        parties = mask_of([judge, target])
        if (seat := self.seat_of(challenger)) is not None:
            parties |= 1 << seat
        return self.members & self.roster & ~self.below & ~self.suspended & ~self.dozing & ~parties

    def had_seat(self, seat: int, dispute: Dispute) -> bool:
        """The seat's holder held it when the dispute was raised, and is not released."""
        held = self.seats.get(seat)
        return held is not None and not held.is_released and held.since_dispute <= dispute.number

    def may_vote(self, seat: int, dispute: Dispute) -> bool:
        """The seat's vote is taken in the dispute's present stage, until its deadline (R26.4)."""
        if dispute.outcome is not None or not (dispute.asked & ~dispute.votes.cast) >> seat & 1:
            return False
        return self.had_seat(seat, dispute) and self.is_in_good_standing(seat)

    def is_in_good_standing(self, seat: int) -> bool:
        """A seat taken and not released may vote: not below the floor, not suspended, half of its bond left."""
        held = self.seats[seat]
        is_below = self.reputations[seat] < self.terms.reputation_floor
        return 2 * held.bond >= self.terms.bond and not is_below and held.suspended_until is None

    def find_asking_seat(self, judge: int, target: int, challenger: str) -> int | None:
        """The seat that may ask a judge to show what its record follows from (R26.1a), None where none may."""
        seat = self.seat_of(challenger)
        is_busy = any(one.asker == seat for one in self.open_disputes.values())
        may_ask = seat is not None and target == judge and not is_busy and self.is_in_good_standing(seat)
        return seat if may_ask else None

    def find_previous_round(self, number: int, seat: int, tenure: int) -> Round | None:
        """The newest round before round `number` for which the seat's holder of that tenure committed."""
        for place in range(number - 2, -1, -1):
            before = self.rounds[place]
            if seat in before.commits:
                return before if before.tenures[seat] == tenure else None
        return None

    def draw_duty_order(self, able: int) -> list[int]:
        """In which order some seats do what any of them may do in the round under way (R21). able: their mask."""
        assert self.round is not None
        assert self.opened is not None
        seed = self.round.seed or self.opened.task + self.round.number.to_bytes(8, "big")
        return draw_duty_order(seed, able)

    def compute_reputations(self, current: Round) -> dict[int, int]:
        """The reputations that a round's verdicts give, weighed by the present ones.

        Short of the quorum the round is given up: as if nobody had judged anyone (R3.12).
        """
        is_given_up = len(current.attestations) < self.terms.quorum
        return settle(
            self.reputations,
            current.committed,
            current.attestations,
            able=0 if is_given_up else self.members & ~self.suspended,
            missed=current.missed,
            shift=self.terms.reputation_shift,
            floor=self.terms.reputation_floor,
        )

    # ------------------------------------------------------------------------------ for the fold's handlers

    def require(self, holds: bool, fact: str) -> None:
        """Raises HistoryFault with the fact where it does not hold."""
        if not holds:
            raise HistoryFault(f"round {self.number}: {fact}")

    def require_round(self, number: int, phase: Phase) -> Round:
        """The round under way, which must be this one in this phase."""
        current = self.round
        if current is None or self.phase is not phase:
            raise HistoryFault(f"round {self.number}: no {phase.name} phase is open")
        if current.number != number:
            raise HistoryFault(f"round {self.number}: round {number} is not under way")
        return current

    def require_taken(self, seat: int) -> Seat:
        """The seat, which must be held or given up and not released."""
        held = self.seats.get(seat)
        self.require(held is not None and not held.is_released, f"seat {seat} is empty")
        assert held is not None
        return held

    def require_held(self, seat: int) -> Seat:
        """The seat, which must be held."""
        held = self.require_taken(seat)
        self.require(held.is_held, f"seat {seat} was given up")
        return held

    def vacate(self, seat: int, free_at: int) -> None:
        """Give a seat up: it is waited for no longer; what it committed stands once it is known who judges it."""
        held, others = self.seats[seat], ~(1 << seat)
        held.free_at, held.announced, held.strikes = free_at, None, 0
        self.woken &= others
        if self.phase == Phase.COMMIT:
            assert self.round is not None
            self.roster &= others
            self.late &= others
            self.round.withdraw(seat)

    def owe(self, account: str, amount: int) -> None:
        """Wei out of what is pledged."""
        if amount:
            self.owed[account] = self.owed.get(account, 0) + amount

    def open_round(self, number: int, attested: int) -> None:
        """R3.5: attesters are here, seats that joined or woke asked to be; nobody waits for those that doze."""
        wanted, self.woken = (attested | self.woken) & self.members, 0
        self.roster, self.late = wanted & ~self.dozing, wanted & self.dozing
        self.rounds.append(Round(number, dict(self.reputations), self.suspended, self.members, self.dozing))
        self.phase = Phase.COMMIT

    def remember(
        self, event: Event, seat: int, first: bytes = EMPTY, second: bytes = EMPTY, third: bytes = EMPTY
    ) -> None:
        """Take the event into the running hash."""
        # R4: one running hash over every event, in the contract's encoding.
        number = self.number << 16 | seat
        head = self.hash + _KINDS[type(event)] + number.to_bytes(7, "big")
        self.hash = keccak(head + first + second + third)[:HASH_BYTES]
