"""Rounds: all of them as columns, and one in full."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ledger.blobs.cid import cid_of
from ledger.chain.placed_event import PlacedEvent
from ledger.circle.draw import seats_of
from ledger.circle.events import Attested, Committed, Drawn, Settled
from ledger.circle.history import Attestation, Round
from ledger.circle.verdict_word import MAX_ROUND
from node.watch.happenings import list_happenings, locate
from node.watch.query import BadQuery, Missing, Query
from node.watch.round_table import ABSENT, tally
from node.watch.source import Source
from node.watch.view import View

# So long a page waits for the times of a round's blocks; what has not come by then is not known yet.
_TIMES_S: Final = 2.0
_ALL_TIMES_S: Final = 0.3


def read_range(view: View, query: Query) -> tuple[int, int]:
    """The rounds asked for by `from` and `to`, those there are. Raises BadQuery."""
    newest = view.history.number
    first = query.number("from", 1, least=1, most=MAX_ROUND)
    last = query.number("to", max(newest, first), least=1, most=MAX_ROUND)
    if last < first:
        raise BadQuery(f"from is {first} and to is {last}: name the earlier round first")
    return first, min(last, newest)


def list_rounds(source: Source, query: Query) -> dict[str, list[Any]]:
    """GET /api/rounds: a column a figure, a place a round. Times that are not known yet are None."""
    view = source.view
    first, last = read_range(view, query)
    table = view.log.table
    settled = min(last, table.count)
    chosen = slice(first - 1, settled)
    names = ("committed", "attested", "accepted", "rejected", "unjudged")
    columns = {"number": list(range(first, settled + 1))}
    columns |= {name: table.column(name)[chosen].tolist() for name in names}
    blocks = {kind: table.column(f"{kind}_in")[chosen].tolist() for kind in ("opened", "drawn", "settled")}
    for number in range(max(first, settled + 1), last + 1):
        _add_open(view, view.history.rounds[number - 1], columns, blocks)
    view.times.want({block for column in blocks.values() for block in column if block != ABSENT}, _ALL_TIMES_S)
    return columns | {f"{kind}AtS": _find_times(view, column) for kind, column in blocks.items()}


def _add_open(view: View, round_: Round, columns: dict[str, list[int]], blocks: dict[str, list[int]]) -> None:
    """A row for a round under way."""
    counts = (len(round_.commits), len(round_.attestations), *tally(round_, view.history.terms.degree).totals)
    for name, value in zip(columns, (round_.number, *counts), strict=True):
        columns[name].append(value)
    for name, block in find_boundaries(view, round_.number).items():
        blocks[name].append(ABSENT if block is None else block)


def find_boundaries(view: View, number: int) -> dict[str, int | None]:
    """The blocks of a round's opening, its newest draw and its settlement; None for what has not been."""
    opening, entries = view.log.find_opening(number), view.list_round(number)
    drawn = [entry.position[0] for entry in entries if isinstance(entry.event, Drawn)]
    settled = [entry.position[0] for entry in entries if isinstance(entry.event, Settled)]
    return {
        "opened": None if opening is None else opening.position[0],
        "drawn": drawn[-1] if drawn else None,
        "settled": settled[-1] if settled else None,
    }


def _find_times(view: View, blocks: Sequence[int]) -> list[int | None]:
    return [None if block == ABSENT else view.find_time(block) for block in blocks]


def describe_round(source: Source, query: Query) -> dict[str, Any]:
    """GET /api/rounds/N: who committed, who judged whom how, and what happened when. Raises Missing."""
    view = source.view
    number = query.number("number", None, least=1, most=MAX_ROUND)
    if number > view.history.number:
        newest = view.history.number
        has = f"the newest is round {newest}" if newest else "none has opened yet"
        raise Missing(f"there is no round {number}: {has}")
    round_, entries = view.history.rounds[number - 1], view.list_round(number)
    opening = view.log.find_opening(number)
    placed = entries if opening is None else [opening, *entries]
    view.times.want({entry.position[0] for entry in placed}, wait_s=_TIMES_S)
    boundaries = find_boundaries(view, number)
    times = {f"{k}AtS": None if b is None else view.find_time(b) for k, b in boundaries.items()}
    timeline = list_happenings(view, entries)
    if opening is not None:
        says = f"round {number} opened"
        timeline.insert(0, {"kind": "opened", "seat": None, **locate(view, opening), "says": says})
    return {
        "number": number,
        "isSettled": round_.settled,
        "seed": None if round_.seed is None else "0x" + round_.seed.hex(),
        "roster": _list_roster(view, round_),
        "phaseTimes": times,
        "blocks": boundaries,
        "commits": list(_list_commits(view, round_, entries)),
        "judges": list(_list_judges(view, round_, entries)),
        "timeline": timeline,
    }


def _list_roster(view: View, round_: Round) -> list[int]:
    """Who was waited for: of a round that is closed, those who committed and those who were missed."""
    if round_.seed is None and not round_.settled:
        return seats_of(view.history.roster)
    return seats_of(round_.committed | round_.missed)


def _list_commits(view: View, round_: Round, entries: Iterable[PlacedEvent]) -> Iterable[dict[str, Any]]:
    placed = {entry.event.seat: entry for entry in entries if isinstance(entry.event, Committed)}
    for seat, digest in sorted(round_.commits.items()):
        yield {"seat": seat, **name_blob(digest), **locate(view, placed.get(seat))}


def _list_judges(view: View, round_: Round, entries: Iterable[PlacedEvent]) -> Iterable[dict[str, Any]]:
    if round_.seed is None or not round_.attestations:
        return
    placed = {entry.event.seat: entry for entry in entries if isinstance(entry.event, Attested)}
    neighbours = round_.find_neighbours(view.history.terms.degree)
    for judge, said in sorted(round_.attestations.items()):
        yield {
            "judge": judge,
            **_split(said, neighbours[judge]),
            "record": name_blob(said.record),
            **locate(view, placed.get(judge)),
        }


def _split(said: Attestation, neighbours: Iterable[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {"accepted": [], "rejected": [], "unjudged": []}
    for seat in sorted(neighbours):
        kind = (
            "unjudged" if not said.judged >> seat & 1 else "accepted" if said.accepted >> seat & 1 else "rejected"
        )
        found[kind].append(seat)
    return found


def name_blob(digest: bytes) -> dict[str, str]:
    """A blob's digest as on chain, and the CID of the block that has it."""
    return {"digest": "0x" + digest.hex(), "cid": cid_of(digest).text}
