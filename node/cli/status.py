"""`folkmoot status`: where a circle stands now."""

import argparse
import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.opened import open_named
from node.cli.options import Subparsers, add_json, add_rpc, print_json
from node.cli.origin import OriginCheck, add_check_origin, check_origin, describe_origin, make_origin_fields
from node.cli.privacy_lines import describe_spending, describe_terms, read_spending
from node.cli.recomputing import add_timeout, check_timeout

# Endpoints tried at a time.
_PARALLEL: Final = 16
# Characters, enough for the longest word of each; on a narrow terminal all share the first.
_WIDTHS: Final = {"standing": 24, "reputation": 20, "this round": 10, "last round": 16, "reached": 10}
# So many more hold the longest text that there is, where there is room for it.
_LONGEST: Final = {"reputation": 36, "last round": 16}
_DISPUTES_SHOWN: Final = 4
# Of what a node tells of its own seat, what is seen in the table or in the line about disputes.
_TOLD_ABOVE: Final = ("disputed", "convicted", "dozing", "drawn_for_jury", "called_to_vote")


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("status", help="show a circle's round, seats and reputations", description=__doc__)
    parser.add_argument("--circle", type=Path, default=Path("circle.json"))
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="of a node on this machine: show also what privacy it has spent, and its own budget",
    )
    parser.add_argument(
        "--reach", action="store_true", help="also try every seat's gossip and gateway from this machine"
    )
    add_check_origin(parser, "; with --data, blobs in that folder need not be fetched")
    add_timeout(parser)
    add_rpc(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the chain once and print. Raises SetupError besides where --check-origin finds another state."""
    from msgspec.structs import asdict

    from ledger.circle.history import Phase
    from node.seat.seat_rows import make_seat_rows

    check_timeout(options)
    opened = open_named(options)
    file, circle, history = opened.file, opened.circle, opened.history
    checked = _check_origin(options, opened)
    state = circle.fetch_state(opened.block)
    timed = state.phase in (Phase.COMMIT, Phase.ATTEST)
    shown: dict[str, Any] = {
        "contract": file.contract,
        "task": history.manifest.task,
        "rule": history.manifest.rule,
        "origin": make_origin_fields(history.manifest.origin),
        "round": state.round,
        "last_round": circle.terms.last_round,
        "phase": state.phase.name.lower(),
        "seconds_left": max(0, state.deadline_s - int(time.time())) if timed else None,
        "seats": make_seat_rows(history),
        "convicted": [seat for seat, held in history.seats.items() if held.convictions],
        "open_disputes": _open_disputes(history, opened),
    }
    if (terms := history.manifest.privacy) is not None:
        shown["privacy"] = {"terms": asdict(terms)}
        if options.data is not None:
            shown["privacy"]["own"] = read_spending(opened, options.data).to_fields()
    elif options.data is not None and checked is None:
        raise UsageError("--data is for a circle with privacy terms, and this one has none")
    if checked is not None:
        shown["origin"]["check"] = checked.as_fields()
    if options.reach:
        reached = asyncio.run(_probe_reached(circle.network, shown["seats"]))
        for row in shown["seats"]:
            row["reached"] = reached.get(row["seat"])
    if options.json:
        print_json(shown)
    else:
        _print(shown, history.manifest.origin, checked)
    if checked is not None and not checked.is_equal:
        raise SetupError(f"origin {checked.describe()}")
    return 0


def _check_origin(options: argparse.Namespace, opened: Any) -> OriginCheck | None:
    if options.check_origin is None:
        return None
    return check_origin(options, opened.history.manifest, opened.file, options.timeout)


def _open_disputes(history: Any, opened: Any) -> list[dict[str, Any]]:
    from node.duties.claims import make_row

    found = list(history.open_disputes.values())
    now_s = opened.now_s() if found else 0.0
    return [make_row(history, one, now_s) for one in found]


async def _probe_reached(network: Any, rows: list[dict[str, Any]]) -> dict[int, dict[str, bool]]:
    """Seat → whether its peer proves itself at the gossip address, and whether its gateway answers."""
    from node.gossip.limits import Limits
    from node.gossip.prober import Prober

    prober, places = Prober(network, Limits()), asyncio.Semaphore(_PARALLEL)

    async def one(row: Mapping[str, Any]) -> dict[str, bool]:
        async with places:
            return asdict(await prober.probe_both(row["endpoint"], row["peer"]))

    held = [row for row in rows if row["state"] == "held"]
    try:
        return dict(zip([row["seat"] for row in held], await asyncio.gather(*map(one, held)), strict=True))
    finally:
        await prober.close()


def _print(shown: Mapping[str, Any], origin: Any = None, checked: OriginCheck | None = None) -> None:
    from node.operating.console import CleanConsole

    console = CleanConsole()
    left_s = shown["seconds_left"]
    console.print(
        f"circle {shown['contract']}: {shown['task']}, rule {shown['rule']}; "
        f"round {shown['round']} of {shown['last_round']}, {shown['phase']}"
        + ("" if left_s is None else f", {left_s} s left"),
        highlight=False,
    )
    if origin is not None:
        console.print(f"origin: {describe_origin(origin)}", highlight=False)
    if checked is not None and checked.is_equal:
        console.print(f"origin {checked.describe()}", highlight=False)
    if (privacy := shown.get("privacy")) is not None:
        console.print(describe_terms(privacy["terms"]), highlight=False)
        if "own" in privacy:
            console.print(describe_spending(privacy["own"], privacy["terms"]), highlight=False)
    if shown["seats"]:
        console.print(_table(shown["seats"], shown["round"], console.width))
    else:
        console.print("nobody has a seat yet: `folkmoot node` takes one", highlight=False)
    if shown["open_disputes"]:
        console.print(_disputes_line(shown["open_disputes"]), highlight=False)
    for row in shown["seats"]:
        for notice in row["notices"]:
            if notice.get("kind") in _TOLD_ABOVE:
                continue
            console.print(notice["says"], highlight=False, markup=False)


def _disputes_line(open_: list[dict[str, Any]]) -> str:
    """One line, however many they are."""
    shown = [
        f"number {row['dispute']} about seat {row['judge']} ({row['stage']})" for row in open_[:_DISPUTES_SHOWN]
    ]
    more = f" and {len(open_) - _DISPUTES_SHOWN} more" if len(open_) > _DISPUTES_SHOWN else ""
    return f"open disputes: {', '.join(shown)}{more}; see `folkmoot disputes --open`"


def _table(rows: list[dict[str, Any]], number: int, width: int) -> Any:
    """Nothing is cut off, and no word is: a terminal too narrow for a column a figure has them in one."""
    from rich.table import Column, Table
    from rich.text import Text

    addresses = [f"{row['peer']}\n{str(row['endpoint']).replace(' ', chr(10))}" for row in rows]
    is_tried = any("reached" in row for row in rows)
    headings = [heading for heading in _CELLS if is_tried or heading != "reached"]
    longest = max((len(line) for text in addresses for line in text.split("\n")), default=0)
    spare = width - len("seat") - longest - sum(_WIDTHS[heading] for heading in headings) - 3 * len(headings) - 7
    is_wide = spare >= 0
    columns = headings if is_wide else ["standing"]
    # Addresses are there to be copied: each begins on a line of its own, and nothing of it is cut off.
    last = Column("peer, gossip, gateway", overflow="fold")
    room = {one: min(spare // len(_LONGEST), most) for one, most in _LONGEST.items()} if is_wide else {}
    figures = (Column(one, width=_WIDTHS[one] + room.get(one, 0)) for one in columns)
    table = Table("seat", *figures, last, show_lines=True)
    for row, text in zip(rows, addresses, strict=True):
        cells = [_CELLS[heading](row, number) for heading in headings]
        if not is_wide:
            named = [f"{heading}: {cell}" for heading, cell in zip(headings, cells, strict=True) if cell]
            cells = ["\n".join(named)]
        table.add_row(str(row["seat"]), *cells, Text(text))
    return table


def _standing(row: dict[str, Any], number: int) -> str:
    from node.seat.seat_fields import describe_standing

    return ", ".join([f"{row['reputation']:.3f}", *describe_standing(row, number)])


def _this_round(row: Mapping[str, Any], _: int) -> str:
    return "attested" if row["attested"] else "committed" if row["committed"] else ""


def _last_round(row: Mapping[str, Any], _: int) -> str:
    return _judged(row["last_round"])


def _reached_words(row: Mapping[str, Any], _: int) -> str:
    return _reach_word(row.get("reached"))


_CELLS: Final[Mapping[str, Callable[[dict[str, Any], int], str]]] = {
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
