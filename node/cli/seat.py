"""`folkmoot seat`: look at a seat, give it up, get its bond back, rotate its keys."""

import argparse
import time
from typing import Any

from ledger.errors import UsageError
from node.cli.opened import Caller, OpenCircle, add_action, add_caller, add_circle, open_named, when
from node.cli.options import Subparsers, address_named, print_json
from node.printing import say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("seat", help="leave, release, rotate or show a seat", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = add_action(actions, "show", "show who holds a seat and what it is owed", run_show)
    show.add_argument("seat", type=int, metavar="SEAT")
    add_circle(show)
    leave = add_action(actions, "leave", "give a seat up, with its cold key", run_leave)
    _add_seat(leave, "the one this cold key has")
    release = add_action(actions, "release", "free a seat given up, and owe its bond to its cold key", run_release)
    release.add_argument("seat", type=int, metavar="SEAT")
    add_caller(release)
    rotate = add_action(actions, "rotate", "announce new keys for a seat, with its cold key", run_rotate)
    _add_seat(rotate, "the one this cold key has")
    rotate.add_argument("--hot", metavar="ADDRESS", help="the new hot key, 0x… or a keystore (default: as it is)")
    rotate.add_argument("--cold", metavar="ADDRESS", help="the new cold key, 0x… or a keystore (default: as it is)")
    rotate.add_argument("--cancel", action="store_true", help="call off the rotation under way")
    finish = add_action(
        actions, "finish-rotation", "put announced keys in force, with the seat's new hot key", run_finish
    )
    _add_seat(finish, "the one announced for this key")
    withdraw = add_action(actions, "withdraw", "take what the circle owes this key", run_withdraw)
    add_caller(withdraw)


def _add_seat(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("seat", type=int, nargs="?", metavar="SEAT", help=f"default: {default}")
    add_caller(parser)


def run_show(options: argparse.Namespace) -> int:
    """Print a seat."""
    from ledger.reputation import FULL

    opened = open_named(options)
    held = _seat_at(opened, options.seat)
    history, number = opened.history, options.seat
    disputes = [one.claim for one in history.disputes if one.outcome is None]
    owed = history.owed.get(held.cold, 0)
    row = {
        "seat": number,
        "state": _state(held),
        "peer": held.peer,
        "cold": held.cold,
        "endpoint": held.endpoints[-1],
        "bond_wei": held.bond,
        "owed_to_cold_wei": owed,
        "reputation": history.reputations[number] / FULL,
        "quarantined": bool(history.below >> number & 1),
        "strikes": held.strikes,
        "free_at": held.free_at,
        "open_disputes": [claim.dispute for claim in disputes if claim.judge == number],
        "rotation": None
        if held.announced is None
        else dict(zip(("peer", "cold", "at"), held.announced, strict=True)),
    }
    if options.json:
        print_json(row)
    else:
        _print_seat(row)
    return 0


def run_leave(options: argparse.Namespace) -> int:
    """Give a seat up."""
    opened, caller = _open(options)
    seat = _own_seat(opened, caller, options.seat)
    block = caller.call("leave", seat).block
    held = opened.again(block).history.seats[seat]
    return _tell(
        options,
        {"seat": seat, "free_at": held.free_at, "bond_wei": held.bond},
        f"seat {seat} is given up; from {when(held.free_at)} on `folkmoot seat release {seat}` frees its bond of "
        f"{_ether(held.bond)} for {held.cold}",
    )


def run_release(options: argparse.Namespace) -> int:
    """Free a seat that was given up."""
    opened, caller = _open(options)
    held, seat = _seat_at(opened, options.seat), options.seat
    if held.is_held:
        raise UsageError(f"seat {seat} is held: give it up first, `folkmoot seat leave {seat}` with its cold key")
    if held.is_released:
        raise UsageError(
            f"seat {seat} is released already: its cold key takes the bond by `folkmoot seat withdraw`"
        )
    if held.free_at > time.time():
        raise UsageError(f"seat {seat} is in its unbonding time until {when(held.free_at)}: release it after that")
    caller.call("release", seat)
    return _tell(
        options,
        {"seat": seat, "bond_wei": held.bond, "owed_to": held.cold},
        f"seat {seat} is free; its cold key {held.cold} is owed {_ether(held.bond)}, see `folkmoot seat withdraw`",
    )


def run_rotate(options: argparse.Namespace) -> int:
    """Announce new keys, or call them off."""
    if options.cancel == bool(options.hot or options.cold):
        raise UsageError("name the new keys with --hot and --cold, or give --cancel alone")
    opened, caller = _open(options)
    seat = _own_seat(opened, caller, options.seat)
    held = opened.history.seats[seat]
    if options.cancel and held.announced is None:
        raise UsageError(f"no rotation of seat {seat}'s keys is under way: there is nothing to call off")
    hot = address_named(options.hot, "--hot") if options.hot else held.peer
    cold = address_named(options.cold, "--cold") if options.cold else held.cold
    if not options.cancel and (hot, cold) == (held.peer, held.cold):
        raise UsageError(f"seat {seat} has these keys already: name others")
    block = caller.call("rotate", seat, hot, cold).block
    announced = opened.again(block).history.seats[seat].announced
    at = announced[2] if announced else None
    who = "its node" if hot == held.peer else "a node with the new key"
    sentence = f"seat {seat} keeps the keys it has"
    if at is not None:
        sentence = (
            f"seat {seat} gets hot key {hot} and cold key {cold} from {when(at)} on; {who} puts them in force"
        )
    return _tell(options, {"seat": seat, "peer": hot, "cold": cold, "at": at}, sentence)


def run_finish(options: argparse.Namespace) -> int:
    """Put announced keys in force."""
    opened, caller = _open(options)
    found = [s for s, h in opened.history.seats.items() if h.announced and h.announced[0] == caller.address]
    if not found or options.seat not in (None, *found):
        raise UsageError(
            f"no rotation to {caller.address} is under way: announce it with `folkmoot seat rotate`, and use the "
            "new hot key here"
        )
    seat = found[0] if options.seat is None else options.seat
    block = caller.call("finish_rotation", seat).block
    held = opened.again(block).history.seats[seat]
    return _tell(
        options,
        {"seat": seat, "peer": held.peer, "cold": held.cold},
        f"seat {seat} has hot key {held.peer} and cold key {held.cold} now: start its node with that hot key",
    )


def run_withdraw(options: argparse.Namespace) -> int:
    """Take what is owed."""
    opened, caller = _open(options)
    amount = opened.history.owed.get(caller.address, 0)
    if not amount:
        raise UsageError(
            f"the circle owes {caller.address} nothing: a bond is owed to the seat's cold key once it is released"
        )
    caller.call("withdraw")
    return _tell(
        options, {"account": caller.address, "amount_wei": amount}, f"{caller.address} got {_ether(amount)}"
    )


def _open(options: argparse.Namespace) -> tuple[OpenCircle, Caller]:
    opened = open_named(options)
    return opened, Caller(options, opened)


def _seat_at(opened: OpenCircle, seat: int) -> Any:
    held = opened.history.seats.get(seat)
    if held is None:
        raise UsageError(f"nobody has ever sat in seat {seat}: look at the seats with `folkmoot status`")
    return held


def _own_seat(opened: OpenCircle, caller: Caller, named: int | None) -> int:
    """The held seat that the caller is the cold key of. Raises UsageError where that is not one."""
    own: list[int] = [
        seat for seat, held in opened.history.seats.items() if held.is_held and held.cold == caller.address
    ]
    if named is None and len(own) == 1:
        return own[0]
    if named is not None and named in own:
        return named
    if named is None and own:
        raise UsageError(f"{caller.address} is the cold key of seats {', '.join(map(str, own))}: name one")
    which = "any seat" if named is None else f"seat {named}"
    raise UsageError(f"{caller.address} is not the cold key of {which}: use that key's --keystore")


def _state(held: Any) -> str:
    if held.is_held:
        return "held"
    return "released" if held.is_released else "given up"


def _print_seat(row: dict[str, Any]) -> None:
    until = f" until {when(row['free_at'])}" if row["state"] == "given up" else ""
    say(f"seat       {row['seat']}, {row['state']}{until}")
    say(f"peer       {row['peer']} at {row['endpoint']}")
    say(f"cold key   {row['cold']}, owed {_ether(row['owed_to_cold_wei'])}")
    say(f"bond       {_ether(row['bond_wei'])}")
    low = f", quarantined for {row['strikes']} rounds" if row["quarantined"] else ""
    say(f"reputation {row['reputation']:.3f}{low}")
    if row["rotation"]:
        new = row["rotation"]
        say(f"rotation   to {new['peer']}, cold key {new['cold']}, at {when(new['at'])}")
    if row["open_disputes"]:
        say(f"disputes   {', '.join(map(str, row['open_disputes']))} open about its verdicts")


def _tell(options: argparse.Namespace, result: dict[str, Any], sentence: str) -> int:
    if options.json:
        print_json(result)
    else:
        say(sentence)
    return 0


def _ether(wei: int) -> str:
    from ledger.chain.preflight import ether

    return ether(wei)
