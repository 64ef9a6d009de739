"""A history as it is at one moment, for readers in other threads while the circle goes on."""

import copy

from ledger.circle.history import History, Round
from ledger.circle.members import Seat


def freeze(history: History) -> History:
    """A copy that no later event changes. What cannot change any more, settled rounds above all, is shared."""
    frozen = copy.copy(history)
    frozen.seats = {seat: _copy_seat(held) for seat, held in history.seats.items()}
    frozen.arrivals = dict(history.arrivals)
    frozen.rounds = history.rounds[:]
    if frozen.rounds and not frozen.rounds[-1].settled:
        frozen.rounds[-1] = _copy_round(frozen.rounds[-1])
    frozen.reputations = dict(history.reputations)
    frozen.open_disputes = {number: copy.deepcopy(one) for number, one in history.open_disputes.items()}
    frozen.disputes = [frozen.open_disputes.get(one.number, one) for one in history.disputes]
    frozen.last_raised = {
        claim: frozen.open_disputes.get(one.number, one) for claim, one in history.last_raised.items()
    }
    frozen.owed = dict(history.owed)
    frozen.reputation_differences = history.reputation_differences[:]
    return frozen


def _copy_seat(held: Seat) -> Seat:
    copied = copy.copy(held)
    copied.endpoints, copied.keys, copied.former = held.endpoints[:], held.keys[:], held.former[:]
    return copied


def _copy_round(round_: Round) -> Round:
    copied = copy.copy(round_)
    for name in ("reputations", "commits", "peers", "tenures", "begun", "attestations"):
        setattr(copied, name, dict(getattr(round_, name)))
    copied.heard = set(round_.heard)
    return copied
