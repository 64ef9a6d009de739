"""`folkmoot status`: where a circle stands now."""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.opened import open_named
from node.cli.options import Subparsers, add_ipfs_api, add_json, add_rpc, add_rule_file, print_json
from node.cli.origin import OriginCheck, add_check_origin, check_origin
from node.cli.recomputing import add_timeout, check_timeout
from node.cli.status_watch import add_watch, check_watch, watch

# Endpoints tried at a time.
_PARALLEL: Final = 16


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("status", help="show a circle's round, seats and reputations", description=__doc__)
    parser.add_argument("--circle", type=Path, default=Path("circle.json"))
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="of a node on this machine: show also what privacy it has spent, and its own budget",
    )
    parser.add_argument(
        "--reach", action="store_true", help="also try every seat's gossip and gateway from this machine"
    )
    add_watch(parser)
    add_check_origin(parser, "; with --folder, blobs in that folder need not be fetched")
    add_timeout(parser)
    add_ipfs_api(parser)
    add_rpc(parser)
    add_rule_file(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read the chain once and print. Raises SetupError besides where --check-origin finds another state."""
    from msgspec.structs import asdict

    from node.cli.status_lines import print_status
    from node.cli.status_rows import make_circle_fields

    check_timeout(options)
    check_watch(options)
    if options.watch is not None:
        return watch(options)
    opened = open_named(options)
    file, circle, history = opened.file, opened.circle, opened.history
    checked = _check_origin(options, opened)
    state = circle.fetch_state(opened.block)
    shown = make_circle_fields(file, circle, history, state, opened.block, opened.now_s)
    if (terms := history.manifest.privacy) is not None:
        shown["privacy"] = {"terms": asdict(terms)}
        if options.folder is not None:
            from node.cli.privacy_lines import read_spending

            shown["privacy"]["own"] = read_spending(opened, options.folder).to_fields()
    elif options.folder is not None and checked is None:
        raise UsageError("--folder is for a circle with privacy terms, and this one has none")
    if checked is not None:
        shown["origin"]["check"] = checked.as_fields()
    if options.reach:
        reached = asyncio.run(_probe_reached(circle.network, shown["seats"]))
        for row in shown["seats"]:
            row["reached"] = reached.get(row["seat"])
    if options.json:
        print_json(shown)
    else:
        print_status(shown, history.manifest.origin, checked)
    if checked is not None and not checked.is_equal:
        raise SetupError(f"origin {checked.describe()}")
    return 0


def _check_origin(options: argparse.Namespace, opened: Any) -> OriginCheck | None:
    if options.check_origin is None:
        return None
    return check_origin(options, opened.history.manifest, opened.file, options.timeout)


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
