"""A dispute in a few labelled lines, made of the fields that `node.duties.claims.make_row` gives."""

from collections.abc import Mapping
from typing import Any, Final

from ledger.circle.seat_names import SeatName
from ledger.untrusted.text import format_ether
from node.operating.wording import format_seats

_WORDS: Final = {"upholding": "for", "rejecting": "against", "withholding": "withheld"}


def make_lines(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, text) in order; the first label names the dispute."""
    lines = [
        (f"dispute {row['dispute']}", row["stands"]),
        ("claim", row["claim"]),
        ("raised by", _describe_raiser(row)),
    ]
    if row.get("names"):
        told = (SeatName(one["name"], tuple(one["name_marks"])).describe() for one in row["names"].values())
        lines.append(
            ("names", ", ".join(f"seat {seat}: {name}" for seat, name in zip(row["names"], told, strict=True)))
        )
    lines += _describe_hearing(row)
    lines.append(("money", describe_money(row)))
    if row["next"]:
        lines.append(("next", row["next"]))
    return lines


def _describe_raiser(row: Mapping[str, Any]) -> str:
    seat = row["challenger_seat"]
    return f"{row['challenger']}" + ("" if seat is None else f" of seat {seat}")


def _describe_hearing(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if row["jury"]:
        lines.append(("jury", f"{format_seats(row['jury'])}: {_describe_votes(row['jury_votes'])}"))
    elif row["stage"] == "drawing" and row["outcome"] is None:
        lines.append(("pool", f"{format_seats(row['pool'])}: the jury is drawn of these"))
    if row["appellant"]:
        lines.append(("appeal by", row["appellant"]))
    if row["stage"] == "circle":
        lines.append(("circle", f"{format_seats(row['electorate'])}: {_describe_votes(row['circle_votes'])}"))
    return lines


def _describe_votes(votes: Mapping[str, Any]) -> str:
    told = ", ".join(
        f"{len(votes[answer])} {word}" + (f" ({format_seats(votes[answer])})" if votes[answer] else "")
        for answer, word in _WORDS.items()
    )
    return f"{told}; {votes['decide']} of {votes['of']} decide"


def describe_money(row: Mapping[str, Any]) -> str:
    """What is pledged and at stake or, once it is closed, what went where."""
    if row["outcome"] is None:
        appeal = f" and {format_ether(row['appeal_bond_wei'])} by the appeal" if row["appeal_bond_wei"] else ""
        stake = f"seat {row['judge']} stands to lose {format_ether(row['at_stake_wei'])}"
        return f"{format_ether(row['bond_wei'])} pledged by the claim{appeal}; {stake}"
    told = []
    if row["outcome"] == "upheld" and not row["fine_wei"]:
        told.append(f"seat {row['judge']} had nothing left to lose")
    if row["fine_wei"]:
        told.append(f"seat {row['judge']} lost {format_ether(row['fine_wei'])}")
    if row["jurors_fined_wei"]:
        told.append(f"jurors who were wrong lost {format_ether(row['jurors_fined_wei'])}")
    if row["paid_wei"]:
        told.append(f"{format_ether(row['paid_wei'])} paid to who raised it")
    told.append(f"{format_ether(row['burned_wei'])} burned")
    if row["given_back_wei"]:
        told.append(f"{format_ether(row['given_back_wei'])} of bonds given back")
    return ", ".join(told)
