"""A history as it is at one moment, while the circle goes on: for a reader in another thread, or to go back to."""

import copy

from ledger.circle.history import History
from ledger.circle.members import Seat


def copy_history(history: History) -> History:
    """A copy that no later event changes, and that can be folded on by itself.

    What cannot change any more is shared, settled rounds above all, so that it takes little time and memory.
    """
    copied = copy.copy(history)
    copied.seats = {seat: _copy_seat(held) for seat, held in history.seats.items()}
    copied.arrivals = dict(history.arrivals)
    copied.rounds = history.rounds[:]
    if copied.rounds:
        copied.rounds[-1] = copied.rounds[-1].copy()
    copied.reputations = dict(history.reputations)
    copied.open_disputes = {number: copy.deepcopy(one) for number, one in history.open_disputes.items()}
    copied.disputes = [copied.open_disputes.get(one.number, one) for one in history.disputes]
    copied.last_raised = {
        claim: copied.open_disputes.get(one.number, one) for claim, one in history.last_raised.items()
    }
    copied.owed = dict(history.owed)
    copied.reputation_differences = history.reputation_differences[:]
    return copied


def _copy_seat(held: Seat) -> Seat:
    # As `copy.copy` does it, which looks for other ways first: 256 seats are copied every few blocks.
    copied = object.__new__(Seat)
    vars(copied).update(vars(held))
    copied.endpoints, copied.keys, copied.former = held.endpoints[:], held.keys[:], held.former[:]
    return copied
