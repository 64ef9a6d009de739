"""`--wait-for-chain`: a node may start before the chain's endpoint is up, with its machine for instance."""

import argparse
import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from ledger.errors import UsageError
from node.operating.printing import caution

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_LONGEST_S: Final = 30 * 86_400
_AGAIN_S: Final = 10.0


def add_wait_for_chain(parser: argparse.ArgumentParser) -> None:
    """--wait-for-chain."""
    parser.add_argument(
        "--wait-for-chain",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="where no endpoint answers at the start, ask again for so long before giving up (default 0)",
    )


def check_wait(options: argparse.Namespace) -> None:
    """Raises UsageError."""
    if not 0 <= options.wait_for_chain <= _LONGEST_S:
        raise UsageError(f"--wait-for-chain is 0 to {_LONGEST_S} seconds, not {options.wait_for_chain:g}")


def await_chain(
    open_: Callable[[], _T],
    wait_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """What `open_` gives, asked again while no endpoint answers. Raises what `open_` raises last."""
    from ledger.chain.rpc.client import ChainUnreachable

    until, is_told = clock() + wait_s, False
    while True:
        try:
            return open_()
        except ChainUnreachable as error:
            left_s = until - clock()
            if left_s <= 0:
                raise
            if not is_told:
                is_told = True
                caution(f"{error}; asking again for up to {wait_s:g} s")
            _log.info("chain not there yet left_s=%.0f reason=%s", left_s, error)
            sleep(min(_AGAIN_S, left_s))
