"""`folkmoot node`: be one peer of a circle."""

import argparse
import threading
from typing import Any

from ledger.errors import UsageError
from node.cli.node_options import add_node_options, is_experiment, read_node_options
from node.cli.node_running import print_event
from node.cli.node_start import take_part
from node.cli.options import Subparsers, choose_rpc_urls, parse_patience, print_json
from node.cli.tracking import tracked_node
from node.cli.waiting import await_chain
from node.seat.accounts import open_secret_key


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("node", help="run a peer", description=__doc__)
    add_node_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run until the circle is finished, or until interrupted."""
    from ledger.chain.deployment.circle_file import CircleFile, open_circle

    sound = read_node_options(options)
    sound.listening.check()
    file = CircleFile.read(options.circle)
    # Experiments are refused before anything is asked; what an honest peer needs takes its time to import.
    behave = _make_behaviour(options) if is_experiment(options) else None
    key = open_secret_key(options.keystore, options.password_file)
    urls, patience = choose_rpc_urls(options), parse_patience(options)
    circle = await_chain(lambda: open_circle(file, urls, patience=patience), options.wait_for_chain)
    told = print_json if options.json else print_event
    starting = _make_starting(options, circle)
    told(starting)
    _import_torch_meanwhile()
    opened = await_chain(lambda: fetch_opened(circle, file.block), options.wait_for_chain)
    with tracked_node(sound.places, starting, told) as report:
        return take_part(options, sound, file, circle, opened, key, behave, report)


def _make_behaviour(options: argparse.Namespace) -> Any:
    """Honest, unless an attack is named. Raises UsageError."""
    from node.attacks import choose_attack
    from node.attacks.attack import Attack
    from node.attacks.plugged import plug_in
    from node.attacks.settings import parse_attack_parameters, parse_seats

    parameters = parse_attack_parameters(options.attack_parameter)
    if options.watch is None:
        return plug_in(choose_attack(options.attack, parameters, parse_seats(options.accomplices)))
    if options.attack != "honest":
        raise UsageError("--watch is for honest peers: an attacker reports its own figures")
    return plug_in(Attack(), watched=choose_attack(options.watch, parameters))


def _import_torch_meanwhile() -> None:
    """Beside what is read from the chain; whoever needs it first waits for it, as in any import."""

    def load() -> None:
        import torch  # noqa: F401

    threading.Thread(target=load, name="import of torch").start()


def _make_starting(options: argparse.Namespace, circle: Any) -> dict[str, Any]:
    """What was found, before the node is ready: said at once, as the rest takes some seconds."""
    from node.seat.keys import address_of

    return {
        "event": "starting",
        "contract": circle.network.contract,
        "chain_id": circle.network.chain_id,
        "endpoint": circle.rpc.url,
        "last_round": circle.terms.last_round,
        "key": address_of(options.keystore),
        "folder": str(options.folder),
    }


def fetch_opened(circle: Any, first_block: int) -> tuple[Any, str]:
    """What all agreed on, and the hash of the block it stands in. Raises SetupError where that is another block."""
    from ledger.chain.deployment.circle_file import OtherCircle
    from ledger.chain.rpc.patience import insist
    from ledger.circle.events import Opened
    from ledger.circle.manifest import MalformedManifest, decode_manifest
    from ledger.judging.task_checks import check_task

    def read() -> tuple[Any, str]:
        opened = circle.fetch_events(first_block, first_block)
        if not opened or not isinstance(opened[0].event, Opened):
            raise OtherCircle("the circle did not open in the block its file names: ask for a new circle file")
        manifest = decode_manifest(opened[0].event.manifest)
        check_task(manifest)
        return manifest, opened[0].block_hash

    return insist(circle.rpc, read, (OtherCircle, MalformedManifest), circle.rpc.patience.catch_up_s)
