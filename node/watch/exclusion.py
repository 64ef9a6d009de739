"""GET /api/exclusion/N: why a seat is quarantined, suspended, ejected or convicted, in sentences for a regulator.

What the chain says, step by step; then, marked as such, what the audit behind the page says.
"""

from itertools import islice
from typing import Any, Final

from ledger.audit.findings import MembershipChange
from ledger.circle.draw import seats_of
from ledger.circle.events import Outcome
from ledger.circle.history import History, Round
from ledger.circle.members import Dispute, Votes
from ledger.circle.reputation import FULL
from ledger.untrusted.text import make_printable
from node.duties.claims import describe_claim
from node.operating.wording import format_count, format_seats
from node.seat.seat_fields import describe_standing, make_standing_fields
from node.watch.happenings import tell_time
from node.watch.query import SEAT_MAX, Missing, Query
from node.watch.source import Source
from node.watch.view import View

_ROUNDS_SHOWN: Final = 40
_STEPS_MAX: Final = 400
_TIMES_S: Final = 1.0
_EXCLUDING: Final = ("quarantined", "suspended", "ejected", "convicted", "left")


def describe_exclusion(source: Source, query: Query) -> dict[str, Any]:
    """`seat`. Raises Missing."""
    view, seat = source.view, query.number("seat", None, least=0, most=SEAT_MAX)
    history = view.history
    if seat not in history.seats:
        raise Missing(f"there is no seat {seat} in this circle")
    changes = [change for change in view.log.changes if change.seat == seat][-_STEPS_MAX:]
    view.times.want({change.block for change in changes}, wait_s=_TIMES_S)
    row = make_standing_fields(history, seat)
    standing = describe_standing(row, history.number)
    disputes = [one for one in history.disputes if one.claim.judge == seat]
    return {
        "seat": seat,
        "isExcluded": _is_excluded(row),
        "says": _sum_up(history, seat, row, standing),
        "steps": [_describe_step(view, change) for change in changes],
        "record": _list_record(history, seat),
        "disputes": [_describe_dispute(history, one) for one in disputes],
        "findings": _list_findings(source, seat),
    }


def _is_excluded(row: dict[str, Any]) -> bool:
    return bool(row["state"] != "held" or row["quarantined"] or row["suspended_until"] is not None)


def _sum_up(history: History, seat: int, row: dict[str, Any], standing: list[str]) -> str:
    reputation, floor = row["reputation"], history.terms.reputation_floor / FULL
    if row["state"] != "held":
        return (
            f"Seat {seat} is no member any more: it is {row['state']}. Nothing of its holder is mixed or counted."
        )
    told = []
    if row["suspended_until"] is not None:
        told.append(
            f"Seat {seat} is suspended after a conviction: until round {row['suspended_until']} nothing of it is"
            " mixed, and its verdicts do not count."
        )
    if row["quarantined"]:
        told.append(
            f"Seat {seat} is quarantined: its reputation, {reputation:.3f}, is below the circle's floor of"
            f" {floor:.3f}. While it is, its updates are mixed into nobody's model and its verdicts do not count."
        )
    if told:
        return " ".join(told)
    other = f" ({', '.join(standing)})" if standing else ""
    return f"Seat {seat} takes part{other}: its reputation is {reputation:.3f}, and the circle's floor {floor:.3f}."


def _describe_step(view: View, change: MembershipChange) -> dict[str, Any]:
    return {
        "kind": change.change,
        "isExcluding": change.change in _EXCLUDING,
        "round": change.round,
        "peer": change.peer,
        "says": _describe_change(view.history, change),
        "block": change.block,
        "tx": change.transaction,
        **tell_time(view, change.block),
    }


def _describe_change(history: History, change: MembershipChange) -> str:
    """A sentence of its own; the reason is the audit's, to the word."""
    floor = history.terms.reputation_floor / FULL
    effect = {
        "joined": "took its seat",
        "quarantined": f"fell below the floor of {floor:.3f} and was quarantined",
        "restored": f"came back above the floor of {floor:.3f}",
        "suspended": "was convicted and suspended",
        "convicted": "was convicted and lost its seat",
        "ejected": "was ejected",
        "left": "left",
        "released": "was released",
        "rotated": "changed its keys",
    }.get(change.change, change.change)
    return f"In round {change.round} seat {change.seat} {effect}: {change.why}."


def _list_record(history: History, seat: int) -> list[dict[str, Any]]:
    """Of the last rounds: who accepted and rejected its update, and what reputation it had after them."""
    held = history.seats[seat]
    since = history.rounds[max(0, held.since_round - 1) :]
    newest = islice((one for one in reversed(since) if one.settled and seat in one.commits), _ROUNDS_SHOWN)
    return [_describe_round(history, one, seat) for one in reversed(list(newest))]


def _describe_round(history: History, round_: Round, seat: int) -> dict[str, Any]:
    accepting, rejecting = round_.find_judges(seat)
    is_last = round_.number == len(history.rounds)
    after = history.reputations if is_last else history.rounds[round_.number].reputations
    return {
        "round": round_.number,
        "accepted": sorted(accepting),
        "rejected": sorted(rejecting),
        "attested": seat in round_.attestations,
        "reputation": after.get(seat, 0) / FULL,
    }


def _describe_dispute(history: History, dispute: Dispute) -> dict[str, Any]:
    claim = dispute.claim
    what = describe_claim(history, claim.round, claim.judge, claim.target, is_asking=claim.is_asking)
    told = [f"Dispute {dispute.number} claims that {what}."]
    if dispute.jury:
        told.append(f"Its jury was {format_seats(seats_of(dispute.jury))}: {_describe_votes(dispute.jury_votes)}.")
    if dispute.circle_votes.cast:
        of = format_count(dispute.electorate.bit_count(), "seat")
        told.append(f"Then the whole circle voted, {of}: {_describe_votes(dispute.circle_votes)}.")
    ends = {
        None: "It is open.",
        Outcome.UPHELD: "It was upheld: the judge is convicted.",
        Outcome.REJECTED: "It was rejected: nothing follows for the judge.",
        Outcome.VOID: "It was left undecided: nothing follows for the judge.",
    }
    return {
        "dispute": dispute.number,
        "round": claim.round,
        "upheld": dispute.outcome == Outcome.UPHELD,
        "says": " ".join([*told, ends[dispute.outcome]]),
    }


def _describe_votes(votes: Votes) -> str:
    words = (
        ("found for the claim", votes.upholding),
        ("found against it", votes.rejecting),
        ("could not get what the verdict follows from", votes.withholding),
    )
    told = [f"{format_seats(seats_of(mask))} {what}" for what, mask in words if mask]
    return ", ".join(told) or "nobody voted"


def _list_findings(source: Source, seat: int) -> dict[str, Any] | None:
    """What the audit says of this seat's holders; None where no audit has ended."""
    found = source.audit.state.found
    if found is None:
        return None
    groups = [group for group in found.groups if group.seat == seat]
    return {
        "upToBlock": found.report.head,
        "groups": [
            {
                "check": group.check.value,
                "says": make_printable(group.describe(), 1000),
                "fault": make_printable(group.fault) or None,
                "blamed": group.is_blamed,
                "peer": make_printable(group.peer) or None,
            }
            for group in groups
        ],
    }
