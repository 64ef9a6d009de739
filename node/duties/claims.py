"""What a dispute is about, where it stands and what it moves: for people and machines, from the history alone."""

from collections.abc import Mapping
from typing import Any, Final

from ledger.circle.draw import seats_of
from ledger.circle.events import Outcome, Stage
from ledger.circle.fold.fault_events import CHALLENGER_PART, fine_due_wei
from ledger.circle.fold.state import APPEAL_BONDS
from ledger.circle.history import History
from ledger.circle.members import Dispute, Votes
from ledger.circle.seat_names import make_name_fields, name_seats
from node.operating.wording import format_duration, format_seats, format_time

_ANSWERS: Final = ("upholding", "rejecting", "withholding")


def describe_claim(history: History, round_number: int, judge: int, target: int, *, is_asking: bool = False) -> str:
    """What is claimed, as a sentence."""
    if is_asking:
        return f"seat {judge} does not show what it judged from in round {round_number}"
    if target == judge:
        return f"the record, the base or a verdict of seat {judge} in round {round_number} is false"
    attested = history.rounds[round_number - 1].attestations.get(judge)
    if attested is None or not attested.judged >> target & 1:
        return f"seat {judge} spoke falsely of seat {target} in round {round_number}"
    said = "accepted" if attested.accepted >> target & 1 else "rejected"
    return f"seat {judge} falsely {said} seat {target} in round {round_number}"


def describe_stage(dispute: Dispute, now_s: float) -> str:
    """Where it stands and until when, or how it ended. now_s: Unix seconds."""
    if dispute.outcome is not None:
        if dispute.stage == Stage.DRAWING:
            return "rejected: nobody had its jury drawn in time"
        if dispute.outcome == Outcome.REJECTED and dispute.asker is not None:
            return "rejected: the judge shows what it judged from"
        return _ENDS[dispute.outcome]
    until = format_time(dispute.deadline)
    if dispute.is_decided:
        return f"open: {_VOTERS[dispute.stage]} has decided, and anyone can resolve it"
    if dispute.is_over(now_s):
        return _OVER[dispute.stage].format(until=until)
    return _OPEN[dispute.stage].format(until=until)


_ENDS: Final[Mapping[Outcome, str]] = {
    Outcome.UPHELD: "upheld: the judge is convicted",
    Outcome.REJECTED: "rejected: the claim was found wrong",
    Outcome.VOID: "void: undecided, so it may be raised again",
}
_OPEN: Final[Mapping[Stage, str]] = {
    Stage.DRAWING: "open: its jury can be drawn until {until}",
    Stage.JURY: "open: its jury votes until {until}",
    Stage.APPEAL: "open: the jury did not find for it; anyone can appeal until {until}",
    Stage.CIRCLE: "open: the whole circle votes until {until}",
}
_OVER: Final[Mapping[Stage, str]] = {
    Stage.DRAWING: "open: nobody had its jury drawn by {until}",
    Stage.JURY: "open: its jury's time was over at {until}",
    Stage.APPEAL: "open: the jury did not find for it, and nobody appealed by {until}",
    Stage.CIRCLE: "open: the circle's time was over at {until}",
}
_VOTERS: Final[Mapping[Stage, str]] = {Stage.JURY: "its jury", Stage.CIRCLE: "the whole circle"}


def describe_next_step(history: History, dispute: Dispute, now_s: float) -> str | None:
    """What comes next and who does it; None after the end."""
    number, window_s = dispute.number, history.terms.dispute_window_s
    if dispute.outcome is not None:
        return None
    if dispute.is_over(now_s):
        return f"any node resolves it, or `folkmoot disputes resolve {number}`: {_describe_after(dispute)}"
    if dispute.stage == Stage.DRAWING:
        return f"any node has the jury drawn, or `folkmoot disputes summon {number}`"
    if dispute.stage == Stage.APPEAL:
        return (
            f"`folkmoot disputes appeal {number}` has the whole circle hear it; without an appeal it ends "
            f"{dispute.verdict.name.lower()}"
        )
    missing = seats_of(dispute.asked & ~dispute.votes.cast)
    voting = f"{format_seats(missing)} {'has' if len(missing) == 1 else 'have'} not voted; their nodes do"
    if dispute.stage == Stage.JURY:
        return (
            f"{voting}. Where more than half of the jury finds for the claim the whole circle votes, for "
            f"{format_duration(window_s)}; else anyone can appeal for as long"
        )
    return f"{voting}. {count_majority(dispute.electorate)} votes of {dispute.electorate.bit_count()} decide"


def _describe_after(dispute: Dispute) -> str:
    step = dispute.next_stage
    if step is not None:
        return "then the whole circle votes" if step == Stage.CIRCLE else "then anyone can appeal"
    return f"then it is {dispute.verdict.name.lower()}"


def make_row(history: History, dispute: Dispute, now_s: float) -> dict[str, Any]:
    """All that there is to say of a dispute, as fields. Seats as lists, amounts in wei, times in Unix seconds."""
    claim, is_open = dispute.claim, dispute.outcome is None
    return {
        "dispute": dispute.number,
        "round": claim.round,
        "judge": claim.judge,
        "judge_tenure": dispute.judge_tenure,
        "target": claim.target,
        "is_about_record": claim.target == claim.judge,
        "is_asking": claim.is_asking,
        "claim": describe_claim(history, claim.round, claim.judge, claim.target, is_asking=claim.is_asking),
        "challenger": claim.challenger,
        "challenger_seat": _seat_of_key(history, claim.challenger),
        "names": _name_parties(history, dispute),
        "evidence": claim.evidence.hex(),
        "stage": dispute.stage.name.lower(),
        "outcome": None if dispute.outcome is None else dispute.outcome.name.lower(),
        "stands": describe_stage(dispute, now_s),
        "deadline": dispute.deadline if is_open else None,
        "is_over": is_open and dispute.is_over(now_s),
        "pool": seats_of(dispute.pool),
        "jury": seats_of(dispute.jury),
        "jury_votes": _list_votes(dispute.jury_votes, dispute.jury),
        "electorate": seats_of(dispute.electorate),
        "circle_votes": _list_votes(dispute.circle_votes, dispute.electorate),
        "appellant": dispute.appellant,
        **_list_money(history, dispute),
        "next": describe_next_step(history, dispute, now_s),
    }


def _name_parties(history: History, dispute: Dispute) -> dict[str, Any]:
    """Seat → what it calls itself, of judge, target and challenger, where whoever sits there now is meant."""
    claim, names = dispute.claim, name_seats(history)
    tenures = history.rounds[claim.round - 1].tenures if 0 < claim.round <= len(history.rounds) else {}
    meant = {claim.judge: dispute.judge_tenure, claim.target: tenures.get(claim.target)}
    seats = [seat for seat, tenure in meant.items() if seat in names and history.seats[seat].tenure == tenure]
    raiser = _seat_of_key(history, claim.challenger)
    seats += [raiser] if raiser in names and raiser not in seats else []
    return {str(seat): make_name_fields(names[seat]) for seat in seats if seat is not None}


def _list_votes(votes: Votes, asked: int) -> dict[str, Any]:
    said = {answer: seats_of(getattr(votes, answer)) for answer in _ANSWERS}
    return {**said, "of": asked.bit_count(), "decide": count_majority(asked) if asked else 0}


def _list_money(history: History, dispute: Dispute) -> dict[str, int]:
    """What is pledged and at stake while it is open, and what was paid, burned and given back once it is closed."""
    pledged = history.terms.dispute_bond
    appealed = APPEAL_BONDS * pledged if dispute.appellant is not None else 0
    is_open, is_rejected = dispute.outcome is None, dispute.outcome == Outcome.REJECTED
    paid = dispute.fine // CHALLENGER_PART
    lost = pledged * dispute.is_bond_burned + appealed * is_rejected
    burned = dispute.fine - paid + dispute.jurors_fined + lost
    return {
        "bond_wei": pledged,
        "appeal_bond_wei": appealed,
        "at_stake_wei": fine_due_wei(history, dispute.claim.judge) if is_open else 0,
        "fine_wei": dispute.fine,
        "jurors_fined_wei": dispute.jurors_fined,
        "paid_wei": paid,
        "burned_wei": burned,
        "given_back_wei": 0 if is_open else pledged + appealed - lost,
    }


def _seat_of_key(history: History, key: str) -> int | None:
    """The seat that a hot or cold key belongs to, held or not."""
    found = [s for s, one in history.seats.items() if not one.is_released and key in (*one.keys, one.cold)]
    return found[0] if found else None


def count_majority(mask: int) -> int:
    """How many of the seats are more than half."""
    return mask.bit_count() // 2 + 1
