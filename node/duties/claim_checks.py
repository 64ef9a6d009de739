"""Why a claim cannot be raised, or a vote not cast: the contract's refusals, told before anything is sent."""

from ledger.circle.draw import seats_of
from ledger.circle.events import Stage
from ledger.circle.fold.fault_events import DISPUTE_ROUNDS, WINDOWS
from ledger.circle.history import History
from ledger.circle.members import Dispute, Seat
from ledger.errors import UsageError
from node.duties.claims import describe_stage
from node.operating.wording import format_duration, format_seats, format_time


def check_claim(history: History, round_number: int, judge: int, target: int) -> None:
    """What can be claimed at all (R26.1). Raises UsageError with the reason."""
    if history.terms.dispute_bond == 0:
        raise UsageError("this circle was deployed without disputes: publish the audit's findings instead")
    if not 1 <= round_number <= len(history.rounds) or not history.rounds[round_number - 1].settled:
        raise UsageError(f"round {round_number} is not settled: dispute one that `folkmoot status` shows as past")
    if history.number - round_number > DISPUTE_ROUNDS:
        raise UsageError(
            f"round {round_number} is {history.number - round_number} rounds back and can be disputed for "
            f"{DISPUTE_ROUNDS}: what was not disputed by then is final"
        )
    _check_seats(history, round_number, judge, target)
    tenure = history.seats[judge].tenure
    raised = [d for d in history.disputes if d.claimed == (round_number, judge, tenure, target) and d.bars_another]
    if raised:
        how = "is open" if raised[-1].outcome is None else f"was {raised[-1].outcome.name.lower()}"
        raise UsageError(f"dispute {raised[-1].number} has claimed that already and {how}: see `folkmoot disputes`")


def _check_seats(history: History, round_number: int, judge: int, target: int) -> None:
    held = history.seats.get(judge)
    if held is None or held.is_released:
        why = "nobody has ever sat there" if held is None else "its bond is released"
        raise UsageError(f"seat {judge} has nothing to answer with: {why}")
    if round_number < held.since_round:
        raise UsageError(f"the holder of seat {judge} joined after round {round_number}: check round and seat")
    if target not in history.seats:
        raise UsageError(f"nobody has ever sat in seat {target}: look at the seats with `folkmoot status`")
    if history.bonded.bit_count() < history.terms.quorum:
        raise UsageError(
            f"{history.bonded.bit_count()} seats are bonded and a dispute needs the circle's quorum of "
            f"{history.terms.quorum}: publish the audit's findings instead"
        )


def check_said(history: History, round_number: int, judge: int, target: int) -> None:
    """That the judge said anything that can be false. Raises UsageError."""
    attested = history.rounds[round_number - 1].attestations.get(judge)
    if attested is None:
        raise UsageError(f"seat {judge} attested nothing in round {round_number}: check round and seat")
    if target != judge and not attested.judged >> target & 1:
        raise UsageError(
            f"seat {judge} gave no verdict about seat {target} in round {round_number}: check the seats, or leave "
            "TARGET out to dispute its record"
        )


def check_in_time(history: History, judge: int, now_s: float, deadline_s: int, unbonding_s: int) -> None:
    """That the trial could end before anyone is free (R26.1). deadline_s: the circle's. Raises UsageError."""
    held, window_s = history.seats[judge], history.terms.dispute_window_s
    trial = f"a trial takes up to {WINDOWS} windows of {format_duration(window_s)}"
    end_s, free_at = now_s + WINDOWS * window_s, held.free_at
    if free_at is not None and end_s > free_at:
        raise UsageError(
            f"{trial}, and seat {judge} is given up and free at {format_time(free_at)}, before one raised now "
            "could end: publish the audit's findings instead"
        )
    if end_s > deadline_s + unbonding_s:
        raise UsageError(
            f"{trial}, and the circle has stood still since {format_time(deadline_s)}: a seat that left then could "
            f"be free at {format_time(deadline_s + unbonding_s)}, before one raised now could end: publish the "
            "audit's findings instead"
        )


def check_vote(history: History, dispute: Dispute, seat: int, now_s: float) -> None:
    """That a seat's vote is taken now (R26.4). Raises UsageError with the reason."""
    about, stage = f"dispute {dispute.number}", dispute.stage
    if dispute.outcome is not None:
        raise UsageError(f"{about} is closed: it was {dispute.outcome.name.lower()}")
    if not dispute.asked:
        raise UsageError(f"{about} is in a stage without votes, {describe_stage(dispute, now_s)}")
    if now_s >= dispute.deadline:
        raise UsageError(
            f"the vote on {about} ended at {format_time(dispute.deadline)}: `folkmoot disputes resolve` next"
        )
    if not dispute.asked >> seat & 1:
        whose = (
            f"its jury, {format_seats(seats_of(dispute.jury))}"
            if stage == Stage.JURY
            else "the seats that were bonded when it was raised"
        )
        raise UsageError(f"seat {seat} is not asked: {about} waits for {whose}")
    if dispute.votes.cast >> seat & 1:
        raise UsageError(f"seat {seat} has voted on {about} already")
    if not history.may_vote(seat, dispute):
        raise UsageError(
            f"seat {seat} may not vote on {about}: {_describe_lacking(history, history.seats[seat], seat)}"
        )


def _describe_lacking(history: History, held: Seat, seat: int) -> str:
    if history.below >> seat & 1:
        return "its reputation is below the floor"
    if held.suspended_until is not None:
        return f"it is suspended until round {held.suspended_until}"
    if 2 * held.bond < history.terms.bond:
        return "less than half of its bond is left"
    return "its holder joined after the dispute was raised"
