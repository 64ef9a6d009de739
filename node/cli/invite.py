"""`folkmoot invite`: let a key join a circle for invited peers."""

import argparse
import time
from pathlib import Path
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.opened import add_caller, open_named
from node.cli.options import Subparsers, parse_address, print_json
from node.opened_circle import OpenCircle
from node.operating.printing import say
from node.operating.wording import format_time
from node.seat.accounts import open_secret_key

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_S: Final = 10 * 365 * 86400


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("invite", help="invite a peer to a circle for invited ones", description=__doc__)
    parser.add_argument("peer", metavar="ADDRESS", help="the key that may join, 0x… or its keystore")
    parser.add_argument("--expires", default="7d", metavar="TIME", help="from now, e.g. 12h or 7d (default)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the invitation (default: invitation-….json)")
    add_caller(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Sign an invitation; nothing is sent."""
    from node.seat.invitations import invite
    from node.seat.keys import address_of

    peer = parse_address(options.peer, "ADDRESS")
    expiry_s = int(time.time()) + parse_expiry(options.expires, "--expires")
    out = options.out or Path(f"invitation-{peer[2:10]}.json")
    if out.exists():
        raise UsageError(f"{out} exists already: choose another name with --out")
    opened = open_named(options)
    check_may_invite(opened, address_of(options.keystore))
    key = open_secret_key(options.keystore, options.password_file)
    invitation = invite(opened.circle.network, key, _parse_address(key), peer, expiry_s)
    invitation.write(out)
    if options.json:
        print_json({"peer": peer, "expires_at": expiry_s, "inviter": invitation.inviter, "file": str(out)})
    else:
        say(f"written  {out}: {peer} joins with `folkmoot node --invitation {out} …` until {format_time(expiry_s)}")
    return 0


def check_may_invite(opened: OpenCircle, address: str) -> None:
    """Raises UsageError where nobody needs an invitation, SetupError where this key's hold for nothing."""
    from ledger.chain.deployment.terms import Admission
    from ledger.circle.reputation import INITIAL

    words, history = opened.circle.immutables, opened.history
    if words["ADMISSION"] == Admission.OPEN:
        raise UsageError("this circle is open to whoever posts its bond: nobody needs an invitation")
    if int(address, 16) == words["INVITER"]:
        return
    if words["ADMISSION"] == Admission.INVITER:
        raise SetupError(f"only the key {words['INVITER']:#042x} invites to this circle: use its --keystore")
    seat = history.seat_of(address)
    if seat is None:
        raise SetupError(f"{address} holds no seat in this circle: use a member's or the inviter's --keystore")
    if history.reputations[seat] < INITIAL:
        raise SetupError(
            f"seat {seat} has too low a reputation to invite ({history.reputations[seat]} of 65535, {INITIAL} is "
            "needed): have another member invite"
        )


def parse_expiry(text: str, option: str) -> int:
    """Seconds from now. option: what it was given to. Raises UsageError."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_S or not number.isdecimal() or not number.isascii() or len(number) > 9:
        raise UsageError(f"{option} {text[:20]!r} is no time: give one such as 90m, 12h or 7d")
    seconds = int(number) * _UNITS_S[unit]
    if not 1 <= seconds <= _LONGEST_S:
        raise UsageError(f"{option} {text} is not in 1s..3650d: choose another time")
    return seconds


def _parse_address(key: bytes) -> Any:
    from eth_account import Account

    return Account.from_key(key).address
