"""What the page can ask for: one line a subject. A provider is a function of the source and a checked query."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final

from node.watch.behind import work_behind
from node.watch.circle_facts import describe_circle
from node.watch.costs import sum_costs, tell_costs
from node.watch.disputes import describe_disputes, describe_one_dispute
from node.watch.distances import measure_distances, tell_distances
from node.watch.exclusion import describe_exclusion
from node.watch.figures import list_figures, tell_files
from node.watch.findings import describe_findings
from node.watch.gas_book import run_gas_book
from node.watch.judge_replays import run_judge_replays
from node.watch.now import describe_now
from node.watch.privacy import describe_privacy, tell_privacy
from node.watch.provenance import describe_provenance
from node.watch.query import Query
from node.watch.reputations import trace_reputations
from node.watch.rounds import describe_round, list_rounds
from node.watch.search import search
from node.watch.seats import describe_seat, list_seats
from node.watch.shelf import run_shelf
from node.watch.source import Source

Provider = Callable[[Source, Query], object]
"""Plain values that JSON has. Runs in a worker thread; raises BadQuery, Missing, NotReady."""
Worker = Callable[[Source], Awaitable[None]]
"""Work behind the page that lasts as long as the server: a task of its event loop, cancelled at the end."""


def by_revision(source: Source) -> Hashable:
    """An answer holds while the history does, and while no more block times have come."""
    return source.revision


def never(_: Source) -> Hashable:
    """Each answer is made anew."""
    return object()


def by_audit(source: Source) -> Hashable:
    """It holds while the audit has nothing new, too."""
    return (by_revision(source), source.audit.state.version)


@dataclass(frozen=True)
class Route:
    """One thing to ask for."""

    path: str
    """Parts in braces are given to the provider by their names."""
    answer: Provider
    """Makes the answer."""
    parameters: tuple[str, ...] = ()
    """The names it takes in its query; others are refused."""
    holds_for: Callable[[Source], Hashable] = by_revision
    """An answer is good for as long as this gives the same. Quick: asked on the event loop."""


ROUTES: Final[tuple[Route, ...]] = (
    Route("/api/circle", describe_circle),
    Route("/api/now", describe_now, holds_for=never),
    Route("/api/figures", list_figures, ("metric", "points"), tell_files),
    Route("/api/distances", measure_distances, ("judge", "author", "from", "to"), tell_distances),
    Route("/api/costs", sum_costs, ("from", "to"), tell_costs),
    Route("/api/privacy", describe_privacy, (), tell_privacy),
    Route("/api/seats", list_seats),
    Route("/api/seats/{seat}", describe_seat),
    Route("/api/rounds", list_rounds, ("from", "to")),
    Route("/api/rounds/{number}", describe_round),
    Route("/api/reputations", trace_reputations, ("seats", "from", "to", "points")),
    Route("/api/search", search, ("q",)),
    Route("/api/findings", describe_findings, ("seat",), holds_for=by_audit),
    Route("/api/disputes", describe_disputes, ("from",), holds_for=never),
    Route("/api/disputes/{number}", describe_one_dispute, holds_for=never),
    Route("/api/provenance", describe_provenance, ("round", "seat", "ask", "of", "to"), holds_for=never),
    Route("/api/exclusion/{seat}", describe_exclusion, holds_for=by_audit),
)
WORKERS: Final[tuple[Worker, ...]] = (run_shelf, run_gas_book, run_judge_replays, work_behind)
