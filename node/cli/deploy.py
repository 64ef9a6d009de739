"""`folkmoot deploy`: put a circle for a task on a chain and write the file that tells peers where it is."""

import argparse
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.beginning import FoundedOn, add_from_model, check_from_model
from node.cli.forking import Fork, Forked, add_fork, open_fork, recompute_fork, take_over
from node.cli.options import (
    DEFAULT_RPC,
    RPC_VARIABLE,
    Subparsers,
    add_codec,
    add_json,
    add_key,
    add_privacy,
    add_rpc,
    add_rule,
    add_task,
    choose_rpc_urls,
    parse_patience,
    parse_privacy,
    parse_rule_parameters,
    parse_task_options,
    print_json,
)
from node.cli.privacy import describe_plan
from node.cli.terms import add_terms, parse_terms
from node.operating.printing import caution, say
from node.seat.accounts import LOCAL_CHAIN_IDS, open_deployer_key, read_deployer_address

# What a circle goes on from, where that is not the untrained model.
Begun = Forked | FoundedOn | None
# A chain of one machine replaces no blocks; elsewhere so many must lie on top before an address is given to peers.
_CONFIRMATIONS = 3


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("deploy", help="deploy a circle for a task", description=__doc__)
    add_rpc(parser)
    parser.add_argument("--chain-id", type=int, help="stop unless the chain behind --rpc has this id")
    add_key(parser, required=False)
    add_task(parser)
    add_rule(parser)
    add_codec(parser)
    add_privacy(parser)
    add_terms(parser)
    add_fork(parser)
    add_from_model(parser)
    parser.add_argument("--out", type=Path, default=Path("circle.json"), help="the circle file to write")
    parser.add_argument(
        "--anew", action="store_true", help="replace a circle file whose circle is gone with its chain"
    )
    parser.add_argument(
        "--confirmations", type=int, metavar="BLOCKS", help=f"wait for so many on top (default {_CONFIRMATIONS})"
    )
    parser.add_argument("--estimate", action="store_true", help="say what it would cost; nothing is sent")
    parser.add_argument("--gas-price", type=float, metavar="GWEI", help="for --estimate: instead of the chain's")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Deploy and write the circle file, or say what is there."""
    from ledger.chain.deployment.cautions import check_windows, find_cautions
    from ledger.chain.deployment.deploy import deploy_circle, find_deployed, find_known_court, finish_begun
    from ledger.chain.deployment.preflight import check_chain, check_funds, measure_block_time_s, quote
    from ledger.chain.rpc.failover import connect
    from ledger.chain.transactions.sender import Sender
    from node.learning.genesis import write_genesis
    from node.learning.second_making import check_made_alike
    from node.learning.template import Template
    from node.own_rules.rule_file import check_can_be_kept, name_for_circle
    from node.tasks.built_in import BUILT_IN

    # Known before anything is computed or paid for.
    _check_options(options)
    check_from_model(options)
    fork = open_fork(options)
    take_over(options, fork)
    options.rule = name_for_circle(options.rule)
    task, rehearsal, founding, plan, begun = _plan(options, fork)
    rpc = connect(_rpc_urls(options, fork), patience=parse_patience(options))
    chain_id = check_chain(rpc, options.chain_id)
    check_can_be_kept(options.rule, chain_id, LOCAL_CHAIN_IDS)
    if options.estimate:
        return _estimate(options, rpc, chain_id, plan, begun)
    file = find_deployed(rpc, chain_id, plan, options.out, court=options.court, anew=options.anew)
    if file is not None:
        write_genesis(options.out, founding.genesis)
        _print(options, plan, begun, file, "there already")
        return 0
    confirmations = _confirmations(options, chain_id)
    finished = finish_begun(rpc, chain_id, plan, options.out, confirmations)
    if finished is not None:
        write_genesis(options.out, founding.genesis)
        _print(options, plan, begun, finished.file, "sent before", finished.paid)
        return 0
    pace = measure_block_time_s(rpc)
    check_windows(plan.chosen, pace)
    if options.task not in BUILT_IN:
        # As the task makes it: another process has no file of weights.
        made = Template.of(task, options.seed) if options.from_model else rehearsal.template
        check_made_alike(task, made, _made_with(options), options.data)
    payer = read_deployer_address(options.keystore, chain_id)
    court = find_known_court(rpc, options.out, options.court)
    quoted = quote(rpc, payer, plan, court)
    check_funds(rpc, payer, quoted)
    if rehearsal.untried is not None:
        caution(f"training was not tried, as seat 0 has no data here: {rehearsal.untried}")
    for sentence in find_cautions(plan.chosen, pace):
        caution(sentence)
    if not options.json:
        say(f"cost     {_cost(quoted.gas, quoted.price_wei)}, paid by {payer}")
    sender = Sender(rpc, open_deployer_key(options.keystore, options.password_file, chain_id), chain_id)
    # On the disk before anything is paid: without it, nobody can start whose torch draws other first weights.
    write_genesis(options.out, founding.genesis)
    done = deploy_circle(sender, plan, options.out, confirmations, court)
    _print(options, plan, begun, done.file, "deployed", done.paid)
    return 0


def _check_options(options: argparse.Namespace) -> None:
    if not options.out.parent.is_dir():
        raise UsageError(
            f"there is no folder {options.out.parent} to write {options.out.name} to: choose another --out"
        )
    if options.confirmations is not None and not 0 <= options.confirmations <= 1000:
        raise UsageError(f"--confirmations {options.confirmations} is not in 0..1000: choose another number")
    if options.gas_price is not None and not options.estimate:
        raise UsageError("--gas-price is for --estimate: a deployment pays what the chain asks")
    if options.gas_price is not None and not 0 <= options.gas_price <= 1e9:
        raise UsageError(f"--gas-price {options.gas_price} is not in 0..10^9 gwei: choose another price")


def _plan(options: argparse.Namespace, fork: Fork | None) -> tuple[Any, Any, Any, Any, Begun]:
    """The task, what its rehearsal gave, what the circle starts from, what to deploy, and what it goes on from."""
    from ledger.chain.deployment.deploy import make_plan
    from node.learning.genesis import Agreement, agree_template, found_circle
    from node.learning.private.budget import UnchargedTraining
    from node.learning.rehearsal import rehearse
    from node.learning.training import use_one_thread
    from node.models.weights import begin_from, encode_beginning, measure_coarseness, use_own_units

    use_one_thread()
    task, terms = _load(options, fork), parse_terms(options)
    privacy = parse_privacy(options.privacy, options.rounds, options.samples)
    if privacy is None and fork is not None:
        privacy = fork.manifest.privacy
    private = None if privacy is None else UnchargedTraining(privacy)
    beginning = None if options.from_model is None else begin_from(options.from_model, task, options.seed)
    rehearsal = rehearse(
        task if beginning is None else beginning.task,
        seed=options.seed,
        seats=options.peers,
        codec=options.codec,
        private=private,
        template=None if beginning is None else beginning.template,
        rounds=options.rounds,
    )
    template, forked, genesis = rehearsal.template, None, None
    if fork is not None:
        # Its bases are in its units, and of its tensors alone.
        try:
            template = agree_template(template, fork.manifest)
        except SetupError as error:
            raise SetupError(
                f"{options.fork_from} is of a circle that this task cannot go on from: {error}"
            ) from error
        forked = recompute_fork(fork, options.timeout, options.ipfs_api)
        genesis = forked.model.blob
    if beginning is not None:
        template = use_own_units(beginning, template)
        genesis = encode_beginning(beginning, template)
    agreed = Agreement(
        options=_made_with(options) | task.options,
        degree=options.degree,
        rule=options.rule,
        rule_parameters=parse_rule_parameters(options.rule_parameter),
        codec=options.codec,
        rounds=options.rounds,
        checkpoint_every=options.checkpoint_every,
        privacy=privacy,
        origin=None if forked is None else forked.origin,
    )
    founding = found_circle(template, agreed, genesis)
    manifest = founding.manifest
    begun: Begun = forked
    if beginning is not None:
        coarseness = measure_coarseness(manifest, founding.genesis, template)
        begun = FoundedOn(beginning, manifest.genesis, manifest.frozen, coarseness)
    return task, rehearsal, founding, make_plan(manifest, terms), begun


def _load(options: argparse.Namespace, fork: Fork | None) -> Any:
    """The task, with the earlier circle's options where it goes on from one, and those typed in their place."""
    from node.tasks.interface import load_task
    from node.tasks.options import split_options

    agreed, typed = {} if fork is None else split_options(fork.manifest.task_options), parse_task_options(options)
    return load_task(
        options.task, **_made_with(options), options={**agreed, **typed}, typed=typed.keys(), data=options.data
    )


def _made_with(options: argparse.Namespace) -> dict[str, Any]:
    return {"skew": options.skew, "seed": options.seed, "samples": options.samples}


def _rpc_urls(options: argparse.Namespace, fork: Fork | None) -> list[str]:
    """Each --rpc, else what an existing circle file says, else the earlier circle's chain, else the local one's."""
    from ledger.chain.deployment.circle_file import CircleFile

    named = choose_rpc_urls(options)
    if named is None and options.out.exists() and not options.estimate:
        return CircleFile.read(options.out).read_rpc_urls()
    if named is None and fork is not None and fork.opened.file.rpc is not None:
        return [fork.opened.file.rpc]
    return named or [DEFAULT_RPC]


def _confirmations(options: argparse.Namespace, chain_id: int) -> int:
    if options.confirmations is not None:
        return int(options.confirmations)
    return 0 if chain_id in LOCAL_CHAIN_IDS else _CONFIRMATIONS


def _estimate(options: argparse.Namespace, rpc: Any, chain_id: int, plan: Any, begun: Begun) -> int:
    """Print the cost of the deployment and of the rounds, these as measured: see ledger.chain.deployment.cost."""
    from ledger.chain.deployment.cautions import check_windows, find_cautions
    from ledger.chain.deployment.cost import round_gas
    from ledger.chain.deployment.deploy import find_known_court
    from ledger.chain.deployment.preflight import fetch_prices_wei, measure_block_time_s, quote
    from ledger.chain.transactions.fees import GWEI

    try:
        payer = read_deployer_address(options.keystore, chain_id)
    except SetupError:
        payer = "0x" + 40 * "0"  # an estimate needs no account that could pay
    pace = measure_block_time_s(rpc)
    check_windows(plan.chosen, pace)
    for sentence in find_cautions(plan.chosen, pace):
        caution(sentence)
    quoted, per_round = (
        quote(rpc, payer, plan, find_known_court(rpc, options.out, options.court)),
        round_gas(options.peers),
    )
    price = fetch_prices_wei(rpc)[0] if options.gas_price is None else round(options.gas_price * GWEI)
    if options.json:
        print_json(
            {
                "chain_id": chain_id,
                "gas_price_wei": price,
                "deploy_gas": quoted.gas,
                "join_gas": per_round.join,
                "peer_round_gas": per_round.peer_round,
                "deploy_wei": quoted.gas * price,
                "peer_wei": (per_round.join + options.rounds * per_round.peer_round) * price,
                **_make_begun_fields(begun),
            }
        )
        return 0
    for line in begun.describe() if begun else ():
        say(line)
    peer_gas = per_round.join + options.rounds * per_round.peer_round
    say(f"deploy   {_cost(quoted.gas, price)}, once")
    say(f"join     {_cost(per_round.join, price)}, each peer once")
    say(
        f"round    {_cost(per_round.peer_round, price)}, each peer: commit {per_round.commit:,} + "
        f"attest {per_round.attest:,} + its share of settle {per_round.settle:,} / {per_round.seats}"
    )
    say(f"a peer   {_cost(peer_gas, price)}, joining and {options.rounds} rounds")
    say(f"circle   {_cost(quoted.gas + options.peers * peer_gas, price)}, all {options.peers} peers")
    return 0


def _make_begun_fields(begun: Begun) -> dict[str, Any]:
    return {
        "fork": begun.as_fields() if isinstance(begun, Forked) else None,
        "from_model": begun.as_fields() if isinstance(begun, FoundedOn) else None,
    }


def _cost(gas: int, price_wei: int) -> str:
    from ledger.chain.transactions.fees import GWEI
    from ledger.untrusted.text import format_ether

    return f"{gas:,} gas x {price_wei / GWEI:.6g} gwei = {format_ether(gas * price_wei)}"


def _print(
    options: argparse.Namespace,
    plan: Any,
    begun: Begun,
    file: Any,
    how: str,
    paid: Any = None,
) -> None:
    if file.rpc is None:
        caution(
            f"the endpoint's address may hold a key, so {options.out} names no endpoint: peers name their own with "
            f"--rpc or in {RPC_VARIABLE}"
        )
    if options.json:
        print_json(
            {
                "contract": file.contract,
                "chain_id": file.chain_id,
                "block": file.block,
                "transaction": file.transaction,
                "task": file.task,
                "terms": file.terms,
                "gas": paid and paid.gas,
                "cost_wei": paid and paid.cost_wei,
                "sent": how == "deployed",
                "file": str(options.out),
                **_make_begun_fields(begun),
            }
        )
        return
    from ledger.untrusted.text import format_ether
    from node.learning.genesis import genesis_path

    manifest = plan.manifest
    cost = "" if paid is None else f", {paid.gas:,} gas = {format_ether(paid.cost_wei)}"
    say(f"circle   {file.contract} on chain {file.chain_id}, block {file.block}: {how}{cost}")
    say(f"task     {manifest.task}, {manifest.state_size} parameters, rule {manifest.rule}, {file.task}")
    for line in begun.describe() if begun else ():
        say(line)
    say("terms    " + ", ".join(f"{name} {value}" for name, value in file.terms.items()))
    if (privacy := manifest.privacy) is not None:
        for line in describe_plan(privacy, manifest.rounds, options.samples, manifest.state_size):
            say(line)
    if how == "there already":
        say(f"as told  {options.out} has this task and these terms: nothing was sent")
    else:
        say(f"written  {options.out}: peers take it with `folkmoot node --circle {options.out} …`")
        say(f"beside   {genesis_path(options.out).name}: the first weights; a node started beside it serves them")
