"""`folkmoot demo`: the whole network on this machine, poisoners included, audited at the end."""

import argparse
import shutil
import tempfile
from pathlib import Path

from ledger.errors import UsageError
from ledger.files import FolderLock, make_folder
from node.cli.attack_options import add_attack
from node.cli.options import (
    TASK_HELP,
    Subparsers,
    add_codec,
    add_data,
    add_device,
    add_json,
    add_option,
    add_privacy,
    add_rule,
    add_sent_share,
    parse_privacy,
    parse_rule_parameters,
    parse_task_options,
)
from node.cli.privacy_lines import describe_agreement, describe_outcome, print_demo_lines
from node.operating.lifeline import ended_in_order

# Test coin; with it the demo goes the way that money goes.
MONEY = ("--bond", "1", "--dispute-bond", "0.1", "--unbonding", "960", "--dispute-window", "120")


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("demo", help="run a whole network here and audit it", description=__doc__)
    parser.add_argument("--peers", type=int, default=8)
    parser.add_argument("--poisoners", type=int, default=2)
    add_attack(parser, "sign-flip", "what the poisoners do")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--degree", type=int, default=4, help="neighbours a peer judges in a round")
    parser.add_argument("--task", default="auto", help=TASK_HELP)
    parser.add_argument(
        "--skew", type=float, default=0.2, help="0: peers see all labels alike; 1: each its own ones"
    )
    parser.add_argument("--samples", type=int, default=1000, help="examples a peer")
    parser.add_argument("--seed", type=int, default=0)
    add_option(parser)
    add_data(parser)
    add_rule(parser)
    add_codec(parser)
    add_sent_share(parser)
    add_privacy(parser)
    add_device(parser)
    parser.add_argument("--folder", type=Path, help="the run folder (default: a new one under runs/)")
    parser.add_argument(
        "--watch",
        type=int,
        nargs="?",
        const=0,
        metavar="PORT",
        help="serve the live page of the run, and stay at the end until interrupted (default: a port that is free)",
    )
    parser.add_argument("--discard", action="store_true", help="delete the run folder at the end")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it. 0 if the audit is clean, 1 if it has findings."""
    from ledger.codec import choose_share
    from ledger.rules import rule_of
    from node.attacks import choose_attack
    from node.attacks.settings import parse_attack_parameters
    from node.demo.run import DemoOptions, DemoOutcome, run_demo
    from node.demo.summary import print_next
    from node.operating.console import CleanConsole
    from node.own_rules.rule_file import list_rule_options, name_for_circle

    choose_attack(options.attack, parse_attack_parameters(options.attack_parameter))
    rule_of(name_for_circle(options.rule), parse_rule_parameters(options.rule_parameter))
    choose_share(options.codec, options.sent_share)
    terms = parse_privacy(options.privacy, options.rounds, options.samples)
    if not 2 <= options.peers <= 256:
        raise UsageError(f"a circle has 2 to 256 peers, not {options.peers}")
    if not 0 <= options.poisoners < options.peers:
        raise UsageError(
            f"of {options.peers} peers 0 to {options.peers - 1} can be poisoners, not {options.poisoners}"
        )
    if options.watch is not None and not 0 <= options.watch < 1 << 16:
        raise UsageError(f"--watch {options.watch} is no port: give 1 to 65535, or none for any that is free")
    folder = _run_folder(options.folder)
    lock = FolderLock(folder, "another demo")
    deploy = ["--task", options.task, "--skew", str(options.skew), "--samples", str(options.samples)]
    deploy += ["--rule", options.rule, "--codec", options.codec, *MONEY]
    if options.privacy is not None:
        deploy += ["--privacy", options.privacy]
    for parameter in options.rule_parameter:
        deploy += ["--rule-parameter", parameter]
    for text in _list_task_options(options):
        deploy += ["--option", text]
    data = () if options.data is None else ("--data", str(options.data))
    deploy += data
    device = () if options.device == "cpu" else ("--device", options.device)
    demo = DemoOptions(
        folder=folder,
        peers=options.peers,
        poisoners=options.poisoners,
        attack=options.attack,
        attack_parameters=tuple(options.attack_parameter),
        rounds=options.rounds,
        degree=options.degree,
        seed=options.seed,
        task=options.task,
        keep=not options.discard,
        deploy=tuple(deploy),
        watch_port=options.watch,
        node=(*device, *data, *(() if options.sent_share is None else ("--sent-share", str(options.sent_share)))),
        recomputing=list_rule_options(options.rule),
    )
    console = CleanConsole(stderr=options.json)

    def conclude(outcome: DemoOutcome) -> None:
        if terms is not None:
            print_demo_lines(console, describe_outcome(terms, outcome.results, outcome.report))
        if outcome.bundle is not None and not options.json:
            print_next(console, outcome.bundle, demo.recomputing)

    try:
        if not options.discard:
            console.print(f"run       {folder}: logs, keys, chain and blobs", highlight=False)
        if terms is not None:
            print_demo_lines(console, [describe_agreement(terms)])
        with ended_in_order():
            outcome = run_demo(demo, console, conclude, as_json_output=options.json)
    finally:
        lock.release()
        if options.discard:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if outcome.report["clean"] else 1


def _list_task_options(options: argparse.Namespace) -> list[str]:
    """Those typed; and peers' own data, which come from one path here, are dealt to them. Raises UsageError."""
    from node.tasks.built_in import DEALT, OWN_DATA

    is_dealt = options.task in OWN_DATA and DEALT not in parse_task_options(options)
    return [*options.option, *([f"{DEALT}=yes"] if is_dealt else [])]


def _run_folder(chosen: Path | None) -> Path:
    """A folder of this run alone, readable by its owner only: it holds keys."""
    if chosen is None:
        Path("runs").mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="demo-", dir="runs"))
    if chosen.exists() and any(chosen.iterdir()):
        raise UsageError(f"{chosen} is not empty: a run wants a folder of its own")
    make_folder(chosen)
    return chosen
