"""What a peer does next: a pure function of the circle's history and its own seat."""

from dataclasses import dataclass
from enum import Enum

from ledger.history import History, Phase, Round
from ledger.topology import duty_order, mask_of


class Step(Enum):
    """The one thing to do now."""

    WAIT = "wait"
    COMMIT = "commit"
    WAKE = "wake"
    EXCHANGE = "exchange"
    ADVANCE = "advance"
    SETTLE = "settle"
    DONE = "done"


@dataclass(frozen=True)
class Means:
    """What a peer has to take part with.

    base: the model and the memory that the chain says it goes on from. update: what it committed in this round.
    """

    base: bool = True
    update: bool = True


def next_step(history: History, seat: int, *, overdue: bool, lapsed: bool = False, means: Means = Means()) -> Step:
    """Decide. overdue: the open phase's deadline has passed; lapsed: by so much that R3.12 gives the round up.

    Who lacks its base sits out and is not waited for. Who lost its own update sits out this round and wakes for the
    next one. Either does the chores of others.
    """
    round_ = history.round
    if history.phase == Phase.FINISHED:
        return Step.DONE
    if round_ is None:
        return Step.WAIT
    if history.phase == Phase.COMMIT:
        return _while_committing(history, round_, seat, overdue, means)
    return _while_attesting(history, round_, seat, overdue, lapsed, means)


def _while_committing(history: History, round_: Round, seat: int, overdue: bool, means: Means) -> Step:
    has_quorum = len(round_.commits) >= history.parameters.quorum
    if seat not in round_.commits:
        if not means.base:
            return Step.WAIT
        if history.roster >> seat & 1:
            return Step.COMMIT
        # Not counted on. Who is new waits for the next round, unless this one cannot end without it.
        is_wanted = overdue and not has_quorum
        return Step.WAKE if is_wanted or not history.is_woken(seat) else Step.WAIT
    # Those still missing may have left their seats: then nobody is waited for, and no commit closes the phase.
    is_complete = history.roster & ~round_.committed == 0
    return Step.ADVANCE if has_quorum and (overdue or is_complete) else Step.WAIT


def _while_attesting(history: History, round_: Round, seat: int, overdue: bool, lapsed: bool, means: Means) -> Step:
    if seat not in round_.attestations and means.base:
        if seat in round_.commits and means.update:
            return Step.EXCHANGE
        # It has no part in this round, so the next round would not wait for it unless it asks.
        if not history.is_woken(seat):
            return Step.WAKE
    is_full = len(round_.attestations) == len(round_.commits)
    has_quorum = len(round_.attestations) >= history.parameters.quorum
    if lapsed or (has_quorum and (is_full or overdue)):
        return Step.SETTLE
    return Step.WAIT


def duty_rank(history: History, seat: int) -> int:
    """How many seats are to do this round's chores (close, settle) before this one. 0: do it now."""
    round_ = history.round
    assert round_ is not None
    assert history.opened is not None
    seed = round_.seed or history.opened.task + round_.number.to_bytes(8, "big")
    order = duty_order(seed, mask_of(list(round_.commits)))
    return order.index(seat) if seat in order else len(order)
