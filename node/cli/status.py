"""`folkmoot status`: where a circle stands now."""

import argparse
import time
from pathlib import Path
from typing import Any

from node.cli.options import Subparsers, add_json, add_rpc, print_json


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("status", help="show a circle's round, seats and reputations", description=__doc__)
    parser.add_argument("--circle", type=Path, default=Path("circle.json"))
    add_rpc(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the chain once and print."""
    from ledger.chain.deploy import CircleFile, open_circle
    from ledger.history import History, Phase
    from ledger.reputation import FULL

    file = CircleFile.read(options.circle)
    circle = open_circle(file, options.rpc)
    history = History(circle.parameters)
    for placed in circle.events(file.block, circle.head()):
        history.apply(placed.event)
    state, round_ = circle.state(), history.round
    floor = circle.parameters.reputation_floor
    seats = [
        {
            "seat": seat,
            "peer": held.peer,
            "state": "held" if held.is_held else "released" if held.is_released else "given up",
            "reputation": history.reputations[seat] / FULL,
            "quarantined": history.reputations[seat] < floor,
            "committed": round_ is not None and seat in round_.commits,
            "attested": round_ is not None and seat in round_.attestations,
            "endpoint": held.endpoints[-1],
        }
        for seat, held in history.seats.items()
    ]
    timed = state.phase in (Phase.COMMIT, Phase.ATTEST)
    left_s = max(0, state.deadline_s - int(time.time())) if timed else None
    if options.json:
        print_json(
            {
                "contract": file.contract,
                "task": history.manifest.task,
                "rule": history.manifest.rule,
                "round": state.round,
                "last_round": circle.parameters.last_round,
                "phase": state.phase.name.lower(),
                "seconds_left": left_s,
                "seats": seats,
                "open_disputes": [one.claim.dispute for one in history.disputes if one.outcome is None],
            }
        )
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(
        f"circle {file.contract}: {history.manifest.task}, rule {history.manifest.rule}; "
        f"round {state.round} of {circle.parameters.last_round}, {state.phase.name.lower()}"
        + (f", {left_s} s left" if timed else ""),
        highlight=False,
    )
    table = Table("seat", "peer", "reputation", "committed", "attested", "endpoint")
    for row in seats:
        table.add_row(
            str(row["seat"]),
            str(row["peer"]),
            f"{row['reputation']:.3f} {_standing(row)}",
            "yes" if row["committed"] else "",
            "yes" if row["attested"] else "",
            Text(str(row["endpoint"])),
        )
    console.print(table)
    return 0


def _standing(row: dict[str, Any]) -> str:
    if row["state"] != "held":
        return str(row["state"])
    return "quarantined" if row["quarantined"] else ""
