"""A seat in labelled lines."""

from collections.abc import Mapping
from typing import Any, Final

from ledger.circle.seat_names import SeatName
from ledger.identity.endpoints import show_addresses
from ledger.untrusted.text import format_ether
from node.operating.printing import say
from node.operating.wording import format_time

_ONCE: Final = "once; a second time costs the seat and all of the bond"


def print_seat(row: Mapping[str, Any]) -> None:
    """row: of `node.seat.seat_fields.make_seat_fields`."""
    say(f"seat       {row['seat']}, {row['state']}{_until(row)}")
    say(f"peer       {row['peer']}")
    if row["name"] is not None:
        named = SeatName(row["name"], tuple(row["name_marks"])).describe()
        say(f"name       {named}: what it calls itself, for all to choose")
    say(f"endpoint   {show_addresses(row['endpoint'])}")
    say(f"cold key   {row['cold']}, owed {format_ether(row['owed_to_cold_wei'])}")
    burned = f", of which leaving now burns {format_ether(row['burned_by_leaving_wei'])}" if _burns(row) else ""
    say(f"bond       {format_ether(row['bond_wei'])}{burned}")
    say(f"reputation {row['reputation']:.3f}{_low(row)}")
    if row["state"] == "held" and row["phase"] != "finished":
        say(f"roster     {_waited_for(row)}")
    if row["convictions"]:
        times = f"{row['convictions']} times"
        say(f"convicted  {_ONCE if row['convictions'] == 1 else times}")
    if row["suspended_until"] is not None and row["state"] == "held":
        say(f"suspended  until it wakes in round {row['suspended_until']} or later")
    if row["rotation"]:
        new = row["rotation"]
        say(f"rotation   to {new['peer']}, cold key {new['cold']}, at {format_time(new['at'])}")
    if row["open_disputes"]:
        say(f"disputes   open about what it said: number {', '.join(map(str, row['open_disputes']))}")


def _until(row: Mapping[str, Any]) -> str:
    if row["state"] != "given up":
        return ""
    answers = ", answers for what it said until" if row["bond_wei"] else ", free from"
    return f"{answers} {format_time(row['free_at'])}{'' if row['bond_wei'] else ' on'}"


def _burns(row: Mapping[str, Any]) -> bool:
    return bool(row["burned_by_leaving_wei"])


def _low(row: Mapping[str, Any]) -> str:
    if not row["quarantined"]:
        return ""
    limit = f" of {row['eject_after']}" if row["eject_after"] else ""
    return f", quarantined, {row['strikes']}{limit} strikes"


def _waited_for(row: Mapping[str, Any]) -> str:
    if row["late"]:
        return "late: it was waited for in vain before, and may commit in this round"
    if row["on_roster"]:
        dozing = (
            ", and dozes until it has attested two rounds running with a reputation of 0.75"
            if row["dozing"]
            else ""
        )
        return f"on that of the round under way{dozing}"
    return "not on that of the round under way" + (
        ", and dozes: it was waited for in vain" if row["dozing"] else ""
    )
