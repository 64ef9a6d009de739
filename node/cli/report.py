"""`folkmoot report`: show the circle two updates that one peer signed for one round."""

import argparse
from pathlib import Path

from ledger.errors import SetupError
from node.cli.opened import Caller, add_caller, open_named
from node.cli.options import Subparsers, print_json
from node.printing import say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("report", help="report a peer that signed two updates", description=__doc__)
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="evidence, as nodes keep it: DATA/circles/*/*/evidence/*.json"
    )
    add_caller(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send the evidence; a part of the bond is owed to this key then."""
    from ledger.chain.preflight import ether
    from node.evidence import Evidence, check_evidence, convicted_seat

    evidence = Evidence.read(options.file)
    opened = open_named(options)
    check_evidence(evidence, opened.circle.network)
    seat = convicted_seat(opened.history, evidence.author, evidence.round)
    if seat is None:
        raise SetupError(
            f"{evidence.author} has no seat or bond to lose for round {evidence.round}: most likely it was "
            "reported already, see `folkmoot status`"
        )
    caller = Caller(options, opened)
    before = opened.history.owed.get(caller.address, 0)
    block = caller.call("report_equivocation", *evidence.arguments()).block
    reward = opened.again(block).history.owed.get(caller.address, 0) - before
    if options.json:
        print_json({"seat": seat, "author": evidence.author, "round": evidence.round, "reward_wei": reward})
    else:
        paid = f"; {caller.address} is owed {ether(reward)}, see `folkmoot seat withdraw`" if reward else ""
        say(f"seat {seat} lost its place for signing two updates for round {evidence.round}{paid}")
    return 0
