"""What `folkmoot status` prints: a table where one fits, and otherwise each seat in labelled lines."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ledger.identity.endpoints import show_addresses
from node.cli.origin import OriginCheck, describe_origin
from node.cli.privacy_lines import describe_spending, describe_terms

# Characters, enough for the longest word of each; on a narrow terminal all share the first.
_WIDTHS: Final = {"standing": 24, "reputation": 20, "this round": 10, "last round": 16, "reached": 10}
# So many more hold the longest text that there is, where there is room for it.
_LONGEST: Final = {"reputation": 36, "last round": 16}
_DISPUTES_SHOWN: Final = 4
# Of what a node tells of its own seat, what is seen in the table or in the line about disputes.
_TOLD_ABOVE: Final = ("disputed", "convicted", "dozing", "drawn_for_jury", "called_to_vote")
_LABEL: Final = 13


def print_status(shown: Mapping[str, Any], origin: Any = None, checked: OriginCheck | None = None) -> None:
    """shown: of `make_circle_fields`. origin: the manifest's. checked: where that was recomputed."""
    from node.operating.console import CleanConsole

    console = CleanConsole()
    console.print(describe_circle(shown), highlight=False)
    if origin is not None:
        console.print(f"origin: {describe_origin(origin)}", highlight=False)
    if checked is not None and checked.is_equal:
        console.print(f"origin {checked.describe()}", highlight=False)
    if (privacy := shown.get("privacy")) is not None:
        console.print(describe_terms(privacy["terms"]), highlight=False)
        if "own" in privacy:
            console.print(describe_spending(privacy["own"], privacy["terms"]), highlight=False)
    if shown["seats"]:
        print_seats(console, shown["seats"], shown["round"])
    else:
        console.print("nobody has a seat yet: `folkmoot node` takes one", highlight=False)
    if shown["open_disputes"]:
        console.print(describe_disputes(shown["open_disputes"]), highlight=False)
    for row in shown["seats"]:
        for notice in row["notices"]:
            if notice.get("kind") in _TOLD_ABOVE:
                continue
            console.print(notice["says"], highlight=False, markup=False)


def describe_circle(shown: Mapping[str, Any]) -> str:
    """Where it is, in one line."""
    left_s = shown["seconds_left"]
    return (
        f"circle {shown['contract']}: {shown['task']}, rule {shown['rule']}; "
        f"round {shown['round']} of {shown['last_round']}, {shown['phase']}"
        + ("" if left_s is None else f", {left_s} s left")
    )


def describe_disputes(open_: list[dict[str, Any]]) -> str:
    """One line, however many they are."""
    shown = [
        f"number {row['dispute']} about seat {row['judge']} ({row['stage']})" for row in open_[:_DISPUTES_SHOWN]
    ]
    more = f" and {len(open_) - _DISPUTES_SHOWN} more" if len(open_) > _DISPUTES_SHOWN else ""
    return f"open disputes: {', '.join(shown)}{more}; see `folkmoot disputes --open`"


def print_seats(console: Any, rows: list[dict[str, Any]], number: int) -> None:
    """All seats, nothing of them cut off. console: Rich's. number: the round under way."""
    table = make_table(rows, number, console.width)
    if table is not None:
        console.print(table)
        return
    # Addresses are there to be copied: where a column would break them, each has a line, which a terminal that is
    # narrower still breaks by itself.
    for row in rows:
        for line in describe_seat(row, number, console.width):
            console.print(line, soft_wrap=True)


def describe_seat(row: Mapping[str, Any], number: int, width: int) -> Iterator[str]:
    """One seat in labelled lines; of those only the addresses may be longer than the width."""
    yield from textwrap.wrap(
        f"seat {row['seat']}{describe_name(row, ', ')}", max(width, 20), subsequent_indent="  "
    )
    for heading, cell in _make_cells(row, number):
        yield from textwrap.wrap(
            cell,
            max(width, 2 * _LABEL),
            initial_indent=f"  {heading}".ljust(_LABEL) + " ",
            subsequent_indent=" " * (_LABEL + 1),
            break_long_words=False,
            break_on_hyphens=False,
        )
    for heading, address in zip(("peer", "gossip", "gateway"), _list_addresses(row), strict=False):
        yield f"  {heading}".ljust(_LABEL) + f" {address}"


def make_table(rows: list[dict[str, Any]], number: int, width: int) -> Any:
    """Rich's table, None where the addresses do not fit. A width too small for a column a figure has all in one."""
    from rich.table import Column, Table
    from rich.text import Text

    addresses = [_list_addresses(row) for row in rows]
    is_tried = any("reached" in row for row in rows)
    headings = [heading for heading in _CELLS if is_tried or heading != "reached"]
    longest = max((len(line) for lines in addresses for line in lines), default=0)
    spare = width - len("seat") - longest - sum(_WIDTHS[heading] for heading in headings) - 3 * len(headings) - 7
    is_wide = spare >= 0
    columns = headings if is_wide else ["standing"]
    if not is_wide and width < len("seat") + _WIDTHS["standing"] + longest + 10:
        return None
    what = "peer, gossip, gateway"
    last = Column(f"name, {what}" if any(row.get("name") for row in rows) else what, overflow="fold")
    room = {one: min(spare // len(_LONGEST), most) for one, most in _LONGEST.items()} if is_wide else {}
    figures = (Column(one, width=_WIDTHS[one] + room.get(one, 0)) for one in columns)
    table = Table("seat", *figures, last, show_lines=True)
    for row, lines in zip(rows, addresses, strict=True):
        found = dict(_make_cells(row, number))
        cells = [found.get(heading, "") for heading in headings]
        if not is_wide:
            cells = ["\n".join(f"{heading}: {cell}" for heading, cell in found.items())]
        table.add_row(str(row["seat"]), *cells, Text("\n".join([*filter(None, [describe_name(row)]), *lines])))
    return table


def describe_name(row: Mapping[str, Any], before: str = "") -> str:
    """What a seat calls itself, and what should be known of that; empty without a name. before: put in front."""
    from ledger.circle.seat_names import SeatName

    if row.get("name") is None:
        return ""
    return before + SeatName(row["name"], tuple(row["name_marks"])).describe()


def _list_addresses(row: Mapping[str, Any]) -> list[str]:
    return [row["peer"], *show_addresses(row["endpoint"]).split(" ")]


def list_figures(row: Mapping[str, Any] | None = None, number: int = 0) -> list[str]:
    """What stands in the columns of figures, but whether a seat was reached; the headings without a row."""
    return [
        heading if row is None else tell(row, number) for heading, tell in _CELLS.items() if heading != "reached"
    ]


def _make_cells(row: Mapping[str, Any], number: int) -> Iterator[tuple[str, str]]:
    """Heading and what stands there, of those where anything does."""
    for heading, tell in _CELLS.items():
        if cell := tell(row, number):
            yield heading, cell


def _standing(row: Mapping[str, Any], number: int) -> str:
    from node.seat.seat_fields import describe_standing

    return ", ".join([f"{row['reputation']:.3f}", *describe_standing(dict(row), number)])


def _this_round(row: Mapping[str, Any], _: int) -> str:
    return "attested" if row["attested"] else "committed" if row["committed"] else ""


def _last_round(row: Mapping[str, Any], _: int) -> str:
    return _judged(row["last_round"])


def _reached_words(row: Mapping[str, Any], _: int) -> str:
    return _reach_word(row.get("reached"))


_CELLS: Final[Mapping[str, Callable[[Mapping[str, Any], int], str]]] = {
    "reputation": _standing,
    "this round": _this_round,
    "last round": _last_round,
    "reached": _reached_words,
}


def _judged(last: Mapping[str, Any] | None) -> str:
    """What its judges said of a seat's update in the last settled round: of so many, accepted, had it not."""
    if last is None:
        return ""
    if not last["committed"]:
        return "missed"
    judges = last["accepting"] + last["rejecting"] + last["silent"]
    lacking = f", {last['silent']} had it not" if last["silent"] else ""
    return f"{last['accepting']} of {judges} accepted{lacking}"


def _reach_word(reached: Mapping[str, bool] | None) -> str:
    if reached is None:
        return ""
    dead = [name for name, is_reached in reached.items() if not is_reached]
    return f"no {', no '.join(dead)}" if dead else "yes"
