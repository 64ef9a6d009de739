"""`folkmoot report`: show the circle two updates that one peer signed for one round."""

import argparse
from pathlib import Path

from ledger.errors import SetupError
from node.cli.opened import Caller, add_caller, open_named
from node.cli.options import Subparsers, print_json
from node.operating.printing import say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("report", help="report a peer that signed two updates", description=__doc__)
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="evidence, as nodes keep it: DATA/circles/*/*/evidence/*.json"
    )
    add_caller(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send the evidence; all of the bond is burned then, so there is nothing in copying a report."""
    from ledger.untrusted.text import format_ether
    from node.duties.evidence import Evidence, check_evidence, find_convicted_seat

    evidence = Evidence.read(options.file)
    opened = open_named(options)
    check_evidence(evidence, opened.circle.network)
    seat = find_convicted_seat(opened.history, evidence.author, evidence.round)
    if seat is None:
        raise SetupError(
            f"{evidence.author} has no seat or bond to lose for round {evidence.round}: most likely it was "
            "reported already, see `folkmoot status`"
        )
    caller = Caller(options, opened)
    burned = opened.history.seats[seat].bond
    caller.call("report_equivocation", *evidence.call_arguments())
    if options.json:
        print_json({"seat": seat, "author": evidence.author, "round": evidence.round, "burned_wei": burned})
    else:
        lost = f" and its bond of {format_ether(burned)}, which is burned" if burned else ""
        say(f"seat {seat} lost its place{lost}, for signing two updates for round {evidence.round}")
    return 0
