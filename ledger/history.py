"""The fold: events in order become the circle's state, or are shown to be impossible.

This is the contracts' state machine once more, in Python. A node follows the circle with it and an auditor checks
the chain with it: an RPC endpoint that leaves an event out, adds one or reorders them ends in a `HistoryFault` or
in a running hash that differs from the one the contract holds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger import events
from ledger.events import Event
from ledger.fold import faults, rounds, seats
from ledger.fold.seats import is_endpoint
from ledger.fold.state import HASH_BYTES, MAX_SEATS, CircleParameters, HistoryFault, Phase, State
from ledger.members import Seat
from ledger.rounds import Attestation, Round

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
    events.Opened: seats.opened,
    events.Joined: seats.joined,
    events.Moved: seats.moved,
    events.Woken: seats.woken,
    events.Committed: rounds.committed,
    events.Drawn: rounds.drawn,
    events.Attested: rounds.attested,
    events.Settled: rounds.settled,
    events.Left: seats.left,
    events.Ejected: seats.ejected,
    events.Released: seats.released,
    events.Rotating: seats.rotating,
    events.Rotated: seats.rotated,
    events.Equivocated: faults.equivocated,
    events.Disputed: faults.disputed,
    events.Summoned: faults.summoned,
    events.Voted: faults.voted,
    events.Resolved: faults.resolved,
    events.Withdrawn: seats.withdrawn,
    events.Referred: faults.referred,
    events.Appealed: faults.appealed,
    events.Restarted: seats.restarted,
}


class History(State):
    """A circle's past and present, grown event by event."""

    def apply(self, event: Event) -> None:
        """Take the next event. Raises HistoryFault where the contract could not have emitted it here."""
        handler = _HANDLERS.get(type(event))
        if handler is None:
            raise HistoryFault(f"unknown event {event!r}")
        handler(self, event)
