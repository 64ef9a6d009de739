"""`folkmoot model`: take a model out of a circle as a file that any tool reads."""

import argparse
import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.opened import OpenCircle, open_address, open_named
from node.cli.options import Subparsers, add_json, add_rpc, print_json
from node.cli.recomputing import (
    add_timeout,
    check_timeout,
    describe_base_lacking,
    describe_lacking,
    open_gateways,
)
from node.operating.printing import say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("model", help="take a model out of a circle as a file", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    export = _add_action(actions, "export", "write a circle's model, or a seat's base, as safetensors", run_export)
    export.add_argument(
        "--round", type=int, metavar="R", help="after this round (default: the last settled; 0: the genesis)"
    )
    export.add_argument("--seat", type=int, metavar="S", help="this seat's base (default: the circle's model)")
    export.add_argument("--out", type=Path, default=Path("model.safetensors"), help="the file to write")
    _add_source(export)


def _add_action(actions: Subparsers, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _add_source(parser: argparse.ArgumentParser) -> None:
    """Which circle, and where its blobs come from; --json."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--circle",
        type=Path,
        metavar="FILE",
        default=Path("circle.json"),
        help="the file `folkmoot deploy` wrote (default circle.json)",
    )
    where.add_argument("--contract", metavar="ADDRESS", help="instead of a circle file")
    add_rpc(parser)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="of a node on this machine, running or not: its blobs are taken first, others' gateways asked for the"
        " rest",
    )
    add_timeout(parser)
    add_json(parser)


def open_source(options: argparse.Namespace) -> OpenCircle:
    """The circle that --circle or --contract names. Raises UsageError, SetupError."""
    check_timeout(options)
    return open_named(options) if options.contract is None else open_address(options)


def recompute(opened: OpenCircle, options: argparse.Namespace, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What some work with the `Source` of a circle gives. Raises SetupError where a blob is not to be had."""
    from ledger.fetch.fetcher import Unavailable
    from node.duties.circle_model import BaseLacking
    from node.models.own_blobs import OwnBlobsFirst
    from node.models.taking_out import Source, find_blocks

    async def run() -> Any:
        async with open_gateways(opened.history, options.timeout) as gateways:
            fetch = gateways if options.data is None else OwnBlobsFirst(options.data, gateways)
            return await work(Source(opened.circle.network, opened.history, find_blocks(opened.placed), fetch))

    try:
        return asyncio.run(run())
    except BaseLacking as error:
        raise SetupError(
            f"{describe_base_lacking(opened.history, error)}: try again when more members are up, or name another"
            " round"
        ) from error
    except Unavailable as error:
        raise SetupError(
            f"nobody gives that circle's genesis ({describe_lacking(error)}): try again when more members are up"
        ) from error


def run_export(options: argparse.Namespace) -> int:
    """Recompute a model and write it."""
    from ledger.judging.circle_model import find_last_settled
    from node.cli.model_lines import describe_export
    from node.models.model_file import write_model_file

    if not options.out.parent.is_dir():
        raise UsageError(f"there is no folder {options.out.parent} to write to: choose another --out")
    opened = open_source(options)
    asked = find_last_settled(opened.history) if options.round is None else options.round

    async def take_out(source: Any) -> tuple[Any, Any]:
        found = await source.recompute(asked, options.seat)
        return source.make_facts(found), found.state

    facts, state = recompute(opened, options, take_out)
    data = write_model_file(options.out, facts, opened.history.manifest.layout, state)
    written = {
        "file": str(options.out),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "asked_round": asked,
    }
    if options.json:
        print_json(facts.encode() | written)
    else:
        for line in describe_export(facts, written):
            say(line)
    return 0
