"""Seats: how each stands, and one with its life in the circle."""

from typing import Any, Final

import numpy as np

from ledger.circle.events import Disputed
from node.seat.seat_fields import describe_standing
from node.seat.seat_rows import make_seat_row, make_seat_rows
from node.watch.happenings import is_about, list_happenings
from node.watch.query import SEAT_MAX, Missing, Query
from node.watch.round_table import COMMITTED
from node.watch.source import Source
from node.watch.view import View

# Whoever judged it in so many rounds at the end is told; with more rounds that is soon everybody.
_JUDGED_ROUNDS: Final = 64
_TIMES_S: Final = 2.0


def list_seats(source: Source, _: Query) -> list[dict[str, Any]]:
    """GET /api/seats."""
    view = source.view
    return [_describe(view, row) for row in make_seat_rows(view.history)]


def _describe(view: View, row: dict[str, Any]) -> dict[str, Any]:
    """row: of `make_seat_row`."""
    seat, last = row["seat"], row["last_round"]
    return {
        "seat": seat,
        "name": row["name"],
        "nameMarks": row["name_marks"],
        "peer": row["peer"],
        "cold": view.history.seats[seat].cold,
        "endpoint": row["endpoint"],
        "state": row["state"],
        "reputation": row["reputation"],
        "standing": describe_standing(row, view.history.number),
        "strikes": row["strikes"],
        "bondWei": str(row["bond_wei"]),
        "committed": row["committed"],
        "attested": row["attested"],
        "lastRound": None
        if last is None
        else {
            "round": last["round"],
            "committed": last["committed"],
            "attested": last["attested"],
            "accepted": last["accepting"],
            "rejected": last["rejecting"],
            "unjudged": last["silent"],
        },
        "notices": row["notices"],
    }


def describe_seat(source: Source, query: Query) -> dict[str, Any]:
    """GET /api/seats/N: how it stands, what befell it, what its judges said round by round. Raises Missing."""
    view = source.view
    seat = query.number("seat", None, least=0, most=SEAT_MAX)
    if seat not in view.history.seats:
        raise Missing(f"nobody ever had seat {seat}: seats are numbered 0 to {len(view.history.seats) - 1}")
    rare = view.log.list_rare()
    judges = {one.event.dispute: one.event.judge for one in rare if isinstance(one.event, Disputed)}
    life = [entry for entry in rare if is_about(entry.event, seat, judges)]
    view.times.want({entry.position[0] for entry in life}, wait_s=_TIMES_S)
    row = make_seat_row(view.history, seat, make_names(view).get(seat))
    return {
        **_describe(view, row),
        "life": list_happenings(view, life),
        "rounds": _list_rounds(view, seat),
        "judgedBy": _list_judges(view, seat),
    }


def make_names(view: View) -> dict[int, Any]:
    """Seat → its `SeatName`, of those that have one that may be shown."""
    from ledger.circle.seat_names import name_seats

    return name_seats(view.history)


def _list_rounds(view: View, seat: int) -> dict[str, list[int]]:
    """The settled rounds that it committed in, and what its judges made of its updates."""
    table = view.log.table
    places = np.flatnonzero(table.column("took_part")[:, seat] & COMMITTED)
    columns = {"accepted": "accepting", "rejected": "rejecting", "silent": "silent"}
    return {"number": (places + 1).tolist()} | {
        name: table.column(column)[places, seat].tolist() for name, column in columns.items()
    }


def _list_judges(view: View, seat: int) -> list[int]:
    found: set[int] = set()
    for round_ in view.history.rounds[-_JUDGED_ROUNDS:]:
        found.update(judge for judge, one in round_.attestations.items() if one.judged >> seat & 1)
    return sorted(found)
