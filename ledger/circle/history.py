"""The fold: events in order become the circle's state, or are shown to be impossible.

This is the contracts' state machine once more, in Python. A node follows the circle with it and an auditor checks
the chain with it: an RPC endpoint that leaves an event out, adds one or reorders them ends in a `HistoryFault` or
in a running hash that differs from the one the contract holds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger.circle import events
from ledger.circle.events import Event
from ledger.circle.fold import fault_events, round_events, seat_events
from ledger.circle.fold.seat_events import is_endpoint
from ledger.circle.fold.state import HASH_BYTES, MAX_SEATS, CircleParameters, HistoryFault, Phase, State
from ledger.circle.members import Seat
from ledger.circle.round import Attestation, Round

__all__ = [
    "HASH_BYTES",
    "MAX_SEATS",
    "PATIENCE_WINDOWS",
    "Attestation",
    "CircleParameters",
    "History",
    "HistoryFault",
    "Phase",
    "Round",
    "Seat",
    "is_endpoint",
]

# R3.12: so many attest windows behind its deadline a round short of the quorum may be given up.
PATIENCE_WINDOWS: Final = 16
_HANDLERS: Final[Mapping[type, Callable[[State, Any], None]]] = {
    events.Opened: seat_events.opened,
    events.Joined: seat_events.joined,
    events.Moved: seat_events.moved,
    events.Woken: seat_events.woken,
    events.Committed: round_events.committed,
    events.Drawn: round_events.drawn,
    events.Attested: round_events.attested,
    events.Settled: round_events.settled,
    events.Left: seat_events.left,
    events.Ejected: seat_events.ejected,
    events.Released: seat_events.released,
    events.Rotating: seat_events.rotating,
    events.Rotated: seat_events.rotated,
    events.Equivocated: fault_events.equivocated,
    events.Disputed: fault_events.disputed,
    events.Summoned: fault_events.summoned,
    events.Voted: fault_events.voted,
    events.Resolved: fault_events.resolved,
    events.Withdrawn: seat_events.withdrawn,
    events.Referred: fault_events.referred,
    events.Appealed: fault_events.appealed,
    events.Restarted: seat_events.restarted,
}


class History(State):
    """A circle's past and present, grown event by event."""

    def apply(self, event: Event) -> None:
        """Take the next event. Raises HistoryFault where the contract could not have emitted it here."""
        handler = _HANDLERS.get(type(event))
        if handler is None:
            raise HistoryFault(f"unknown event {event!r}")
        handler(self, event)
