"""An earlier circle, named by its file beside the present one: where it is read from, and that it is another."""

import argparse
from pathlib import Path
from typing import Any

from ledger.errors import UsageError
from node.cli.options import choose_rpc_urls, parse_patience
from node.opened_circle import OpenCircle, open_file


def open_earlier(options: argparse.Namespace, file: Path, this: Any, option: str) -> OpenCircle:
    """The circle of another file, with its history.

    On this circle's chain it is read through this circle's endpoints, else through the one in its file. options:
    with --rpc and --patience. this: the present circle's `CircleFile`. option: that named the file. Raises
    UsageError, SetupError.
    """
    from ledger.chain.deployment.circle_file import CircleFile

    earlier = CircleFile.read(file)
    if is_same(earlier, this):
        raise UsageError(f"{option} {file}: that is this circle itself: name the file of the earlier one")
    urls = choose_rpc_urls(options) if earlier.chain_id == this.chain_id else None
    if urls is None and earlier.rpc is None:
        raise UsageError(
            f"{option} {file}: the file names no endpoint: write one of chain {earlier.chain_id} into it, as rpc"
        )
    return open_file(earlier, urls or earlier.read_rpc_urls(), parse_patience(options))


def is_same(one: Any, other: Any) -> bool:
    """Whether two `CircleFile`s name one circle."""
    return bool((one.chain_id, one.contract.lower()) == (other.chain_id, other.contract.lower()))
