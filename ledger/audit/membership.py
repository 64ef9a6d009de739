"""Who took part, who was excluded, when and why: the list a regulator asks for first (R22.5)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger.audit.findings import MembershipChange
from ledger.audit.groups import find_ranges
from ledger.chain.placed_event import PlacedEvent
from ledger.circle import events
from ledger.circle.draw import seats_of
from ledger.circle.history import History, Round
from ledger.identity.addresses import NOBODY
from ledger.untrusted.text import format_ether


def _joined(event: events.Joined) -> str:
    return "admission is open" if event.inviter == NOBODY else f"invited by {event.inviter}"


def _left(event: events.Left) -> str:
    burned = f"; {format_ether(event.burned)} of its bond burned for its strikes" if event.burned else ""
    return "given up with its cold key" + burned


def _ejected(event: events.Ejected) -> str:
    why = "below the reputation floor" if event.burned else "below the reputation floor or away"
    return f"{why} for too many rounds in a row; {format_ether(event.burned)} of its bond burned"


def _convicted(event: events.Equivocated) -> str:
    return (
        f"signed two updates for round {event.round}, proved by {event.reporter}; bond of "
        f"{format_ether(event.bond)} lost"
    )


_WHY: Final[Mapping[type, tuple[str, Callable[[Any], str]]]] = {
    events.Joined: ("joined", _joined),
    events.Left: ("left", _left),
    events.Ejected: ("ejected", _ejected),
    events.Equivocated: ("convicted", _convicted),
    events.Released: ("released", lambda event: f"unbonding over; {format_ether(event.bond)} owed to its cold key"),
    events.Rotated: ("rotated", lambda event: f"new keys, announced before: hot {event.peer}, cold {event.cold}"),
}


class MembershipLog:
    """Written along with the fold: `note` each event after it was applied."""

    def __init__(self, history: History, below: int = 0) -> None:
        """below: mask of the seats below the floor, where the history goes on from events noted before."""
        self.history, self.below = history, below
        self.changes: list[MembershipChange] = []

    def note(self, placed: PlacedEvent) -> None:
        """Keep what an event changed. It was just applied."""
        event = placed.event
        if isinstance(event, events.Joined):
            self.below &= ~(1 << event.seat)
        if type(event) in _WHY:
            change, why = _WHY[type(event)]
            self._add(placed, change, event.seat, why(event))  # type: ignore[union-attr]  # those of _WHY have one
        elif isinstance(event, events.Settled):
            settled = self.history.rounds[event.round - 1]
            self._compare(placed, lambda seat: _judgement(settled, seat))
        elif isinstance(event, events.Resolved):
            self._resolved(placed, event)
        elif isinstance(event, events.Referred):
            self._compare(placed, lambda _: f"it kept silent on the jury of dispute {event.dispute}")
        elif isinstance(event, events.Restarted):
            self._compare(placed, lambda _: "it started anew, with a quarter of its reputation")

    def _resolved(self, placed: PlacedEvent, event: events.Resolved) -> None:
        """A conviction, and what became of jurors who were mistaken."""
        claim = self.history.disputes[event.dispute].claim
        judge, what = claim.judge, "record or base" if claim.target == claim.judge else "verdict"
        upheld = f"dispute {event.dispute} about its {what} was upheld"
        if event.outcome == events.Outcome.UPHELD:
            change = "convicted" if event.free_at else "suspended"
            self._add(placed, change, judge, f"{upheld}; {format_ether(event.fine)} of its bond lost")
        self._compare(
            placed,
            lambda seat: upheld if seat == judge else f"the circle found its vote on dispute {event.dispute} wrong",
        )

    def _compare(self, placed: PlacedEvent, why: Callable[[int], str]) -> None:
        """Who fell below the floor, and who came back."""
        history, floor = self.history, self.history.terms.reputation_floor
        members, below = history.members, history.below
        for seat in seats_of((below ^ self.below) & members):
            reputation = f"reputation {history.reputations[seat]} of 65535, floor {floor}"
            if below >> seat & 1:
                self._add(placed, "quarantined", seat, f"{reputation}: {why(seat)}")
            else:
                self._add(placed, "restored", seat, f"{reputation}: {why(seat)}")
        self.below = below

    def _add(self, placed: PlacedEvent, change: str, seat: int, why: str) -> None:
        held = self.history.seats[seat]
        # The last founder's joining opens round 1, and is no part of it.
        number = held.since_round if isinstance(placed.event, events.Joined) else self.history.number
        block, transaction = placed.position[0], placed.transaction
        self.changes.append(MembershipChange(change, number, seat, held.peer, why, block, transaction))


def _judgement(round_: Round, seat: int) -> str:
    """What the round's verdicts said of a seat."""
    accepting, rejecting = round_.find_judges(seat)
    judged = f"accepted by {_name_seats(accepting)}, rejected by {_name_seats(rejecting)}"
    said = f"in round {round_.number} {judged}"
    if seat in round_.commits and seat not in round_.attestations:
        said += ", and it attested nothing itself"
    return said


def _name_seats(seats: list[int]) -> str:
    """`nobody`, `seat 3`, `seats 0, 2–4`."""
    if not seats:
        return "nobody"
    runs = find_ranges(seats)
    told = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)
    return f"seat {told}" if len(seats) == 1 else f"seats {told}"
