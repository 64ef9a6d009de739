"""`folkmoot disputes`: a circle's disputes, how they stand and what they move; by hand, what nodes do anyway.

`summon` has a dispute's jury drawn; `vote` recomputes its claim and votes; `appeal` has the whole circle hear what
a jury did not find for; `resolve` takes it on once its stage is over.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ledger.errors import SetupError, UsageError
from node.cli.opened import Caller, add_circle, open_named
from node.cli.options import Subparsers, add_key, print_json
from node.cli.recomputing import Recomputed, add_timeout, check_begun, check_timeout, recompute_claim
from node.opened_circle import OpenCircle
from node.operating.printing import say

_ACTIONS: Final = ("list", "summon", "vote", "appeal", "resolve")
_ANSWERS: Final = ("upholds", "rejects", "withheld")


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("disputes", help="list disputes, or do by hand what nodes do", description=__doc__)
    parser.add_argument("action", nargs="?", choices=_ACTIONS, default="list", help="default: list")
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="which one; to list: that one alone")
    parser.add_argument("--open", action="store_true", help="list those that are not closed")
    parser.add_argument("--answer", choices=_ANSWERS, help="vote so without recomputing")
    parser.add_argument(
        "--anyway", action="store_true", help="appeal also where recomputing gives that it would fail"
    )
    add_timeout(parser)
    add_circle(parser)
    add_key(parser, required=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List, or make one call."""
    _check_options(options)
    check_timeout(options)
    opened = open_named(options)
    if options.action == "list":
        return _list(options, opened)
    if options.number is None:
        raise UsageError(
            f"which one? `folkmoot disputes` lists them: give its number, `disputes {options.action} N`"
        )
    dispute = _find_dispute(opened, options.number)
    caller = Caller(options, opened)
    block = _CALLS[options.action](options, opened, caller, dispute)
    return _print_after(options, opened.read_again(block), options.number)


def _check_options(options: argparse.Namespace) -> None:
    action = options.action
    if options.open and action != "list":
        raise UsageError("--open is for the list alone: leave it out")
    if options.answer and action != "vote":
        raise UsageError("--answer is for `disputes vote` alone: leave it out")
    if options.anyway and action != "appeal":
        raise UsageError("--anyway is for `disputes appeal` alone: leave it out")
    if action != "list" and options.keystore is None:
        raise UsageError(f"`disputes {action}` sends a call: name the key that pays with --keystore")


def _find_dispute(opened: OpenCircle, number: int) -> Any:
    disputes = opened.history.disputes
    if not 0 <= number < len(disputes):
        known = f"they are numbered 0 to {len(disputes) - 1}" if disputes else "none was ever raised in this circle"
        raise UsageError(f"there is no dispute {number}: {known}")
    return disputes[number]


# ----------------------------------------------------------------------------------------------------- the list


def _list(options: argparse.Namespace, opened: OpenCircle) -> int:
    from node.duties.claims import make_row

    history, now_s = opened.history, opened.now_s()
    chosen = history.disputes if options.number is None else [_find_dispute(opened, options.number)]
    if options.open:
        chosen = [one for one in chosen if one.outcome is None]
    rows = [make_row(history, one, now_s) for one in chosen]
    if options.json:
        print_json({"contract": opened.file.contract, "raised": len(history.disputes), "disputes": rows})
        return 0
    if not rows:
        say(_describe_none(opened, options.open))
        return 0
    print_disputes(rows)
    return 0


def _describe_none(opened: OpenCircle, is_open: bool) -> str:
    history = opened.history
    if history.terms.dispute_bond == 0:
        return "this circle was deployed without disputes"
    if history.disputes and is_open:
        return f"none is open, of {len(history.disputes)} raised"
    return "no dispute was ever raised in this circle"


def print_disputes(rows: Iterable[Mapping[str, Any]]) -> None:
    """Each in a few labelled lines, which wrap between words whatever the terminal's width."""
    from rich.table import Column, Table
    from rich.text import Text

    from node.duties.claim_lines import make_lines
    from node.operating.console import CleanConsole

    console = CleanConsole()
    for place, row in enumerate(rows):
        if place:
            console.print("")
        labels = Column(no_wrap=True, min_width=len("dispute 9999"))
        grid = Table.grid(labels, Column(overflow="fold"), padding=(0, 2, 0, 0))
        for label, text in make_lines(row):
            grid.add_row(Text(label), Text(text))
        console.print(grid)


# ---------------------------------------------------------------------------------------------------- the calls


def _summon(_: argparse.Namespace, opened: OpenCircle, caller: Caller, dispute: Any) -> int:
    from ledger.circle.events import Stage
    from node.duties.claims import describe_stage

    now_s = opened.now_s()
    if dispute.outcome is not None or dispute.stage != Stage.DRAWING or dispute.is_over(now_s):
        raise UsageError(
            f"no jury is to be drawn for dispute {dispute.number}, as it is {describe_stage(dispute, now_s)}"
        )
    return int(caller.call("summon", dispute.number).block)


def _resolve(_: argparse.Namespace, opened: OpenCircle, caller: Caller, dispute: Any) -> int:
    from node.duties.claims import describe_stage

    now_s = opened.now_s()
    if dispute.outcome is not None or not dispute.is_over(now_s):
        raise UsageError(
            f"dispute {dispute.number} cannot be taken on now, as it is {describe_stage(dispute, now_s)}"
        )
    return int(caller.call("resolve", dispute.number).block)


def _vote(options: argparse.Namespace, opened: OpenCircle, caller: Caller, dispute: Any) -> int:
    from node.duties.claim_checks import check_vote

    history, now_s = opened.history, opened.now_s()
    seats = [s for s, held in history.seats.items() if not held.is_released and held.peer == caller.address]
    if not seats:
        raise UsageError(f"{caller.address} is no seat's hot key: use that of the seat which votes")
    check_vote(history, dispute, seats[0], now_s)
    answer = (
        _parse_answer(options.answer)
        if options.answer
        else _recompute_answer(opened, dispute, now_s, options.timeout)
    )
    return int(caller.call("vote", dispute.number, dispute.vote_argument(answer)).block)


def _parse_answer(said: str) -> Any:
    from ledger.circle.events import Answer

    return Answer[said.upper()]


def _recompute_answer(opened: OpenCircle, dispute: Any, now_s: float, timeout_s: float) -> Any:
    """The answer that recomputing gives. Raises UsageError, or SetupError where trying again may help."""
    from ledger.circle.events import Answer
    from ledger.judging.false_verdicts import Truth
    from node.operating.wording import format_time

    found = _recomputed(opened, dispute, timeout_s)
    if found.truth in (Truth.FALSE, Truth.RIGHT, Truth.UNKNOWABLE):
        return Answer.UPHOLDS if found.truth == Truth.FALSE else Answer.REJECTS
    check_begun(found)
    lacking = f"what it follows from is not to be had ({found.lacking})"
    # R26.3: the judge has two thirds of the window to show it.
    asked_until = dispute.deadline - opened.history.terms.dispute_window_s / 3
    if found.truth == Truth.WITHHELD and now_s >= asked_until:
        return Answer.WITHHELD
    raise SetupError(
        f"{lacking}: ask again, from {format_time(asked_until)} on that is an answer too; nothing was "
        "sent (--answer "
        "votes all the same)"
    )


def _appeal(options: argparse.Namespace, opened: OpenCircle, caller: Caller, dispute: Any) -> int:
    from ledger.circle.events import Answer, Stage
    from ledger.circle.fold.state import APPEAL_BONDS
    from ledger.judging.false_verdicts import Truth
    from node.duties.claims import describe_stage

    now_s = opened.now_s()
    if dispute.outcome is not None or dispute.stage != Stage.APPEAL or dispute.is_over(now_s):
        raise UsageError(
            f"dispute {dispute.number} is not open to appeal, as it is {describe_stage(dispute, now_s)}"
        )
    if not options.anyway and (found := _recomputed(opened, dispute, options.timeout)).truth != Truth.FALSE:
        raise UsageError(
            f"recomputing does not give that the claim is right ({found.truth or found.lacking}), so the appeal's "
            "bond may be lost: nothing was sent (--anyway appeals all the same)"
        )
    bond = APPEAL_BONDS * opened.history.terms.dispute_bond
    receipt = caller.call("appeal", dispute.number, dispute.vote_argument(Answer.REJECTS), value_wei=bond)
    return int(receipt.block)


def _recomputed(opened: OpenCircle, dispute: Any, timeout_s: float) -> Recomputed:
    claim = dispute.claim
    return recompute_claim(opened, claim.round, claim.judge, claim.target, timeout_s)


_CALLS: Final[Mapping[str, Callable[[argparse.Namespace, OpenCircle, Caller, Any], int]]] = {
    "summon": _summon,
    "vote": _vote,
    "appeal": _appeal,
    "resolve": _resolve,
}


def _print_after(options: argparse.Namespace, opened: OpenCircle, number: int) -> int:
    """The dispute as it is after the call."""
    from node.duties.claims import make_row

    dispute, now_s = opened.history.disputes[number], opened.now_s()
    row = make_row(opened.history, dispute, now_s)
    if options.json:
        print_json(row)
    else:
        print_disputes([row])
    return 0
