"""Reputations over the rounds: of some seats, and how all of them spread; fewer points where they are many."""

from math import isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.circle.history import MAX_SEATS
from node.watch.query import Query
from node.watch.round_table import ABSENT
from node.watch.rounds import read_range
from node.watch.source import Source
from node.watch.view import View

POINTS_LEAST: Final = 10
POINTS_MOST: Final = 10_000
_POINTS: Final = 1000

Lines = NDArray[np.float64]


def trace_reputations(source: Source, query: Query) -> dict[str, Any]:
    """GET /api/reputations: as each round opened, 0..65535, and at the end as they are now.

    Where there are more rounds than points, each stretch of rounds is two points: the least and the greatest value
    in it, in the order in which they came, so that no peak is lost.
    """
    view = source.view
    first, last = read_range(view, query)
    points = query.number("points", _POINTS, least=POINTS_LEAST, most=POINTS_MOST)
    chosen = query.seats("seats")
    numbers, values = _read_values(view, first, last)
    seats = [seat for seat in sorted(view.history.reputations) if chosen is None or seat in chosen]
    lines = np.column_stack([values[:, seats], _measure_spread(values)])
    numbers, lines = thin_out(numbers, lines, points)
    columns = [[None if isnan(value) else int(value) for value in line] for line in lines.T.tolist()]
    least, median, most = columns[len(seats) :]
    return {
        "rounds": numbers.tolist(),
        "seats": {str(seat): column for seat, column in zip(seats, columns, strict=False)},
        "band": {"least": least, "median": median, "most": most},
    }


def _read_values(view: View, first: int, last: int) -> tuple[NDArray[np.int64], Lines]:
    """Rounds, and their reputations, (rounds, 256), nan where there was none."""
    table = view.log.table
    values = table.column("reputations")[first - 1 : last].astype(np.float64)
    numbers = np.arange(first, first + len(values))
    # Behind the last settled round: as they are now, which is how the next one opens or opened.
    if first <= table.count + 1 and last >= view.history.number and view.history.rounds:
        now = np.full((1, MAX_SEATS), float(ABSENT))
        now[0, list(view.history.reputations)] = list(view.history.reputations.values())
        numbers, values = np.append(numbers, table.count + 1), np.vstack([values, now])
    values[values == ABSENT] = np.nan
    return numbers, values


def _measure_spread(values: Lines) -> Lines:
    """(rounds, 3): the least, the median and the greatest of all seats; nan where there are none."""
    spread = np.full((len(values), 3), np.nan)
    # What is not there is sorted to the end; `nanpercentile` goes through the rounds one by one.
    ordered = np.sort(values, axis=1)
    counts = (~np.isnan(values)).sum(axis=1)
    some = np.flatnonzero(counts)
    lower, upper = (counts[some] - 1) // 2, counts[some] // 2
    spread[some, 0] = ordered[some, 0]
    spread[some, 1] = (ordered[some, lower] + ordered[some, upper]) / 2
    spread[some, 2] = ordered[some, counts[some] - 1]
    return spread


def thin_out(numbers: NDArray[np.int64], lines: Lines, points: int) -> tuple[NDArray[np.int64], Lines]:
    """At most `points` rows, the last as it is.

    numbers: (rounds,). lines: (rounds, lines), nan where there is nothing.
    """
    if len(numbers) <= points:
        return numbers, lines
    edges = np.linspace(0, len(numbers) - 1, (points - 1) // 2 + 1).astype(int)
    chosen: list[int] = []
    rows: list[Lines] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = lines[begin:end]
        # Before the least and behind the greatest of nothing lies nothing.
        low, high = np.where(np.isnan(part), np.inf, part), np.where(np.isnan(part), -np.inf, part)
        is_low_first = low.argmin(axis=0) <= high.argmax(axis=0)
        least, greatest = low.min(axis=0), high.max(axis=0)
        rows += [np.where(is_low_first, least, greatest), np.where(is_low_first, greatest, least)]
        chosen += [begin, (begin + end) // 2]
    rows.append(lines[-1])
    thinned = np.vstack(rows)
    thinned[np.isinf(thinned)] = np.nan
    return numbers[[*chosen, len(numbers) - 1]], thinned
