"""`folkmoot watch`: a live page of a circle, or of a bundle, for a browser on this machine."""

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import Any, Final

from ledger.errors import UsageError
from node.cli.options import (
    Subparsers,
    add_ipfs_api,
    add_json,
    add_rpc,
    add_rule_file,
    choose_rpc_urls,
    parse_patience,
    print_json,
)
from node.cli.waiting import add_wait_for_chain, await_chain, check_wait
from node.cli.watch_audit import add_audit_options, set_up_background
from node.operating.lifeline import ENDING, is_ignored
from node.operating.printing import say

DEFAULT_PORT: Final = 8788
_FOLDERS_MAX: Final = 256


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("watch", help="show a circle as a live page", description=__doc__)
    parser.add_argument("bundle", nargs="?", type=Path, metavar="BUNDLE.car", help="of `folkmoot audit --save`")
    parser.add_argument("--circle", type=Path, default=Path("circle.json"), help="the file `folkmoot deploy` wrote")
    parser.add_argument("--contract", metavar="ADDRESS", help="the circle's address, in place of its file")
    parser.add_argument(
        "--block-hash", metavar="0x…", help="of the block that a bundle is of, from elsewhere: another is refused"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="of a node on this machine, whose own figures are shown too; repeatable",
    )
    parser.add_argument("--host", default="127.0.0.1", help="listen here (default: loopback only)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"default {DEFAULT_PORT}; 0 takes a free one"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="a name under which browsers may ask, beside localhost and IP addresses; repeatable",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="where a circle's events are kept for the next time (default: folkmoot in your cache folder)",
    )
    parser.add_argument("--no-cache", action="store_true", help="keep nothing on disk for the next time")
    add_audit_options(parser)
    add_ipfs_api(parser)
    add_rpc(parser)
    add_rule_file(parser)
    add_wait_for_chain(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the page until interrupted."""
    from node.watch.server import WatchAddress

    address = WatchAddress(options.host, options.port, tuple(name.lower() for name in options.allow_host))
    address.check()
    _check(options)
    source = open_source(options)
    try:
        set_up_background(source, options)
        asyncio.run(_serve(source, address, options))
    finally:
        source.close()
        if source.bundle is not None:
            source.bundle.close()
    return 0


def open_source(options: argparse.Namespace) -> Any:
    """The circle that the options name. Raises UsageError, SetupError."""
    from ledger.chain.circle import Circle
    from ledger.chain.deployment.circle_file import CircleFile, open_circle
    from ledger.chain.rpc.failover import connect
    from ledger.fetch.daemon import find_daemon
    from node.cli.options import DEFAULT_RPC
    from node.opened_circle import open_bundled
    from node.watch.kept_events import open_kept
    from node.watch.source import BundleSource, LiveSource

    folders = tuple(options.folder)
    if options.bundle is not None:
        opened = open_bundled(options.bundle, options.block_hash)
        return BundleSource(opened.circle, opened.file.block, opened, folders)
    patience, urls = parse_patience(options), choose_rpc_urls(options)
    contract, wait_s = options.contract, options.wait_for_chain
    if contract is not None:
        rpc = connect(urls or [DEFAULT_RPC], patience=patience)
        circle, first_block = await_chain(lambda: Circle(rpc, contract), wait_s), 0
    else:
        file = CircleFile.read(options.circle)
        urls = urls or file.read_rpc_urls()
        circle = await_chain(lambda: open_circle(file, urls, patience=patience), wait_s)
        first_block = file.block
    chain_id = circle.network.chain_id
    times, receipts = (connect(urls or [DEFAULT_RPC], chain_id, patience=patience) for _ in range(2))
    cache = None if options.no_cache else options.cache or find_cache()
    kept = None if cache is None else open_kept(cache, circle.network)
    source = LiveSource(circle, first_block, times, folders, kept)
    source.receipts_rpc, source.daemon = receipts, find_daemon(options.ipfs_api)
    return source


def find_cache() -> Path | None:
    """This program's folder below the user's cache folder (XDG's, where that is named); None without a home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    # An empty or relative one is to be ignored, says XDG's specification.
    try:
        above = Path(named) if named.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        return None
    return above / "folkmoot"


def _check(options: argparse.Namespace) -> None:
    """Raises UsageError for what does not go together."""
    check_wait(options)
    if options.bundle is not None and options.contract is not None:
        raise UsageError("a bundle says which circle it is of: leave --contract out")
    if options.bundle is None and options.block_hash is not None:
        raise UsageError("--block-hash says which block a bundle must be of: name a bundle")
    if len(options.folder) > _FOLDERS_MAX:
        raise UsageError(f"--folder names more than {_FOLDERS_MAX} folders")
    if options.cache is not None and options.no_cache:
        raise UsageError("--cache says where events are kept, --no-cache that none are: give one")
    if options.cache is not None and options.cache.exists() and not options.cache.is_dir():
        raise UsageError(f"--cache {options.cache} is no folder: name another")
    for folder in options.folder:
        if not folder.is_dir():
            raise UsageError(f"--folder {folder} is no folder: name that of a node on this machine")


async def _serve(source: Any, address: Any, options: argparse.Namespace) -> None:
    from node.watch.server import WatchServer

    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (*ENDING, signal.SIGINT):
        if not is_ignored(number):
            loop.add_signal_handler(number, ended.set)
    async with WatchServer(source, address.names).serving(address) as url:
        if options.json:
            print_json({"event": "serving", "url": url, "contract": source.circle.network.contract})
        else:
            say(f"page      {url}")
            say("Ctrl-C ends it")
        await ended.wait()
