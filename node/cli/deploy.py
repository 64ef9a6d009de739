"""`folkmoot deploy`: put a circle for a task on a chain and write the file that tells peers where it is."""

import argparse
from pathlib import Path

from ledger.errors import UsageError
from node.cli.options import (
    DEFAULT_RPC,
    Subparsers,
    add_json,
    add_key,
    add_rpc,
    add_rule,
    add_task,
    deployer_key,
    print_json,
    rule_parameters,
)


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("deploy", help="deploy a circle for a task", description=__doc__)
    add_rpc(parser)
    add_key(parser, required=False)
    add_task(parser)
    add_rule(parser)
    add_terms(parser)
    parser.add_argument("--out", type=Path, default=Path("circle.json"), help="the circle file to write")
    add_json(parser)
    parser.set_defaults(run=run)


def add_terms(parser: argparse.ArgumentParser) -> None:
    """The circle's size, length and clocks."""
    parser.add_argument("--peers", type=int, default=8, help="round 1 starts when so many have joined")
    parser.add_argument(
        "--quorum", type=int, help="a phase closes at its deadline with so many (default: a majority)"
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--degree", type=int, default=4, help="neighbours a peer judges in a round")
    parser.add_argument("--commit-window", type=int, default=60, metavar="SECONDS")
    parser.add_argument("--attest-window", type=int, default=60, metavar="SECONDS")


def run(options: argparse.Namespace) -> int:
    """Deploy and write the circle file."""
    from ledger.chain.deploy import Terms, deploy_circle
    from ledger.chain.rpc import Rpc
    from ledger.chain.sender import Sender
    from node.genesis import manifest_for
    from node.tasks.interface import load_task

    if options.out.exists():
        raise UsageError(f"{options.out} exists already: move it away or choose another --out")
    if not options.out.parent.is_dir():
        # Known before anything is paid for.
        raise UsageError(
            f"there is no folder {options.out.parent} to write {options.out.name} to: choose another --out"
        )
    task = load_task(options.task, skew=options.skew, seed=options.seed, samples=options.samples)
    manifest = manifest_for(
        task,
        options={"skew": options.skew, "seed": options.seed, "samples": options.samples},
        degree=options.degree,
        rule=options.rule,
        rule_parameters=rule_parameters(options.rule_parameter),
        rounds=options.rounds,
    )
    rpc = Rpc(options.rpc or DEFAULT_RPC)
    chain_id = rpc.number("eth_chainId")
    sender = Sender(rpc, deployer_key(options.keystore, options.password_file, chain_id), chain_id)
    terms = Terms(
        start_seats=options.peers,
        quorum=options.quorum if options.quorum is not None else options.peers // 2 + 1,
        commit_window_s=options.commit_window,
        attest_window_s=options.attest_window,
    )
    circle, file, gas = deploy_circle(sender, manifest, terms)
    file.write(options.out)
    if options.json:
        print_json(
            {
                "contract": file.contract,
                "chain_id": file.chain_id,
                "block": file.block,
                "task": file.task,
                "gas": gas,
                "file": str(options.out),
            }
        )
    else:
        print(f"circle   {circle.network.contract} on chain {file.chain_id}, block {file.block}, {gas} gas")
        print(f"task     {manifest.task}, {manifest.parameters} parameters, rule {manifest.rule}, {file.task}")
        print(f"written  {options.out}: peers take it with `folkmoot node --circle {options.out} …`")
    return 0
