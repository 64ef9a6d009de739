"""What a circle is at one moment, as the protocol tells it: the part of the twin that all its calls share."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address

from ledger.circle.draw import draw_neighbours, mask_of
from ledger.circle.events import Event, Stage
from ledger.circle.history import Phase
from ledger.identity.network import Network
from tests.support.contract.machines import BareMachine, Moment
from tests.support.contract.terms import ContractTerms
from tests.support.contract.twin.history import entry_of

MAX_SEATS: Final = 256
INITIAL: Final = 32768
HASHES: Final = 256
# R3.5a: a dozing seat that attests two rounds running is waited for again from this reputation on.
AWAKE: Final = 49152


class Refused(Exception):
    """The call reverts; the message is its reason."""


@dataclass(frozen=True)
class Foretold:
    """What a call does. reason: why it reverts, else None."""

    reason: str | None = None
    events: tuple[Event, ...] = ()


@dataclass
class Seat:
    """Who sits there, or sat there last.

    peer: its hot key, present or last. bond: wei. since_round: the round under way when it joined; joined_at: how
    many disputes had been raised before that. free_at: Unix seconds, None while it is held. announced: new keys and
    when they may be in force. disputes: open ones about what it said. convictions: of this tenure. suspended_until:
    a round, None where it is not. silent_until: Unix seconds, when the last window ended in which it paid for
    keeping silent as a juror. spoke_in: the last round it attested in.
    """

    peer: str
    cold: str
    bond: int
    since_round: int
    joined_at: int
    tenure: int
    keys: list[str]
    endpoints: list[str]
    free_at: int | None = None
    is_released: bool = False
    announced: tuple[str, str, int] | None = None
    strikes: int = 0
    disputes: int = 0
    convictions: int = 0
    suspended_until: int | None = None
    silent_until: int = 0
    spoke_in: int = 0

    @property
    def is_held(self) -> bool:
        """Neither given up nor released."""
        return self.free_at is None and not self.is_released


@dataclass
class Case:
    """A dispute. raised_in: the block. pool: mask of who its jury is drawn from. votes: stage → answer → mask.

    asker: the seat whose claim only asks the judge to show.
    """

    round: int
    judge: int
    tenure: int
    target: int
    challenger: str
    electorate: int
    pool: int
    raised_in: int
    stage: int
    deadline: int
    asker: int | None = None
    jury: int = 0
    appellant: str | None = None
    outcome: int | None = None
    votes: dict[int, list[int]] = field(default_factory=lambda: {1: [0, 0, 0], 3: [0, 0, 0]})

    @property
    def claim(self) -> tuple[int, int, int, int]:
        """What it is about: round, judge, the judge's tenure, target."""
        return self.round, self.judge, self.tenure, self.target

    @property
    def asked(self) -> int:
        """Mask of whose votes the stage is for; 0 in a stage without votes."""
        return {Stage.JURY: self.jury, Stage.CIRCLE: self.electorate}.get(Stage(self.stage), 0)

    def against(self, stage: int) -> int:
        """How many said that the judge was false or has withheld."""
        return (self.votes[stage][1] | self.votes[stage][2]).bit_count()

    def rejecting(self, stage: int) -> int:
        """How many said that the claim is wrong."""
        return self.votes[stage][0].bit_count()

    def voted(self, stage: int) -> int:
        """Mask of who voted; nobody does in a stage without votes."""
        rejecting, upholding, withheld = self.votes.get(stage, (0, 0, 0))
        return rejecting | upholding | withheld


class TwinState:
    """A circle as a value: it can be copied (`copy.deepcopy`) and led on without a chain.

    said: seat → (judged, accepted) bits of this round. committed: mask of what stands. drawn_in: the block whose
    hash draws the seed; drawn_until_s: until when another may be taken. seed: of the last exchange that somebody
    attested in; is_seed_known: it is this round's. used: hashes of invitations, (author, round) of convictions,
    claims that cannot be raised now. burned: wei.
    """

    def __init__(self, terms: ContractTerms, network: Network, task: bytes) -> None:
        self.terms, self.network = terms, network
        self.hash = bytes(24)
        self.number, self.phase, self.deadline_s = 0, Phase.GATHERING, 0
        self.seats: dict[int, Seat] = {}
        self.reputations: dict[int, int] = {}
        self.roster = self.late = self.woken = self.dozing = self.steady = self.committed = 0
        self.drawn_in, self.drawn_until_s, self.seed = 0, 0, bytes(32)
        self.is_seed_known = False
        self.said: dict[int, tuple[int, int]] = {}
        self.disputes: list[Case] = []
        self.owed: dict[str, int] = {}
        self.burned = 0
        self.used: set[object] = set()
        self._emitted: list[Event] = []
        self.hash = keccak(self.hash + b"\x01" + bytes(5) + bytes(2) + task + bytes(64))[:24]

    # ---------------------------------------------------------------------------------------------- what is

    @property
    def members(self) -> int:
        """Mask of the seats that are held."""
        return mask_of([seat for seat, held in self.seats.items() if held.is_held])

    @property
    def bonded(self) -> int:
        """Mask of the seats taken and not released."""
        return mask_of([seat for seat, held in self.seats.items() if not held.is_released])

    @property
    def below(self) -> int:
        """Mask of the seats below the reputation floor."""
        floor = self.terms.reputation_floor
        return mask_of([seat for seat, reputation in self.reputations.items() if reputation < floor])

    @property
    def suspended(self) -> int:
        """Mask of the seats whose suspension has not been ended."""
        return mask_of([seat for seat, held in self.seats.items() if held.suspended_until is not None])

    @property
    def attested(self) -> int:
        """Mask of who committed and attested in this round."""
        return mask_of(list(self.said)) & self.committed

    @property
    def pledged(self) -> int:
        """Wei in bonds of seats not released and of open disputes."""
        bonds = sum(held.bond for held in self.seats.values() if not held.is_released)
        open_ = [case for case in self.disputes if case.outcome is None]
        return bonds + self.terms.dispute_bond * sum(5 if case.appellant else 1 for case in open_)

    def seat_of(self, key: str) -> int | None:
        """The seat whose hot key this is, while it is held."""
        return next((seat for seat, held in self.seats.items() if held.is_held and held.peer == key), None)

    def voting_seat_of(self, key: str) -> int | None:
        """The same, also of a seat that was given up and is not released."""
        return next((seat for seat, held in self.seats.items() if not held.is_released and held.peer == key), None)

    def is_key_taken(self, key: str) -> bool:
        """It is or was the hot key of a seat that is not released."""
        return any(key in held.keys for held in self.seats.values() if not held.is_released)

    def is_in_round(self, seat: int) -> bool:
        """What it committed stands in the round under way."""
        return self.phase in (Phase.COMMIT, Phase.ATTEST) and self.committed >> seat & 1 == 1

    def next_seat(self) -> int | None:
        """Which seat the next peer to join gets."""
        if len(self.seats) < MAX_SEATS:
            return len(self.seats)
        return min((seat for seat, held in self.seats.items() if held.is_released), default=None)

    # ----------------------------------------------------------------------------------------------- the draw

    @property
    def contract(self) -> bytes:
        """20 bytes."""
        return to_canonical_address(self.network.contract)

    @property
    def draw(self) -> bytes:
        """The seed of the exchange under way, which everybody knows from the block after the closing one on."""
        return self.seed_of(self.drawn_in, self.number)

    def seed_of(self, block: int, purpose: int) -> bytes:
        """What the hash of a block gives for a round's exchange or a dispute's jury."""
        return keccak(BareMachine.block_hash(block) + purpose.to_bytes(32, "big") + self.contract.rjust(32, b"\0"))

    def neighbours(self, seat: int) -> tuple[int, ...]:
        """Whom a committed seat judges, in the order of its verdicts' bits."""
        return _neighbours(self.draw, self.committed, self.terms.degree)[seat]

    # -------------------------------------------------------------------------------------- for the calls

    @staticmethod
    def require(holds: bool, reason: str) -> None:
        """Raises Refused."""
        if not holds:
            raise Refused(reason)

    def held(self, seat: int, reason: str) -> Seat:
        """The seat, which must be held. Raises Refused."""
        held = self.seats.get(seat)
        if held is None or not held.is_held:
            raise Refused(reason)
        return held

    def seat_of_caller(self, sender: str) -> int:
        """Raises Refused."""
        if (seat := self.seat_of(sender)) is None:
            raise Refused("seat: caller has none")
        return seat

    def emit(self, event: Event) -> None:
        """Fold an event (R4) before what it causes."""
        kind, seat, words = entry_of(event, self)
        head = self.hash + kind.to_bytes(1, "big") + self.number.to_bytes(5, "big") + seat.to_bytes(2, "big")
        self.hash = keccak(head + b"".join(words))[:24]
        self._emitted.append(event)

    def vacate(self, seat: int, moment: Moment) -> int:
        """Give a seat up (R23.1) but for its bond. Returns when it is free."""
        held = self.seats[seat]
        held.free_at = max(moment.now_s, self.deadline_s) + self.terms.unbonding_s
        held.announced, held.strikes = None, 0
        self.woken &= ~(1 << seat)
        if self.phase == Phase.COMMIT:
            self.roster &= ~(1 << seat)
            self.late &= ~(1 << seat)
            self.committed &= ~(1 << seat)
        return held.free_at

    def open_round(self, number: int, attested: int, moment: Moment) -> None:
        """R3.5."""
        wanted = (attested | self.woken) & self.members
        self.number, self.phase = number, Phase.COMMIT
        self.deadline_s = moment.now_s + self.terms.commit_window_s
        self.roster, self.late, self.woken = wanted & ~self.dozing, wanted & self.dozing, 0
        self.committed, self.said = 0, {}

    def owe(self, account: str, amount: int) -> None:
        """Wei out of what is pledged."""
        if amount:
            self.owed[account] = self.owed.get(account, 0) + amount

    def fine(self, seat: int, amount: int) -> int:
        """Take this from a seat's bond, or what is left. Returns what was taken; the caller burns it or owes it."""
        taken = min(self.seats[seat].bond, amount)
        self.seats[seat].bond -= taken
        return taken


@lru_cache(maxsize=4)
def _neighbours(seed: bytes, committed: int, degree: int) -> dict[int, tuple[int, ...]]:
    return draw_neighbours(seed, committed, degree)
