"""Faults proven on chain: equivocations, and disputes about what judges say."""

from typing import Final

from eth_hash.auto import keccak

from ledger.circle import events
from ledger.circle.draw import draw_jury, seats_of
from ledger.circle.events import Answer, Outcome, Stage
from ledger.circle.fold.seat_events import CUT_SHIFT
from ledger.circle.fold.state import APPEAL_BONDS, FoldedCircle
from ledger.circle.members import Dispute, Seat
from ledger.circle.reputation import lessen
from ledger.identity.addresses import encode_address, encode_word

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


def apply_equivocated(circle: FoldedCircle, event: events.Equivocated) -> None:
    """A seat's peer was shown to have signed two updates for one round (R25)."""
    held = circle.require_taken(event.seat)
    circle.require(event.round >= held.since_round, f"seat {event.seat} was convicted of another's signatures")
    circle.require(event.bond == held.bond, f"seat {event.seat} lost another bond than it had")
    circle.require(held.is_held or held.bond > 0, f"seat {event.seat} had nothing left to lose")
    if held.is_held:
        circle.vacate(event.seat, event.free_at)
    circle.require(event.free_at == held.free_at, f"seat {event.seat} is free at another time")
    held.bond = 0
    what = keccak(encode_word(event.round) + encode_word(event.free_at))
    circle.remember(event, event.seat, what, encode_address(event.reporter), encode_word(event.bond))


def apply_disputed(circle: FoldedCircle, event: events.Disputed) -> None:
    """What a judge said was claimed to be false (R26.1)."""
    held = circle.require_taken(event.judge)
    _check_claim(circle, event, held)
    window_s = circle.terms.dispute_window_s
    if held.free_at is not None:
        in_time = event.deadline + (WINDOWS - 1) * window_s <= held.free_at
        circle.require(in_time, f"a dispute could outlast seat {event.judge}'s unbonding")
    circle.require(event.electorate == circle.bonded, "a dispute has another electorate than is bonded")
    circle.require(event.electorate.bit_count() >= circle.terms.quorum, "a dispute has too small an electorate")
    pool = circle.find_jury_pool(event.judge, event.target, event.challenger)
    stage = Stage.DRAWING if pool else Stage.CIRCLE
    asker = circle.find_asking_seat(event.judge, event.target, event.challenger) if event.is_asking else None
    circle.require(
        not event.is_asking or asker is not None, "a claim without evidence is not a seat's that may ask"
    )
    held.disputes += 1
    dispute = Dispute(event, held.tenure, pool, stage, event.deadline, asker=asker)
    circle.disputes.append(dispute)
    circle.open_disputes[event.dispute] = circle.last_raised[dispute.claimed] = dispute
    words = b"".join(map(encode_word, (event.dispute, event.round, event.target))) + encode_address(
        event.challenger
    )
    words += event.evidence + encode_word(event.electorate) + encode_word(event.deadline)
    circle.remember(event, event.judge, keccak(words))


def _check_claim(circle: FoldedCircle, event: events.Disputed, held: Seat) -> None:
    circle.require(event.dispute == len(circle.disputes), "a dispute was left out")
    circle.require(circle.terms.dispute_bond > 0, "the circle has no disputes")
    is_settled = 1 <= event.round <= len(circle.rounds) and circle.rounds[event.round - 1].settled
    circle.require(is_settled, "a dispute is about a round that is not settled")
    circle.require(circle.number - event.round <= DISPUTE_ROUNDS, "a dispute is about a round too long ago")
    circle.require(event.round >= held.since_round, "a dispute is about a judge who joined later")
    circle.require(event.target in circle.seats, "a dispute has no target")
    said = (event.round, event.judge, held.tenure, event.target)
    circle.require(not circle.is_disputed(*said), "a claim was raised twice")


def apply_summoned(circle: FoldedCircle, event: events.Summoned) -> None:
    """A dispute's jury was drawn (R26.2)."""
    dispute = _require_dispute(circle, event.dispute, Stage.DRAWING)
    drawn = draw_jury(event.seed, dispute.pool, circle.terms.jury_seats)
    circle.require(event.jury == drawn, f"dispute {event.dispute} has another jury than was drawn")
    dispute.summoned, dispute.stage, dispute.deadline = event, Stage.JURY, event.deadline
    words = encode_word(event.dispute) + event.seed + encode_word(event.jury) + encode_word(event.deadline)
    circle.remember(event, dispute.claim.judge, keccak(words))


def apply_voted(circle: FoldedCircle, event: events.Voted) -> None:
    """A seat said what recomputing gave (R26.4)."""
    dispute = _require_dispute(circle, event.dispute, Stage.JURY, Stage.CIRCLE)
    circle.require(
        event.answer in tuple(Answer), f"seat {event.seat} answered dispute {event.dispute} with nothing"
    )
    circle.require(circle.may_vote(event.seat, dispute), f"seat {event.seat} voted uncalled")
    dispute.voters[event.seat] = circle.require_taken(event.seat).peer
    dispute.votes.add(event.seat, Answer(event.answer))
    circle.remember(event, event.seat, encode_word(event.dispute), encode_word(event.answer))


def apply_referred(circle: FoldedCircle, event: events.Referred) -> None:
    """A jury's votes were counted; jurors that kept silent pay for that (R26.5)."""
    dispute = _require_dispute(circle, event.dispute, Stage.JURY)
    is_late = event.deadline - circle.terms.dispute_window_s >= dispute.deadline
    circle.require(is_late or dispute.is_decided, f"dispute {event.dispute} has open votes")
    circle.require(event.stage == dispute.next_stage, f"dispute {event.dispute} was referred against its votes")
    if is_late:
        _charge_silent(circle, dispute)
    dispute.stage, dispute.deadline = Stage(event.stage), event.deadline
    circle.remember(
        event,
        dispute.claim.judge,
        encode_word(event.dispute),
        encode_word(event.stage),
        encode_word(event.deadline),
    )


def apply_appealed(circle: FoldedCircle, event: events.Appealed) -> None:
    """Somebody has the circle hear what the jury did not find for (R26.5)."""
    dispute = _require_dispute(circle, event.dispute, Stage.APPEAL)
    dispute.stage, dispute.deadline, dispute.appellant = Stage.CIRCLE, event.deadline, event.appellant
    words = encode_word(event.dispute), encode_address(event.appellant), encode_word(event.deadline)
    circle.remember(event, dispute.claim.judge, *words)


def apply_resolved(circle: FoldedCircle, event: events.Resolved) -> None:
    """A dispute was closed (R26.5)."""
    dispute = _require_dispute(circle, event.dispute, Stage.DRAWING, Stage.APPEAL, Stage.CIRCLE)
    judge = dispute.claim.judge
    held = circle.require_taken(judge)
    circle.require(event.outcome == dispute.verdict, f"dispute {event.dispute} ended against its votes")
    _fine_jurors(circle, dispute)
    dispute.outcome, dispute.fine = Outcome(event.outcome), event.fine
    del circle.open_disputes[event.dispute]
    held.disputes -= 1
    if event.outcome == Outcome.UPHELD:
        _convict(circle, event, held)
        circle.owe(dispute.claim.challenger, event.fine // CHALLENGER_PART)
    else:
        circle.require(event.fine == event.free_at == 0, f"dispute {event.dispute} fined who was not convicted")
    if not dispute.is_bond_burned:
        circle.owe(dispute.claim.challenger, circle.terms.dispute_bond)
    if event.outcome != Outcome.REJECTED and dispute.appellant is not None:
        circle.owe(dispute.appellant, APPEAL_BONDS * circle.terms.dispute_bond)
    ended = keccak(encode_word(event.fine) + encode_word(event.free_at))
    circle.remember(event, judge, encode_word(event.dispute), encode_word(event.outcome), ended)


def fine_due_wei(circle: FoldedCircle, judge: int) -> int:
    """Wei that one more conviction costs a judge: the second one takes all that is left."""
    held = circle.seats[judge]
    if held.convictions + 1 >= CONVICTIONS:
        return held.bond
    return min(held.bond, circle.terms.bond // CONVICTED_PART)


def _convict(circle: FoldedCircle, event: events.Resolved, held: Seat) -> None:
    """R26.6: a conviction lasts, and the second one costs the seat."""
    judge = circle.disputes[event.dispute].claim.judge
    due = fine_due_wei(circle, judge)
    held.convictions += 1
    is_last = held.convictions >= CONVICTIONS
    circle.require(event.fine == due, f"dispute {event.dispute} cost the judge another sum")
    circle.require(
        (event.free_at != 0) == (is_last and held.is_held), f"seat {judge} was given up or not by mistake"
    )
    held.bond -= event.fine
    held.suspended_until = circle.number + SUSPENDED_ROUNDS
    circle.reputations[judge] >>= CUT_SHIFT
    if event.free_at:
        circle.vacate(judge, event.free_at)


def _fine_jurors(circle: FoldedCircle, dispute: Dispute) -> None:
    """R26.5: a juror pays for an answer that recomputing shows to be wrong."""
    for seat in seats_of(dispute.mistaken_jurors):
        if circle.had_seat(seat, dispute):
            held = circle.seats[seat]
            lost = min(held.bond, circle.terms.bond // JUROR_PART)
            held.bond -= lost
            dispute.jurors_fined += lost
    _lessen(circle, dispute, dispute.mistaken_jurors)


def _charge_silent(circle: FoldedCircle, dispute: Dispute) -> None:
    """R26.5: the windows that a juror pays for do not overlap, however many claims are raised at once."""
    begun_s = dispute.deadline - circle.terms.dispute_window_s
    for seat in seats_of(dispute.jury & ~dispute.jury_votes.cast):
        held = circle.seats[seat]
        if circle.is_in_good_standing(seat) and circle.had_seat(seat, dispute) and held.silent_until <= begun_s:
            held.silent_until = dispute.deadline
            _lessen(circle, dispute, 1 << seat)


def _lessen(circle: FoldedCircle, dispute: Dispute, seats: int) -> None:
    """Take a settlement's step from the reputations of those who still sit where they sat."""
    for seat in seats_of(seats):
        if circle.had_seat(seat, dispute):
            circle.reputations[seat] = lessen(circle.reputations[seat], circle.terms.reputation_shift)


def _require_dispute(circle: FoldedCircle, number: int, *stages: Stage) -> Dispute:
    circle.require(number < len(circle.disputes), f"there is no dispute {number}")
    dispute = circle.disputes[number]
    circle.require(dispute.outcome is None, f"dispute {number} is closed")
    circle.require(dispute.stage in stages, f"dispute {number} is in stage {dispute.stage.name.lower()}")
    return dispute
