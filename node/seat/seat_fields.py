"""How a seat stands by the chain, as fields: what `folkmoot seat show` and `folkmoot status` have in common."""

from typing import Any

from ledger.circle.history import History
from ledger.circle.members import Dispute, Seat
from ledger.circle.reputation import FULL
from ledger.circle.seat_names import make_name_fields, name_seats


def make_standing_fields(history: History, seat: int) -> dict[str, Any]:
    """The seat's holder, whether it counts and whether it is waited for. Amounts in wei.

    suspended_until: the round from which waking ends its suspension. dozing: it was waited for in vain, and is
    waited for no more; late: it dozes and may commit in this round. convictions: upheld claims about what it said.
    """
    held, bit = history.seats[seat], 1 << seat
    return {
        "seat": seat,
        "state": describe_seat_state(held),
        "peer": held.peer,
        "reputation": history.reputations[seat] / FULL,
        "quarantined": bool(history.below & bit),
        "strikes": held.strikes,
        "on_roster": bool(history.roster & bit),
        "dozing": bool(history.dozing & bit) and held.is_held,
        "late": bool(history.late & bit),
        "suspended_until": held.suspended_until,
        "convictions": held.convictions,
        "bond_wei": held.bond,
    }


def make_seat_fields(history: History, seat: int) -> dict[str, Any]:
    """The same, its keys and where it was reached last, what it owes and is owed."""
    held = history.seats[seat]
    rotation = None if held.announced is None else dict(zip(("peer", "cold", "at"), held.announced, strict=True))
    return {
        **make_standing_fields(history, seat),
        "phase": history.phase.name.lower(),
        "eject_after": history.terms.eject_after,
        "burned_by_leaving_wei": history.leaving_burn_wei(seat) if held.is_held else 0,
        "cold": held.cold,
        "owed_to_cold_wei": history.owed.get(held.cold, 0),
        "endpoint": held.endpoint,
        **make_name_fields(name_seats(history).get(seat)),
        "free_at": held.free_at,
        "open_disputes": [dispute.number for dispute in find_disputes_about(history, seat)],
        "rotation": rotation,
    }


def describe_seat_state(held: Seat) -> str:
    """In a word or two."""
    if held.is_held:
        return "held"
    return "released" if held.is_released else "given up"


def find_disputes_about(history: History, seat: int) -> list[Dispute]:
    """The open ones about what the seat's present or last holder said."""
    return [dispute for dispute in history.open_disputes.values() if dispute.claim.judge == seat]


def describe_standing(row: dict[str, Any], number: int) -> list[str]:
    """What is out of the ordinary, a few words each.

    row: of `make_standing_fields`. number: the round under way.
    """
    is_held = row["state"] == "held"
    told = [] if is_held else [row["state"]]
    if row["quarantined"] and is_held:
        told.append("quarantined")
    if row["suspended_until"] is not None and is_held:
        is_over = number >= row["suspended_until"]
        told.append("suspended until it wakes" if is_over else f"suspended until round {row['suspended_until']}")
    if row["convictions"]:
        told.append("convicted" if row["convictions"] == 1 else "convicted again")
    if row["late"]:
        told.append("late")
    if row["dozing"]:
        told.append("dozing")
    return told
