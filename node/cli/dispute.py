"""`folkmoot dispute`: claim on chain that what a judge said is not what the blobs give."""

import argparse
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.disputes import print_disputes
from node.cli.opened import Caller, add_caller, open_named
from node.cli.options import Subparsers, print_json
from node.cli.recomputing import Recomputed, add_timeout, check_begun, check_timeout, recompute_claim
from node.opened_circle import OpenCircle
from node.operating.printing import say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("dispute", help="dispute a false verdict or record", description=__doc__)
    parser.add_argument("round", type=int, metavar="ROUND")
    parser.add_argument("judge", type=int, metavar="JUDGE", help="the seat that said it")
    parser.add_argument(
        "target",
        type=int,
        nargs="?",
        metavar="TARGET",
        help="the seat that the verdict is about (default: all that the judge attested: record, base, verdicts)",
    )
    parser.add_argument(
        "--withheld",
        action="store_true",
        help="also where the judge does not show what it judged from, which convicts it; a member that only asks "
        "risks no bond",
    )
    parser.add_argument(
        "--anyway", action="store_true", help="also where recomputing agrees with the judge, or cannot be done"
    )
    add_timeout(parser)
    add_caller(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Recompute, pledge the bond, and have a jury drawn."""
    check_timeout(options)
    opened = open_named(options)
    target = options.judge if options.target is None else options.target
    _check(options, opened, target)
    found = recompute_claim(opened, options.round, options.judge, target, options.timeout)
    check_worth(options, opened, target, found)
    caller, bond = Caller(options, opened), opened.history.terms.dispute_bond
    claim = (options.round, options.judge, target)
    receipt = caller.call("dispute", *claim, _choose_evidence(options, opened, caller, found), value_wei=bond)
    opened = opened.read_again(receipt.block)
    number = _find_number(opened, caller, claim)
    failure, opened = _summon(opened, caller, number)
    _tell(options, opened, number, found, receipt.block)
    if failure is not None:
        raise failure
    return 0


def _check(options: argparse.Namespace, opened: OpenCircle, target: int) -> None:
    """What the contract would refuse, and what could not be false. Raises UsageError."""
    from node.duties.claim_checks import check_claim, check_in_time, check_said

    history = opened.history
    check_claim(history, options.round, options.judge, target)
    if not options.anyway:
        check_said(history, options.round, options.judge, target)
    deadline_s, unbonding_s = (
        opened.circle.fetch_state(opened.block).deadline_s,
        opened.circle.immutables["UNBONDING_S"],
    )
    check_in_time(history, options.judge, opened.now_s(), deadline_s, unbonding_s)


def check_worth(options: argparse.Namespace, opened: OpenCircle, target: int, found: Recomputed) -> None:
    """That the claim would not fail. Raises UsageError, or SetupError where trying again may help."""
    from ledger.judging.false_verdicts import Truth
    from node.duties.claims import describe_claim

    if options.anyway or found.truth == Truth.FALSE or (found.truth == Truth.WITHHELD and options.withheld):
        return
    check_begun(found)
    if found.truth == Truth.WITHHELD:
        raise SetupError(
            f"what seat {options.judge} judged from is not to be had ({found.lacking}), and the judge has to show "
            "it: try again later, or dispute it as withheld with --withheld; nothing was sent"
        )
    why = "agrees with the judge" if found.truth == Truth.RIGHT else "is for the judge alone, which has the data"
    raise UsageError(
        f"recomputing {why}, so the claim that "
        f"{describe_claim(opened.history, options.round, options.judge, target)} "
        "would fail and its bond be lost: nothing was sent (--anyway disputes it all the same)"
    )


def _choose_evidence(options: argparse.Namespace, opened: OpenCircle, caller: Caller, found: Recomputed) -> bytes:
    """What the claim names: a member that cannot get what the judge judged from only asks for it."""
    from ledger.circle.events import ASKING
    from ledger.judging.false_verdicts import Truth

    target = options.judge if options.target is None else options.target
    may_ask = opened.history.find_asking_seat(options.judge, target, caller.address) is not None
    return ASKING if found.truth == Truth.WITHHELD and may_ask else found.record


def _find_number(opened: OpenCircle, caller: Caller, claim: tuple[int, int, int]) -> int:
    return next(
        int(one.number)
        for one in reversed(opened.history.disputes)
        if one.claim.challenger == caller.address and (one.claim.round, one.claim.judge, one.claim.target) == claim
    )


def _summon(opened: OpenCircle, caller: Caller, number: int) -> tuple[Exception | None, OpenCircle]:
    """Have the jury drawn; any member may have been faster. Returns why it is not drawn, and the circle after."""
    from ledger.chain.rpc.client import ChainTrouble
    from ledger.circle.events import Stage
    from ledger.errors import NotYet

    if opened.history.disputes[number].stage != Stage.DRAWING:
        return None, opened
    try:
        return None, opened.read_again(caller.call("summon", number).block)
    except (NotYet, SetupError, ChainTrouble) as error:
        # What is pledged is pledged: that is told first, whatever became of the draw.
        after = opened.read_again(opened.block)
        is_drawn = after.history.disputes[number].stage != Stage.DRAWING
        return (None if is_drawn else error), after


def _tell(options: argparse.Namespace, opened: OpenCircle, number: int, found: Recomputed, block: int) -> None:
    from node.duties.claims import make_row

    row: dict[str, Any] = make_row(opened.history, opened.history.disputes[number], opened.now_s())
    if options.json:
        print_json({**row, "block": block, "recomputed": None if found.truth is None else str(found.truth)})
        return
    back = ", which comes back also where the judge shows it then" if row["is_asking"] else ""
    say(f"dispute {number} is raised in block {block}, and its bond pledged{back}; {describe_recomputed(found)}")
    print_disputes([row])


def describe_recomputed(found: Recomputed) -> str:
    """What came out, as the end of a sentence."""
    from ledger.judging.false_verdicts import Truth

    if found.truth is None:
        return "nothing was recomputed"
    said = {
        Truth.FALSE: "recomputing gives that the claim is right",
        Truth.RIGHT: "recomputing gives that the claim is wrong",
        Truth.WITHHELD: f"the judge withholds what it follows from ({found.lacking})",
        Truth.UNKNOWABLE: "nobody but the judge can recompute it",
    }
    return said[found.truth]
