"""Events as lines of a timeline: a kind, a seat and a sentence."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ledger.chain.placed_event import PlacedEvent
from ledger.circle import events
from ledger.circle.draw import seats_of
from ledger.untrusted.text import format_ether
from node.watch.view import View


def _name_outcome(number: int) -> str:
    names = {events.Outcome.UPHELD: "upheld", events.Outcome.REJECTED: "rejected"}
    return names.get(events.Outcome(number), "closed without a decision")


def _name_answer(number: int) -> str:
    return {0: "that the claim is wrong", 1: "that the claim is right"}.get(number, "that it could not recompute")


_SAYS: Final[Mapping[type, Callable[[Any], str]]] = {
    events.Opened: lambda _: "the circle was opened",
    events.Joined: lambda e: f"seat {e.seat} was taken by {e.peer}",
    events.Moved: lambda e: f"seat {e.seat} says anew where it is reached",
    events.Woken: lambda e: f"seat {e.seat} asked to be waited for again",
    events.Committed: lambda e: f"seat {e.seat} committed its update",
    events.Drawn: lambda e: f"it was drawn who judges whom of {e.committed.bit_count()} seats",
    events.Attested: lambda e: f"seat {e.seat} attested its verdicts",
    events.Settled: lambda e: f"round {e.round} was settled with {e.attested.bit_count()} attestations",
    events.Left: lambda e: f"seat {e.seat} was given up{_tell_burned(e)}",
    events.Ejected: lambda e: f"seat {e.seat} was ejected{_tell_burned(e)}",
    events.Released: lambda e: f"seat {e.seat} is free again",
    events.Rotating: lambda e: (
        f"new keys were announced for seat {e.seat}" if e.rotates_at else f"seat {e.seat} keeps its keys after all"
    ),
    events.Rotated: lambda e: f"seat {e.seat} has new keys: {e.peer} acts for it now",
    events.Equivocated: lambda e: f"seat {e.seat} lost the seat: it signed two updates for round {e.round}",
    events.Disputed: lambda e: (
        f"dispute {e.dispute} claims that what seat {e.judge} attested in round {e.round} is false"
        if not e.is_asking
        else f"dispute {e.dispute} asks seat {e.judge} to show what it judged from in round {e.round}"
    ),
    events.Summoned: lambda e: f"a jury of {e.jury.bit_count()} was drawn for dispute {e.dispute}",
    events.Voted: lambda e: f"seat {e.seat} voted on dispute {e.dispute}: {_name_answer(e.answer)}",
    events.Resolved: lambda e: f"dispute {e.dispute} was {_name_outcome(e.outcome)}",
    events.Withdrawn: lambda e: f"{e.account} took out {format_ether(e.amount)}",
    events.Referred: lambda e: f"the jury's votes on dispute {e.dispute} were counted",
    events.Appealed: lambda e: f"dispute {e.dispute} is heard by the whole circle",
    events.Restarted: lambda e: f"seat {e.seat} starts anew from the genesis",
}


def _tell_burned(event: Any) -> str:
    return f", and {format_ether(event.burned)} of its bond burned" if event.burned else ""


def list_happenings(view: View, entries: Iterable[PlacedEvent]) -> list[dict[str, Any]]:
    """Events as lines of a timeline, with the time of those blocks whose time is known."""
    return [make_happening(view, entry) for entry in entries]


def make_happening(view: View, entry: PlacedEvent) -> dict[str, Any]:
    """One event. seat: whom it is about, or who did it; None for what is all members'."""
    event = entry.event
    return {
        "kind": type(event).__name__.lower(),
        "seat": getattr(event, "seat", getattr(event, "judge", None)),
        **locate(view, entry),
        "says": _SAYS[type(event)](event),
    }


def locate(view: View, entry: PlacedEvent | None) -> dict[str, Any]:
    """Where an event stands in the chain, and when, or between which times."""
    if entry is None:
        return {"block": None, "tx": None, **tell_time(view, None)}
    block = entry.position[0]
    return {"block": block, "tx": entry.transaction, **tell_time(view, block)}


def tell_time(view: View, block: int | None) -> dict[str, Any]:
    """When a block was made, Unix seconds; or, of one that the source has no header of, between which times."""
    if block is None:
        return {"timeS": None, "betweenS": None}
    time_s, bounds = view.find_time(block), view.find_bounds(block)
    if time_s is None and bounds is not None and bounds[0] == bounds[1]:
        time_s = bounds[0]
    between = None if time_s is not None or bounds is None else list(bounds)
    return {"timeS": time_s, "betweenS": between}


def is_about(event: events.Event, seat: int, disputes: Mapping[int, int]) -> bool:
    """Whether an event belongs to a seat's life. disputes: number → the judge that it is about."""
    if isinstance(event, events.Disputed):
        return seat in (event.judge, event.target)
    if isinstance(event, events.Resolved | events.Referred | events.Appealed):
        return disputes.get(event.dispute) == seat
    if isinstance(event, events.Summoned):
        return disputes.get(event.dispute) == seat or seat in seats_of(event.jury)
    return getattr(event, "seat", None) == seat
