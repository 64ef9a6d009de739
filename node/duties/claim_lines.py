"""A dispute in a few labelled lines, made of the fields that `node.duties.claims.row_of` gives."""

from collections.abc import Mapping
from typing import Any, Final

from ledger.untrusted.text import ether
from node.operating.wording import seat_list

_WORDS: Final = {"upholding": "for", "rejecting": "against", "withholding": "withheld"}


def lines_of(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, text) in order; the first label names the dispute."""
    lines = [(f"dispute {row['dispute']}", row["stands"]), ("claim", row["claim"]), ("raised by", _raiser(row))]
    lines += _hearing(row)
    lines.append(("money", money_words(row)))
    if row["next"]:
        lines.append(("next", row["next"]))
    return lines


def _raiser(row: Mapping[str, Any]) -> str:
    seat = row["challenger_seat"]
    return f"{row['challenger']}" + ("" if seat is None else f" of seat {seat}")


def _hearing(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if row["jury"]:
        lines.append(("jury", f"{seat_list(row['jury'])}: {_votes(row['jury_votes'])}"))
    elif row["stage"] == "drawing" and row["outcome"] is None:
        lines.append(("pool", f"{seat_list(row['pool'])}: the jury is drawn of these"))
    if row["appellant"]:
        lines.append(("appeal by", row["appellant"]))
    if row["stage"] == "circle":
        lines.append(("circle", f"{seat_list(row['electorate'])}: {_votes(row['circle_votes'])}"))
    return lines


def _votes(votes: Mapping[str, Any]) -> str:
    told = ", ".join(
        f"{len(votes[answer])} {word}" + (f" ({seat_list(votes[answer])})" if votes[answer] else "")
        for answer, word in _WORDS.items()
    )
    return f"{told}; {votes['decide']} of {votes['of']} decide"


def money_words(row: Mapping[str, Any]) -> str:
    """What is pledged and at stake or, once it is closed, what went where."""
    if row["outcome"] is None:
        appeal = f" and {ether(row['appeal_bond_wei'])} by the appeal" if row["appeal_bond_wei"] else ""
        stake = f"seat {row['judge']} stands to lose {ether(row['at_stake_wei'])}"
        return f"{ether(row['bond_wei'])} pledged by the claim{appeal}; {stake}"
    told = []
    if row["outcome"] == "upheld" and not row["fine_wei"]:
        told.append(f"seat {row['judge']} had nothing left to lose")
    if row["fine_wei"]:
        told.append(f"seat {row['judge']} lost {ether(row['fine_wei'])}")
    if row["jurors_fined_wei"]:
        told.append(f"jurors who were wrong lost {ether(row['jurors_fined_wei'])}")
    if row["paid_wei"]:
        told.append(f"{ether(row['paid_wei'])} paid to who raised it")
    told.append(f"{ether(row['burned_wei'])} burned")
    if row["given_back_wei"]:
        told.append(f"{ether(row['given_back_wei'])} of bonds given back")
    return ", ".join(told)
