"""What the chain says of seats, a row each: what `folkmoot status` and the live page have in common."""

from typing import Any

from ledger.circle.history import History
from ledger.circle.seat_names import SeatName, make_name_fields, name_seats
from node.seat.fate import RoundTally, find_news, find_standing
from node.seat.seat_fields import make_standing_fields


def make_seat_rows(history: History) -> list[dict[str, Any]]:
    """What the chain says of all seats."""
    names = name_seats(history)
    return [make_seat_row(history, seat, names.get(seat)) for seat in history.seats]


def make_seat_row(history: History, seat: int, name: SeatName | None = None) -> dict[str, Any]:
    """What the chain says of one seat. name: what it calls itself, where it has a name."""
    held, round_ = history.seats[seat], history.round
    # The last round is all that is told: with more of them, 256 seats take seconds.
    standing = find_standing(history, seat, rounds=1)
    last = standing.last
    told = find_news(None, standing, history.terms) if held.is_held else []
    return {
        **make_standing_fields(history, seat),
        "woken": history.is_woken(seat),
        "committed": round_ is not None and seat in round_.commits,
        "attested": round_ is not None and seat in round_.attestations,
        "endpoint": held.endpoint,
        **make_name_fields(name),
        "last_round": None if last is None else _as_fields(last),
        "notices": [{"kind": notice.kind, "says": notice.says} for notice in told],
    }


def _as_fields(judgement: RoundTally) -> dict[str, Any]:
    names = ("round", "committed", "attested", "accepting", "rejecting", "silent")
    return {name: getattr(judgement, name) for name in names}
