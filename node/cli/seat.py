"""`folkmoot seat`: look at a seat, give it up, get its bond back, rotate its keys, start it anew."""

import argparse
from typing import Any

from ledger.errors import UsageError
from ledger.untrusted.text import format_ether
from node.cli.opened import Caller, add_action, add_caller, add_circle, open_named
from node.cli.options import Subparsers, parse_address, print_json
from node.opened_circle import OpenCircle
from node.operating.printing import say
from node.operating.wording import format_time


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "seat", help="show a seat, leave, release, restart or rotate it", description=__doc__
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = add_action(actions, "show", "show who holds a seat and what it is owed", run_show)
    show.add_argument("seat", type=int, metavar="SEAT")
    add_circle(show)
    leave = add_action(actions, "leave", "give a seat up, with its cold key", run_leave)
    _add_seat(leave, "the one this cold key has")
    leave.add_argument("--yes", action="store_true", help="also where that burns a part of its bond")
    release = add_action(actions, "release", "free a seat given up, and owe its bond to its cold key", run_release)
    release.add_argument("seat", type=int, metavar="SEAT")
    add_caller(release)
    restart = add_action(
        actions, "restart", "start a seat anew that lost its base and memory for good, with either key", run_restart
    )
    _add_seat(restart, "the one this key has")
    restart.add_argument("--yes", action="store_true", help="pay its price: three quarters of the reputation")
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
    from node.cli.seat_lines import print_seat
    from node.seat.seat_fields import make_seat_fields

    opened = open_named(options)
    _seat_at(opened, options.seat)
    row = make_seat_fields(opened.history, options.seat)
    if options.json:
        print_json(row)
    else:
        print_seat(row)
    return 0


def run_leave(options: argparse.Namespace) -> int:
    """Give a seat up."""
    opened, caller = _open(options)
    seat = _own_seat(opened, caller, options.seat)
    held, price = opened.history.seats[seat], _price_of_leaving(opened, seat)
    if opened.history.leaving_burn_wei(seat) and not options.yes:
        raise UsageError(
            f"{price} --yes leaves all the same; a settlement that finds it above the floor clears them"
        )
    if not options.json:
        say(price)
    block = caller.call("leave", seat).block
    after = opened.read_again(block).history.seats[seat]
    lost = held.bond - after.bond
    return _tell(
        options,
        {"seat": seat, "free_at": after.free_at, "bond_wei": after.bond, "burned_wei": lost},
        f"seat {seat} is given up" + (f", {format_ether(lost)} burned" if lost else ""),
        f"from {format_time(after.free_at)} on `folkmoot seat release {seat}` frees its bond of "
        f"{format_ether(after.bond)} for "
        f"{held.cold}, unless a dispute about it is open",
    )


def _price_of_leaving(opened: OpenCircle, seat: int) -> str:
    """What it burns, and until when the rest of the bond answers for what the seat said."""
    history, held = opened.history, opened.history.seats[seat]
    burned, phase_ends_s = history.leaving_burn_wei(seat), opened.circle.fetch_state(opened.block).deadline_s
    why = f", as it has {held.strikes} of {history.terms.eject_after} strikes" if burned else ""
    free_at = max(opened.now_s(), phase_ends_s) + opened.circle.immutables["UNBONDING_S"]
    lost = format_ether(burned) if burned else "nothing"
    return (
        f"leaving seat {seat} burns {lost} of its bond of {format_ether(held.bond)}{why}. "
        f"Until about {format_time(free_at)} the rest answers for what it said: keep its node running "
        "as long, so that it "
        "shows what it judged and votes on disputes."
    )


def run_restart(options: argparse.Namespace) -> int:
    """Start a seat anew from the genesis."""
    from ledger.circle.reputation import FULL

    opened, caller = _open(options)
    history = opened.history
    seat = _seat_of_either_key(opened, caller, options.seat)
    if history.is_in_round(seat):
        raise UsageError(f"seat {seat} takes part in round {history.number}: start it anew once that is settled")
    before = history.reputations[seat] / FULL
    if not options.yes:
        raise UsageError(
            f"starting seat {seat} anew takes its reputation from {before:.3f} to {before / 4:.3f}, and from its "
            "next update on its base is the genesis and its memory empty: where both are lost for good, give --yes"
        )
    block = caller.call("restart", seat).block
    reputation = opened.read_again(block).history.reputations[seat] / FULL
    return _tell(
        options,
        {"seat": seat, "reputation": reputation},
        f"seat {seat} starts anew: its reputation is {reputation:.3f}, and its base is the genesis from its next "
        "update on. What it said before stays open to dispute",
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
    missing = _until_release(opened, seat, opened.now_s())
    if missing:
        raise UsageError(f"seat {seat} cannot be released yet: {'; '.join(missing)}")
    caller.call("release", seat)
    return _tell(
        options,
        {"seat": seat, "bond_wei": held.bond, "owed_to": held.cold},
        (
            f"seat {seat} is free; its cold key {held.cold} is owed {format_ether(held.bond)}, see "
            "`folkmoot seat withdraw`"
        ),
    )


def _until_release(opened: OpenCircle, seat: int, now_s: float) -> list[str]:
    """What is in the way of a given up seat's release."""
    from node.seat.seat_fields import find_disputes_about

    history, held, missing = opened.history, opened.history.seats[seat], []
    if held.free_at > now_s:
        missing.append(f"its unbonding time ends at {format_time(held.free_at)}")
    for dispute in find_disputes_about(history, seat):
        missing.append(f"dispute {dispute.number} about it is open, see `folkmoot disputes list {dispute.number}`")
    if history.is_in_round(seat):
        missing.append(f"it takes part in round {history.number}, which is to be settled first")
    return missing


def run_rotate(options: argparse.Namespace) -> int:
    """Announce new keys, or call them off."""
    if options.cancel == bool(options.hot or options.cold):
        raise UsageError("name the new keys with --hot and --cold, or give --cancel alone")
    opened, caller = _open(options)
    seat = _own_seat(opened, caller, options.seat)
    held = opened.history.seats[seat]
    if options.cancel and held.announced is None:
        raise UsageError(f"no rotation of seat {seat}'s keys is under way: there is nothing to call off")
    hot = parse_address(options.hot, "--hot") if options.hot else held.peer
    cold = parse_address(options.cold, "--cold") if options.cold else held.cold
    if not options.cancel and (hot, cold) == (held.peer, held.cold):
        raise UsageError(f"seat {seat} has these keys already: name others")
    block = caller.call("rotate", seat, hot, cold).block
    announced = opened.read_again(block).history.seats[seat].announced
    at = announced[2] if announced else None
    who = "its node" if hot == held.peer else "a node with the new key"
    sentence = f"seat {seat} keeps the keys it has"
    if at is not None:
        sentence = (
            f"seat {seat} gets hot key {hot} and cold key {cold} from {format_time(at)} on; {who} puts "
            "them in force"
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
    held = opened.read_again(block).history.seats[seat]
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
        raise UsageError(f"the circle owes {caller.address} nothing: {_why_nothing(opened, caller.address)}")
    caller.call("withdraw")
    return _tell(
        options, {"account": caller.address, "amount_wei": amount}, f"{caller.address} got {format_ether(amount)}"
    )


def _why_nothing(opened: OpenCircle, account: str) -> str:
    """Where this account's coin is, as far as the circle has any."""
    now_s, told = opened.now_s(), []
    for seat, held in opened.history.seats.items():
        if held.cold != account or held.is_released:
            continue
        missing = ["it is held"] if held.is_held else _until_release(opened, seat, now_s)
        ready = f"`folkmoot seat release {seat}` frees it now"
        told.append(f"the bond of seat {seat} is {format_ether(held.bond)}, and {'; '.join(missing) or ready}")
    for dispute in opened.history.open_disputes.values():
        if account in (dispute.claim.challenger, dispute.appellant):
            told.append(f"its bond in dispute {dispute.number} is pledged until that is closed")
    return "; ".join(told) or "a bond is owed to the seat's cold key once it is released"


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


def _seat_of_either_key(opened: OpenCircle, caller: Caller, named: int | None) -> int:
    """The held seat that the caller is the hot or the cold key of."""
    hot = opened.history.seat_of(caller.address)
    if hot is not None and named in (None, hot):
        return int(hot)
    return _own_seat(opened, caller, named)


def _tell(options: argparse.Namespace, result: dict[str, Any], *sentences: str) -> int:
    if options.json:
        print_json(result)
    else:
        for sentence in sentences:
            say(sentence)
    return 0
