"""GET /api/disputes: each claim that a judge spoke falsely, where it stands, what it moves, how it came there."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from ledger.chain.placed_event import PlacedEvent
from ledger.circle import events
from ledger.circle.draw import seats_of
from ledger.circle.events import Answer, Outcome, Stage
from ledger.circle.history import History
from ledger.circle.members import Dispute
from node.duties.claims import count_majority, describe_claim, describe_stage, make_row
from node.operating.wording import format_seats
from node.watch.happenings import tell_time
from node.watch.query import Missing, Query
from node.watch.source import Source
from node.watch.spelling import to_camel
from node.watch.view import View

_PER_ANSWER: Final = 200
_STEPS_MAX: Final = 600
_IN_WEI: Final = "_wei"
_ABOUT_DISPUTE: Final = (
    events.Disputed,
    events.Summoned,
    events.Voted,
    events.Referred,
    events.Appealed,
    events.Resolved,
)
_ANSWERS: Final = {
    Answer.UPHOLDS: "finds that the claim is right",
    Answer.REJECTS: "finds that the claim is wrong",
    Answer.WITHHELD: "could not get what the verdict follows from",
}
_STAGES: Final = {
    Stage.APPEAL: "the jury did not find for it: anyone can appeal",
    Stage.CIRCLE: "the jury finds for it: the whole circle votes",
}


def describe_disputes(source: Source, query: Query) -> dict[str, Any]:
    """As `folkmoot disputes --json`, the newest first, so many an answer from `from` on, a number of a dispute."""
    view = source.view
    history, now_s = view.history, find_now_s(source)
    raised = len(history.disputes)
    last = query.number("from", max(raised - 1, 0), least=0, most=max(raised - 1, 0))
    chosen = history.disputes[max(0, last + 1 - _PER_ANSWER) : last + 1]
    return {
        "says": _describe_all(history),
        "raised": raised,
        "open": len(history.open_disputes),
        "next": last - _PER_ANSWER if last >= _PER_ANSWER else None,
        "disputes": [describe_dispute(history, one, now_s) for one in reversed(chosen)],
    }


def describe_one_dispute(source: Source, query: Query) -> dict[str, Any]:
    """One dispute with its timeline. Raises Missing."""
    view = source.view
    raised = len(view.history.disputes)
    number = query.number("number", None, least=0, most=10**6)
    if number >= raised:
        raise Missing(f"there is no dispute {number}: {raised} were raised in this circle")
    dispute, now_s = view.history.disputes[number], find_now_s(source)
    return describe_dispute(view.history, dispute, now_s) | {"timeline": list_steps(view, dispute)}


def describe_dispute(history: History, dispute: Dispute, now_s: float) -> dict[str, Any]:
    """A row of `folkmoot disputes --json`. Amounts are text: they have more digits than a double."""
    row = make_row(history, dispute, now_s)
    return to_camel({name: str(value) if name.endswith(_IN_WEI) else value for name, value in row.items()})


def find_now_s(source: Source) -> float:
    """When it is for the circle, as the contract has it; a bundle's disputes stay where they stood at its block."""
    made_s = float(source.view.find_time(source.view.block) or 0)
    return made_s if source.kind == "bundle" else max(time.time(), made_s)


def list_steps(view: View, dispute: Dispute) -> list[dict[str, Any]]:
    """What happened to a dispute, in order, each with its place on chain."""
    placed = list(islice(_find_events(view, dispute), _STEPS_MAX))
    view.times.want({one.position[0] for one in placed}, wait_s=1.0)
    return [
        {
            "kind": type(one.event).__name__.lower(),
            "seat": getattr(one.event, "seat", None),
            "says": _describe_event(view.history, dispute, one.event),
            "block": one.position[0],
            "tx": one.transaction,
            **tell_time(view, one.position[0]),
        }
        for one in placed
    ]


def _find_events(view: View, dispute: Dispute) -> Iterator[PlacedEvent]:
    """Those about a dispute, in order."""
    for placed in view.log.list_rare():
        if isinstance(placed.event, _ABOUT_DISPUTE) and placed.event.dispute == dispute.number:
            yield placed


def _describe_event(history: History, dispute: Dispute, event: object) -> str:
    match event:
        case events.Disputed():
            claim = describe_claim(history, event.round, event.judge, event.target, is_asking=event.is_asking)
            return f"raised by {event.challenger}: {claim}"
        case events.Summoned():
            return f"its jury is drawn: {format_seats(seats_of(event.jury))}; {count_majority(event.jury)} decide"
        case events.Voted():
            return f"seat {event.seat} {_ANSWERS[Answer(event.answer)]}"
        case events.Referred():
            return _STAGES[Stage(event.stage)]
        case events.Appealed():
            return f"appealed by {event.appellant}: the whole circle votes"
        case events.Resolved():
            return (
                describe_stage(dispute, 0.0) if dispute.outcome is not None else Outcome(event.outcome).name.lower()
            )
    raise AssertionError(event)


def _describe_all(history: History) -> str:
    if history.terms.dispute_bond == 0:
        return "this circle was deployed without disputes"
    return "" if history.disputes else "no dispute was ever raised in this circle"
