"""Coin: who put what down, lost what through what, and took what, from the events (R22.5). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.chain.placed_event import PlacedEvent
from ledger.circle import events
from ledger.circle.draw import seats_of
from ledger.circle.events import Outcome, Stage
from ledger.circle.fold.fault_events import CHALLENGER_PART, JUROR_PART
from ledger.circle.fold.state import APPEAL_BONDS
from ledger.circle.history import History
from ledger.circle.members import Dispute


@dataclass(frozen=True)
class CoinLoss:
    """Something that somebody had put down and does not get back."""

    account: str
    """Whose it was: a seat's hot key then, or who pledged it in a dispute."""
    seat: int | None
    """Out of whose bond it came; None for a pledge in a dispute."""
    wei: int
    """All of it."""
    paid: int
    """Wei of it that are owed to another; the rest is burned."""
    paid_to: str
    """To whom; empty where all of it is burned."""
    why: str
    """In a sentence."""
    dispute: int | None
    """Through which one; None where it was not through a dispute."""
    round: int | None
    """The round that the dispute or the proof was about; None where it was about none."""
    block: int
    """Number of the block in which it was lost."""
    transaction: str
    """That lost it; hash, 0x-prefixed hex."""


@dataclass(frozen=True)
class CoinPayment:
    """Somebody took what the circle owed it."""

    account: str
    """Who."""
    wei: int
    """How much."""
    block: int
    """Number of the block."""
    transaction: str
    """Its hash, 0x-prefixed hex."""


@dataclass
class CoinFlow:
    """All coin of a circle: what was put down is what was burned, taken, is owed and is pledged still."""

    bond: int
    """Wei that a seat puts down."""
    dispute_bond: int
    """Wei that a claim puts down; 0: no disputes."""
    put_down: int = 0
    """Wei in bonds, claims and appeals, ever."""
    burned: int = 0
    """Wei."""
    taken: int = 0
    """Wei that were withdrawn."""
    owed: dict[str, int] = field(default_factory=dict)
    """Account → wei that it may withdraw."""
    pledged: int = 0
    """Wei in the bonds of seats not released and in open disputes."""
    losses: list[CoinLoss] = field(default_factory=list)
    """In order."""
    payments: list[CoinPayment] = field(default_factory=list)
    """In order."""


def trace_coin(history: History, placed: Iterable[PlacedEvent]) -> CoinFlow:
    """placed: all events that the history was folded from, in order."""
    tracer = _Tracer(history)
    for place in placed:
        tracer.note(place)
    flow = tracer.flow
    flow.owed, flow.pledged = dict(sorted(history.owed.items())), history.pledged
    return flow


class _Tracer:
    """Bonds as they stand from event to event."""

    def __init__(self, history: History) -> None:
        terms = history.terms
        self.flow = CoinFlow(terms.bond, terms.dispute_bond)
        self._disputes = history.disputes
        self._raised = 0
        self._bonds: dict[int, int] = {}
        """Seat → wei; of seats released not there."""
        self._peers: dict[int, str] = {}
        self._since: dict[int, int] = {}
        """Seat → how many disputes had been raised when it joined."""

    def note(self, place: PlacedEvent) -> None:
        """What an event moves."""
        flow, event = self.flow, place.event
        match event:
            # Most events move nothing.
            case events.Committed() | events.Attested():
                pass
            case events.Joined():
                flow.put_down += flow.bond
                self._bonds[event.seat], self._peers[event.seat] = flow.bond, event.peer
                self._since[event.seat] = self._raised
            case events.Rotated():
                self._peers[event.seat] = event.peer
            case events.Released():
                del self._bonds[event.seat]
            case events.Left():
                self._take(place, event.seat, event.burned, "given up with strikes against it")
            case events.Ejected():
                self._take(place, event.seat, event.burned, "ejected: below the reputation floor for too long")
            case events.Equivocated():
                why = f"two updates signed for round {event.round}, proved by {event.reporter}"
                self._take(place, event.seat, event.bond, why, number=event.round)
            case events.Disputed():
                self._raised += 1
                flow.put_down += flow.dispute_bond
            case events.Appealed():
                flow.put_down += APPEAL_BONDS * flow.dispute_bond
            case events.Resolved():
                self._resolve(place, event, self._disputes[event.dispute])
            case events.Withdrawn():
                flow.taken += event.amount
                moved = CoinPayment(event.account, event.amount, place.position[0], place.transaction)
                flow.payments.append(moved)

    def _resolve(self, place: PlacedEvent, event: events.Resolved, dispute: Dispute) -> None:
        """R26.5, R26.6: jurors first, as the fold has it."""
        claim, flow = dispute.claim, self.flow
        for seat in seats_of(dispute.mistaken_jurors):
            if seat in self._bonds and self._since[seat] <= dispute.number:
                lost = min(self._bonds[seat], flow.bond // JUROR_PART)
                self._take(place, seat, lost, "a vote on the jury that the circle found wrong", dispute)
        what = "record or base" if claim.target == claim.judge else f"verdict about seat {claim.target}"
        why = f"its {what} was found false"
        self._take(place, claim.judge, event.fine, why, dispute, event.fine // CHALLENGER_PART)
        if dispute.is_bond_burned:
            why = "its jury was never drawn" if dispute.stage == Stage.DRAWING else "its claim was rejected"
            self._lose(place, claim.challenger, None, flow.dispute_bond, why, dispute)
        if event.outcome == Outcome.REJECTED and dispute.appellant is not None:
            pledged = APPEAL_BONDS * flow.dispute_bond
            self._lose(place, dispute.appellant, None, pledged, "its appeal was rejected", dispute)

    def _take(
        self,
        place: PlacedEvent,
        seat: int,
        wei: int,
        why: str,
        dispute: Dispute | None = None,
        paid: int = 0,
        number: int | None = None,
    ) -> None:
        """Out of a seat's bond."""
        self._bonds[seat] -= wei
        self._lose(place, self._peers[seat], seat, wei, why, dispute, paid, number)

    def _lose(
        self,
        place: PlacedEvent,
        account: str,
        seat: int | None,
        wei: int,
        why: str,
        dispute: Dispute | None,
        paid: int = 0,
        number: int | None = None,
    ) -> None:
        if wei == 0:
            return
        self.flow.burned += wei - paid
        claim = None if dispute is None else dispute.claim
        self.flow.losses.append(
            CoinLoss(
                account,
                seat,
                wei,
                paid,
                claim.challenger if claim is not None and paid else "",
                why,
                None if claim is None else claim.dispute,
                number if claim is None else claim.round,
                place.position[0],
                place.transaction,
            )
        )
