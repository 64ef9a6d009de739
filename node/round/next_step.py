"""What a peer does next: a pure function of the circle's history and its own seat."""

from dataclasses import dataclass
from enum import Enum

from ledger.circle.draw import mask_of
from ledger.circle.history import History, Phase, Round


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
    """What a peer has to take part with."""

    base: bool = True
    """It has the model and the memory that the chain says it goes on from."""
    update: bool = True
    """It has what it committed in this round."""


@dataclass(frozen=True)
class Lateness:
    """How late the open phase is."""

    overdue: bool = False
    """Its deadline has passed."""
    lapsed: bool = False
    """It has passed by so much that R3.12 gives the round up."""
    seed_lost: bool = False
    """The chain has forgotten the block that the seed follows from, and nobody attested under it (R3.9)."""


def next_step(history: History, seat: int, late: Lateness = Lateness(), means: Means = Means()) -> Step:
    """Decide.

    A peer without its base sits out and is not waited for. One that lost its own update sits out this round and
    wakes for the next one. Either does the chores of others.
    """
    round_ = history.round
    if history.phase == Phase.FINISHED:
        return Step.DONE
    if round_ is None:
        return Step.WAIT
    is_committing = history.phase == Phase.COMMIT
    step = (_while_committing if is_committing else _while_attesting)(history, round_, seat, late, means)
    if step == Step.WAIT and means.base and is_suspension_over(history, seat):
        return Step.WAKE
    return step


def is_suspension_over(history: History, seat: int) -> bool:
    """The term of a conviction has passed, and the seat has not said yet that it is back (R26.6)."""
    until = history.seats[seat].suspended_until
    return until is not None and history.number >= until


def trains_ahead(history: History, seat: int) -> bool:
    """Whether the seat has no part in the round under way and asked to be in the next one (R21.2).

    Its base stays as it is until then, so what it trains now it can commit at once when that round opens. Nobody
    waits for a seat that dozes (R3.5a): where the others close the phase as soon as they are done, this is its
    way back.
    """
    round_ = history.round
    if round_ is None or history.phase not in (Phase.COMMIT, Phase.ATTEST) or seat in round_.commits:
        return False
    may_commit = history.phase == Phase.COMMIT and (history.roster | history.late) >> seat & 1
    return not may_commit and history.is_woken(seat) and round_.number < history.terms.last_round


def is_heard(history: History, round_: Round) -> bool:
    """Whether all have attested that the attest phase waits for (R3.7): seats committed, held and awake."""
    waited_for = round_.committed & history.members & ~history.dozing
    return waited_for & ~mask_of(list(round_.attestations)) == 0


def _while_committing(history: History, round_: Round, seat: int, late: Lateness, means: Means) -> Step:
    has_quorum = len(round_.commits) >= history.terms.quorum
    if seat not in round_.commits:
        if not means.base:
            return Step.WAIT
        if (history.roster | history.late) >> seat & 1:
            return Step.COMMIT
        # Not counted on. A newcomer waits for the next round, unless this one cannot end without it.
        is_wanted = late.overdue and not has_quorum
        return Step.WAKE if is_wanted or not history.is_woken(seat) else Step.WAIT
    # R3.7: those still missing may have left; then nobody is waited for, and no commit closes the phase.
    is_complete = history.roster & ~round_.committed == 0
    return Step.ADVANCE if has_quorum and (late.overdue or is_complete) else Step.WAIT


def _while_attesting(history: History, round_: Round, seat: int, late: Lateness, means: Means) -> Step:
    if late.seed_lost and not round_.heard:
        return Step.SETTLE if late.lapsed else Step.ADVANCE
    if seat not in round_.attestations and means.base:
        if seat in round_.commits and means.update:
            return Step.EXCHANGE
        # It has no part in this round, so the next round would not wait for it unless it asks.
        if not history.is_woken(seat):
            return Step.WAKE
    has_quorum = len(round_.attestations) >= history.terms.quorum
    if late.lapsed or (has_quorum and (late.overdue or is_heard(history, round_))):
        return Step.SETTLE
    return Step.WAIT


def count_seats_ahead(history: History, seat: int) -> int:
    """How many seats are to do this round's chores (close, settle) before this one. 0: do it now (R21)."""
    assert history.round is not None
    order = history.draw_duty_order(mask_of(list(history.round.commits)))
    return order.index(seat) if seat in order else len(order)
