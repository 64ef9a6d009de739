"""Faults proven on chain: equivocations, and disputes about what judges say."""

from typing import Final

from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.draw import jury, mask_of, seats_of
from ledger.circle.events import Answer, Outcome, Stage
from ledger.circle.fold.seat_events import CUT_SHIFT
from ledger.circle.fold.state import APPEAL_BONDS, State, address, word
from ledger.circle.members import Dispute, Seat
from ledger.circle.reputation import lessened

# R26.6: a first conviction costs this part of a full bond, and this part of what it costs is the challenger's.
CONVICTED_PART: Final = 2
CHALLENGER_PART: Final = 4
# R26.5: what a juror's mistake costs of a full bond.
JUROR_PART: Final = 8
SUSPENDED_ROUNDS: Final = 64
# R26.6: with so many convictions a seat is given up.
CONVICTIONS: Final = 2
DISPUTE_ROUNDS: Final = 256
# R26.1: a dispute takes so many windows at most, and must have them before its judge is free.
WINDOWS: Final = 4


def equivocated(state: State, event: events.Equivocated) -> None:
    """A seat's peer was shown to have signed two updates for one round (R25)."""
    held = state.taken(event.seat)
    state.require(event.round >= held.since_round, f"seat {event.seat} was convicted of another's signatures")
    state.require(event.bond == held.bond, f"seat {event.seat} lost another bond than it had")
    state.require(held.is_held or held.bond > 0, f"seat {event.seat} had nothing left to lose")
    if held.is_held:
        state.vacate(event.seat, event.free_at)
    state.require(event.free_at == held.free_at, f"seat {event.seat} is free at another time")
    held.bond = 0
    what = keccak(word(event.round) + word(event.free_at))
    state.remember(event, event.seat, what, address(event.reporter), word(event.bond))


def disputed(state: State, event: events.Disputed) -> None:
    """What a judge said was claimed to be false (R26.1)."""
    held = state.taken(event.judge)
    _check_claim(state, event, held)
    window_s = state.parameters.dispute_window_s
    if held.free_at is not None:
        in_time = event.deadline + (WINDOWS - 1) * window_s <= held.free_at
        state.require(in_time, f"a dispute could outlast seat {event.judge}'s unbonding")
    state.require(event.electorate == state.bonded, "a dispute has another electorate than is bonded")
    state.require(event.electorate.bit_count() >= state.parameters.quorum, "a dispute has too small an electorate")
    pool = state.jury_pool(event.judge, event.target, event.challenger)
    stage = Stage.DRAWING if pool else Stage.CIRCLE
    asker = state.asking_seat(event.judge, event.target, event.challenger) if event.is_asking else None
    state.require(not event.is_asking or asker is not None, "a claim without evidence is not a seat's that may ask")
    held.disputes += 1
    state.disputes.append(Dispute(event, held.tenure, pool, stage, event.deadline, asker=asker))
    words = b"".join(map(word, (event.dispute, event.round, event.target))) + address(event.challenger)
    words += event.evidence + word(event.electorate) + word(event.deadline)
    state.remember(event, event.judge, keccak(words))


def _check_claim(state: State, event: events.Disputed, held: Seat) -> None:
    state.require(event.dispute == len(state.disputes), "a dispute was left out")
    state.require(state.parameters.dispute_bond > 0, "the circle has no disputes")
    is_settled = 1 <= event.round <= len(state.rounds) and state.rounds[event.round - 1].settled
    state.require(is_settled, "a dispute is about a round that is not settled")
    state.require(state.number - event.round <= DISPUTE_ROUNDS, "a dispute is about a round too long ago")
    state.require(event.round >= held.since_round, "a dispute is about a judge who joined later")
    state.require(event.target in state.seats, "a dispute has no target")
    said = (event.round, event.judge, held.tenure, event.target)
    state.require(not state.is_disputed(*said), "a claim was raised twice")


def summoned(state: State, event: events.Summoned) -> None:
    """A dispute's jury was drawn (R26.2)."""
    dispute = _dispute_in(state, event.dispute, Stage.DRAWING)
    drawn = jury(event.seed, dispute.pool, state.parameters.jury_seats)
    state.require(event.jury == drawn, f"dispute {event.dispute} has another jury than was drawn")
    dispute.summoned, dispute.stage, dispute.deadline = event, Stage.JURY, event.deadline
    words = word(event.dispute) + event.seed + word(event.jury) + word(event.deadline)
    state.remember(event, dispute.claim.judge, keccak(words))


def voted(state: State, event: events.Voted) -> None:
    """A seat said what recomputing gave (R26.4)."""
    dispute = _dispute_in(state, event.dispute, Stage.JURY, Stage.CIRCLE)
    state.require(event.answer in tuple(Answer), f"seat {event.seat} answered dispute {event.dispute} with nothing")
    state.require(state.may_vote(event.seat, dispute), f"seat {event.seat} voted uncalled")
    dispute.voters[event.seat] = state.taken(event.seat).peer
    dispute.votes.add(event.seat, Answer(event.answer))
    state.remember(event, event.seat, word(event.dispute), word(event.answer))


def referred(state: State, event: events.Referred) -> None:
    """A jury's votes were counted; who of it kept silent pays for that (R26.5)."""
    dispute = _dispute_in(state, event.dispute, Stage.JURY)
    is_late = event.deadline - state.parameters.dispute_window_s >= dispute.deadline
    state.require(is_late or dispute.is_decided, f"dispute {event.dispute} has open votes")
    state.require(event.stage == dispute.next_stage, f"dispute {event.dispute} was referred against its votes")
    if is_late:
        silent = seats_of(dispute.jury & ~dispute.jury_votes.cast)
        _lessen(state, dispute, mask_of([seat for seat in silent if state.is_in_good_standing(seat)]))
    dispute.stage, dispute.deadline = Stage(event.stage), event.deadline
    state.remember(event, dispute.claim.judge, word(event.dispute), word(event.stage), word(event.deadline))


def appealed(state: State, event: events.Appealed) -> None:
    """Somebody has the circle hear what the jury did not find for (R26.5)."""
    dispute = _dispute_in(state, event.dispute, Stage.APPEAL)
    dispute.stage, dispute.deadline, dispute.appellant = Stage.CIRCLE, event.deadline, event.appellant
    words = word(event.dispute), address(event.appellant), word(event.deadline)
    state.remember(event, dispute.claim.judge, *words)


def resolved(state: State, event: events.Resolved) -> None:
    """A dispute was closed (R26.5)."""
    dispute = _dispute_in(state, event.dispute, Stage.DRAWING, Stage.APPEAL, Stage.CIRCLE)
    judge = dispute.claim.judge
    held = state.taken(judge)
    state.require(event.outcome == dispute.verdict, f"dispute {event.dispute} ended against its votes")
    _fine_jurors(state, dispute)
    dispute.outcome, dispute.fine = Outcome(event.outcome), event.fine
    held.disputes -= 1
    if event.outcome == Outcome.UPHELD:
        _convict(state, event, held)
        state.owe(dispute.claim.challenger, event.fine // CHALLENGER_PART)
    else:
        state.require(event.fine == event.free_at == 0, f"dispute {event.dispute} fined who was not convicted")
    if not dispute.is_bond_burned:
        state.owe(dispute.claim.challenger, state.parameters.dispute_bond)
    if event.outcome != Outcome.REJECTED and dispute.appellant is not None:
        state.owe(dispute.appellant, APPEAL_BONDS * state.parameters.dispute_bond)
    ended = keccak(word(event.fine) + word(event.free_at))
    state.remember(event, judge, word(event.dispute), word(event.outcome), ended)


def fine_due(state: State, judge: int) -> int:
    """Wei that one more conviction costs a judge: the second one takes all that is left."""
    held = state.seats[judge]
    if held.convictions + 1 >= CONVICTIONS:
        return held.bond
    return min(held.bond, state.parameters.bond // CONVICTED_PART)


def _convict(state: State, event: events.Resolved, held: Seat) -> None:
    """R26.6: a conviction lasts, and the second one costs the seat."""
    judge = state.disputes[event.dispute].claim.judge
    due = fine_due(state, judge)
    held.convictions += 1
    is_last = held.convictions >= CONVICTIONS
    state.require(event.fine == due, f"dispute {event.dispute} cost the judge another sum")
    state.require(
        (event.free_at != 0) == (is_last and held.is_held), f"seat {judge} was given up or not by mistake"
    )
    held.bond -= event.fine
    held.suspended_until = state.number + SUSPENDED_ROUNDS
    state.reputations[judge] >>= CUT_SHIFT
    if event.free_at:
        state.vacate(judge, event.free_at)


def _fine_jurors(state: State, dispute: Dispute) -> None:
    """R26.5: a juror pays for an answer that recomputing shows to be wrong."""
    for seat in seats_of(dispute.mistaken_jurors):
        if state.had_seat(seat, dispute):
            held = state.seats[seat]
            lost = min(held.bond, state.parameters.bond // JUROR_PART)
            held.bond -= lost
            dispute.jurors_fined += lost
    _lessen(state, dispute, dispute.mistaken_jurors)


def _lessen(state: State, dispute: Dispute, seats: int) -> None:
    """Take a settlement's step from the reputations of those who still sit where they sat."""
    for seat in seats_of(seats):
        if state.had_seat(seat, dispute):
            state.reputations[seat] = lessened(state.reputations[seat], state.parameters.reputation_shift)


def _dispute_in(state: State, number: int, *stages: Stage) -> Dispute:
    state.require(number < len(state.disputes), f"there is no dispute {number}")
    dispute = state.disputes[number]
    state.require(dispute.outcome is None, f"dispute {number} is closed")
    state.require(dispute.stage in stages, f"dispute {number} is in stage {dispute.stage.name.lower()}")
    return dispute
