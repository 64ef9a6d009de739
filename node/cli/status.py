"""`folkmoot status`: where a circle stands now."""

import argparse
import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from node.cli.opened import open_named
from node.cli.options import Subparsers, add_json, add_rpc, print_json

# Endpoints tried at a time.
_PARALLEL: Final = 16


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("status", help="show a circle's round, seats and reputations", description=__doc__)
    parser.add_argument("--circle", type=Path, default=Path("circle.json"))
    parser.add_argument(
        "--reach", action="store_true", help="also try every seat's gossip and gateway from this machine"
    )
    add_rpc(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the chain once and print."""
    from ledger.history import Phase

    opened = open_named(options)
    file, circle, history = opened.file, opened.circle, opened.history
    state = circle.state(opened.block)
    timed = state.phase in (Phase.COMMIT, Phase.ATTEST)
    shown: dict[str, Any] = {
        "contract": file.contract,
        "task": history.manifest.task,
        "rule": history.manifest.rule,
        "round": state.round,
        "last_round": circle.parameters.last_round,
        "phase": state.phase.name.lower(),
        "seconds_left": max(0, state.deadline_s - int(time.time())) if timed else None,
        "seats": [seat_row(history, seat) for seat in history.seats],
        "open_disputes": [one.claim.dispute for one in history.disputes if one.outcome is None],
    }
    if options.reach:
        reached = asyncio.run(_reached(circle.network, shown["seats"]))
        for row in shown["seats"]:
            row["reached"] = reached.get(row["seat"])
    if options.json:
        print_json(shown)
    else:
        _print(shown)
    return 0


def seat_row(history: Any, seat: int) -> dict[str, Any]:
    """What the chain says of one seat. history: a History."""
    from ledger.reputation import FULL
    from node.fate import news, standing_of

    held, round_ = history.seats[seat], history.round
    standing = standing_of(history, seat)
    last = standing.last
    told = news(None, standing, history.parameters) if held.is_held else []
    return {
        "seat": seat,
        "peer": held.peer,
        "state": "held" if held.is_held else "released" if held.is_released else "given up",
        "reputation": standing.reputation / FULL,
        "quarantined": standing.is_quarantined,
        "strikes": standing.strikes,
        "committed": round_ is not None and seat in round_.commits,
        "attested": round_ is not None and seat in round_.attestations,
        "endpoint": held.endpoints[-1],
        "last_round": None if last is None else _as_fields(last),
        "notices": [{"kind": notice.kind, "says": notice.says} for notice in told],
    }


def _as_fields(judgement: Any) -> dict[str, Any]:
    names = ("round", "committed", "attested", "accepting", "rejecting", "silent")
    return {name: getattr(judgement, name) for name in names}


async def _reached(network: Any, rows: list[dict[str, Any]]) -> dict[int, dict[str, bool]]:
    """Seat → whether its peer proves itself at the gossip address, and whether its gateway answers."""
    from ledger.endpoints import MalformedEndpoint, parse_endpoint
    from node.gossip.limits import Limits
    from node.gossip.prober import Prober

    prober, places = Prober(network, Limits()), asyncio.Semaphore(_PARALLEL)

    async def one(row: Mapping[str, Any]) -> dict[str, bool]:
        try:
            endpoint = parse_endpoint(row["endpoint"])
        except MalformedEndpoint:
            return {"gossip": False, "gateway": False}
        async with places:
            found, gateway = await asyncio.gather(prober.gossip(endpoint.gossip), prober.gateway(endpoint.gateway))
        return {"gossip": found.peer == row["peer"], "gateway": gateway}

    held = [row for row in rows if row["state"] == "held"]
    try:
        return dict(zip([row["seat"] for row in held], await asyncio.gather(*map(one, held)), strict=True))
    finally:
        await prober.close()


def _print(shown: Mapping[str, Any]) -> None:
    from node.console import CleanConsole

    console = CleanConsole()
    left_s = shown["seconds_left"]
    console.print(
        f"circle {shown['contract']}: {shown['task']}, rule {shown['rule']}; "
        f"round {shown['round']} of {shown['last_round']}, {shown['phase']}"
        + ("" if left_s is None else f", {left_s} s left"),
        highlight=False,
    )
    console.print(_table(shown["seats"]))
    for row in shown["seats"]:
        for notice in row["notices"]:
            console.print(notice["says"], highlight=False, markup=False)


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Column, Table
    from rich.text import Text

    is_tried = any("reached" in row for row in rows)
    # Addresses are there to be copied: each stands on a line of its own, and nothing is cut off.
    addresses = Column("peer, gossip, gateway", overflow="fold", no_wrap=True)
    reached = ["reached"] if is_tried else []
    table = Table("seat", "reputation", "this round", "last round", *reached, addresses, show_lines=True)
    for row in rows:
        table.add_row(
            str(row["seat"]),
            f"{row['reputation']:.3f} {_standing(row)}",
            "attested" if row["attested"] else "committed" if row["committed"] else "",
            _judged(row["last_round"]),
            *([_reach_word(row.get("reached"))] if is_tried else []),
            Text(f"{row['peer']}\n{str(row['endpoint']).replace(' ', chr(10))}"),
        )
    return table


def _standing(row: Mapping[str, Any]) -> str:
    if row["state"] != "held":
        return str(row["state"])
    return "quarantined" if row["quarantined"] else ""


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
