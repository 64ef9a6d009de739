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
from ledger.circle.fold.state import HASH_BYTES, MAX_SEATS, CircleTerms, FoldedCircle, HistoryFault, Phase
from ledger.circle.members import Seat
from ledger.circle.round import Attestation, Round

__all__ = [
    "HASH_BYTES",
    "MAX_SEATS",
    "PATIENCE_WINDOWS",
    "Attestation",
    "CircleTerms",
    "History",
    "HistoryFault",
    "Phase",
    "Round",
    "Seat",
    "is_endpoint",
]

# R3.12: so many attest windows behind its deadline a round short of the quorum may be given up.
PATIENCE_WINDOWS: Final = 16
_HANDLERS: Final[Mapping[type, Callable[[FoldedCircle, Any], None]]] = {
    events.Opened: seat_events.apply_opened,
    events.Joined: seat_events.apply_joined,
    events.Moved: seat_events.apply_moved,
    events.Woken: seat_events.apply_woken,
    events.Committed: round_events.apply_committed,
    events.Drawn: round_events.apply_drawn,
    events.Attested: round_events.apply_attested,
    events.Settled: round_events.apply_settled,
    events.Left: seat_events.apply_left,
    events.Ejected: seat_events.apply_ejected,
    events.Released: seat_events.apply_released,
    events.Rotating: seat_events.apply_rotating,
    events.Rotated: seat_events.apply_rotated,
    events.Equivocated: fault_events.apply_equivocated,
    events.Disputed: fault_events.apply_disputed,
    events.Summoned: fault_events.apply_summoned,
    events.Voted: fault_events.apply_voted,
    events.Resolved: fault_events.apply_resolved,
    events.Withdrawn: seat_events.apply_withdrawn,
    events.Referred: fault_events.apply_referred,
    events.Appealed: fault_events.apply_appealed,
    events.Restarted: seat_events.apply_restarted,
}


class History(FoldedCircle):
    """A circle's past and present, grown event by event."""

    def apply(self, event: Event) -> None:
        """Take the next event. Raises HistoryFault where the contract could not have emitted it here."""
        handler = _HANDLERS.get(type(event))
        if handler is None:
            raise HistoryFault(f"unknown event {event!r}")
        handler(self, event)
