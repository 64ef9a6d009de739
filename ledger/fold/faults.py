"""Faults proven on chain: equivocations, and disputes about verdicts."""

from typing import Final

from eth_hash.auto import keccak

from ledger import events
from ledger.events import Outcome
from ledger.fold.state import State, address, word
from ledger.members import Dispute
from ledger.topology import jury

# The parts of a bond that pay who reports an equivocation and who shows a verdict to be false; what is left of that
# judge's reputation is old >> CUT_SHIFT.
REPORTER_PART: Final = 4
CHALLENGER_PART: Final = 4
CUT_SHIFT: Final = 2
DISPUTE_ROUNDS: Final = 256


def equivocated(state: State, event: events.Equivocated) -> None:
    """A seat's peer was shown to have signed two updates for one round."""
    held = state.taken(event.seat)
    state.require(event.round >= held.since_round, f"seat {event.seat} was convicted of another's signatures")
    state.require(event.bond == held.bond, f"seat {event.seat} lost another bond than it had")
    state.require(held.is_held or held.bond > 0, f"seat {event.seat} had nothing left to lose")
    if held.is_held:
        state.vacate(event.seat, event.free_at)
    state.require(event.free_at == held.free_at, f"seat {event.seat} is free at another time")
    held.bond = 0
    state.owe(event.reporter, event.bond // REPORTER_PART)
    what = keccak(word(event.round) + word(event.free_at))
    state.remember(event, event.seat, what, address(event.reporter), word(event.bond))


def disputed(state: State, event: events.Disputed) -> None:
    """A verdict was said to be false."""
    held = state.taken(event.judge)
    state.require(event.dispute == len(state.disputes), "a dispute was left out")
    state.require(state.parameters.dispute_bond > 0, "the circle has no disputes")
    is_settled = 1 <= event.round <= len(state.rounds) and state.rounds[event.round - 1].settled
    state.require(is_settled, "a dispute is about a round that is not settled")
    state.require(state.number - event.round <= DISPUTE_ROUNDS, "a dispute is about a round too long ago")
    state.require(event.round >= held.since_round, "a dispute is about a judge who joined later")
    state.require(event.target in state.seats and event.target != event.judge, "a dispute has no target")
    said = (event.round, event.judge, held.tenure, event.target)
    state.require(not state.is_disputed(*said), "a verdict was disputed twice")
    eligible = state.eligible_jurors(event.judge, event.target, event.challenger)
    state.require(eligible != 0, "a dispute has nobody to vote on it")
    held.disputes += 1
    state.disputes.append(Dispute(event, held.tenure, eligible))
    words = b"".join(map(word, (event.dispute, event.round, event.target))) + address(event.challenger)
    state.remember(event, event.judge, keccak(words + event.evidence + word(event.deadline)))


def summoned(state: State, event: events.Summoned) -> None:
    """A dispute's jury was drawn."""
    dispute = _open_dispute(state, event.dispute)
    state.require(dispute.summoned is None, f"dispute {event.dispute} has a jury")
    drawn = jury(event.seed, dispute.eligible, state.parameters.jury_seats)
    state.require(event.jury == drawn, f"dispute {event.dispute} has another jury than was drawn")
    dispute.summoned = event
    words = word(event.dispute) + event.seed + word(event.jury) + word(event.deadline)
    state.remember(event, dispute.claim.judge, keccak(words))


def voted(state: State, event: events.Voted) -> None:
    """A seat of the jury said what recomputing gave."""
    dispute = _open_dispute(state, event.dispute)
    state.require(dispute.jury >> event.seat & 1 == 1, f"seat {event.seat} voted uncalled")
    cast = dispute.upholding | dispute.rejecting
    state.require(cast >> event.seat & 1 == 0, f"seat {event.seat} voted twice")
    dispute.voters[event.seat] = state.held(event.seat).peer
    if event.upholds:
        dispute.upholding |= 1 << event.seat
    else:
        dispute.rejecting |= 1 << event.seat
    state.remember(event, event.seat, word(event.dispute), word(int(event.upholds)))


def resolved(state: State, event: events.Resolved) -> None:
    """A dispute was closed."""
    dispute = _open_dispute(state, event.dispute)
    judge, challenger = dispute.claim.judge, dispute.claim.challenger
    held = state.taken(judge)
    state.require(event.outcome == dispute.verdict, f"dispute {event.dispute} ended against its votes")
    is_upheld = event.outcome == Outcome.UPHELD
    due = min(held.bond, state.parameters.bond // CHALLENGER_PART) if is_upheld else 0
    state.require(event.paid == due, f"dispute {event.dispute} was paid another sum")
    dispute.outcome, dispute.paid = Outcome(event.outcome), event.paid
    held.disputes -= 1
    held.bond -= event.paid
    if is_upheld:
        state.reputations[judge] >>= CUT_SHIFT
    returned = 0 if event.outcome == Outcome.REJECTED else state.parameters.dispute_bond
    state.owe(challenger, event.paid + returned)
    state.remember(event, judge, word(event.dispute), word(event.outcome), word(event.paid))


def _open_dispute(state: State, number: int) -> Dispute:
    state.require(number < len(state.disputes), f"there is no dispute {number}")
    state.require(state.disputes[number].outcome is None, f"dispute {number} is closed")
    return state.disputes[number]
