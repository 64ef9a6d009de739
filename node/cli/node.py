"""`folkmoot node`: be one peer of a circle."""

import argparse
import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger.errors import Foreseen, SetupError, UsageError
from ledger.identity.endpoints import show_addresses
from node.cli.attack_options import add_attack
from node.cli.config import ConfigurableParser, add_config
from node.cli.monitoring import add_metrics, make_monitor, parse_metrics
from node.cli.opened import load_circle_task
from node.cli.options import (
    Subparsers,
    add_data,
    add_device,
    add_frozen,
    add_json,
    add_key,
    add_option,
    add_rpc,
    add_rule_file,
    add_sent_share,
    choose_rpc_urls,
    parse_address,
    parse_patience,
    parse_task_options,
    print_json,
)
from node.cli.origin import add_check_origin
from node.cli.terms import parse_wei
from node.cli.tracking import add_track, parse_track, tracked_node
from node.cli.waiting import add_wait_for_chain, await_chain, check_wait
from node.cli.web import check_web_port, page_beside
from node.operating.figures import format_figure
from node.operating.lifeline import ENDING, is_ignored
from node.operating.printing import say
from node.seat.accounts import open_secret_key

_log = logging.getLogger(__name__)
# A round takes some such waits, and nothing that a chain for rounds of minutes does reaches deeper.
_CONFIRMATIONS_MAX = 1000
_PROCESSES_MAX = 64


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("node", help="run a peer", description=__doc__)
    add_node_options(parser)
    parser.set_defaults(run=run)


def add_node_options(parser: ConfigurableParser) -> None:
    """All that a node is started with; `folkmoot doctor` takes the same."""
    parser.add_argument("--circle", type=Path, default=Path("circle.json"), help="the file `folkmoot deploy` wrote")
    add_rpc(parser)
    add_rule_file(parser)
    add_key(parser, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="the peer's folder: blobs, state, certificate")
    parser.add_argument("--task", help="FILE.py:CLASS where the circle's task is no built-in one")
    add_option(parser)
    add_data(parser)
    add_frozen(parser)
    parser.add_argument(
        "--cold",
        metavar="ADDRESS",
        help="when joining: the key that may leave and rotate keys, 0x… or a keystore (default: the node's key)",
    )
    parser.add_argument("--invitation", type=Path, metavar="FILE", help="when joining a circle for invited peers")
    parser.add_argument("--seat", type=int, help="wait until this seat is the next free one, and join then")
    parser.add_argument(
        "--take-over",
        action="store_true",
        help="serve the seat although another process with this key does: that one then stands by",
    )
    parser.add_argument(
        "--name",
        metavar="TEXT",
        help="what the seat calls itself, shown to all beside its address (default: as before; '': nothing)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="listen here (default: loopback only)")
    parser.add_argument("--advertise", metavar="HOST", help="the host others reach this peer at (default: --host)")
    parser.add_argument("--gossip-port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--gateway-port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument(
        "--confirmations",
        type=int,
        default=0,
        metavar="BLOCKS",
        help="act on what so many blocks lie on top of (default 0: at once, for chains whose blocks stay)",
    )
    add_wait_for_chain(parser)
    parser.add_argument(
        "--max-fee", default="500", metavar="GWEI", help="never offer more per gas; wait instead (default 500)"
    )
    parser.add_argument(
        "--rpc-ws",
        metavar="URL",
        help="be woken by this WebSocket at new blocks (default: beside an endpoint on this machine; none: ask)",
    )
    add_sent_share(parser)
    add_device(parser)
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="train with so many processes of torchrun and DistributedDataParallel: with --device cuda one a GPU"
        " (default 1: this one)",
    )
    parser.add_argument(
        "--privacy-budget",
        metavar="EPSILON",
        help="where the circle has privacy terms: spend no more than this here (default: what the circle allows)",
    )
    parser.add_argument(
        "--privacy-after",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the circle file of an earlier circle in which this node trained on the same data: what its folder"
        " says was spent there counts here too; repeatable",
    )
    add_check_origin(parser, ", before it joins; where it does not, the node ends")
    parser.add_argument(
        "--watch-share",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="of one core's time, for recomputing what other judges said (default 0.05; 0: of nobody)",
    )
    parser.add_argument(
        "--dispute-budget",
        metavar="ETH",
        help="the most at stake at a time in claims that this node raises by itself where recomputing shows a lie "
        "(default: 10 of the circle's dispute bonds; 0: none)",
    )
    parser.add_argument("--ipfs-api", metavar="MULTIADDR", help="an IPFS daemon that pins this peer's blobs too")
    parser.add_argument(
        "--archive",
        action="store_true",
        help="keep all blobs, also those that nobody can ask this peer for any more",
    )
    parser.add_argument(
        "--exit-when-finished", action="store_true", help="do not stay to serve blobs after the end"
    )
    add_metrics(parser)
    add_track(parser)
    add_attack(parser, "honest", "for experiments: be a poisoner or a liar of this kind")
    parser.add_argument(
        "--accomplices", default="", metavar="SEATS", help="for experiments: all seats that collude, as 6,7"
    )
    parser.add_argument(
        "--watch", metavar="ATTACK", help="for experiments: report this attack's figures too (backdoor has one)"
    )
    parser.add_argument("--fail-at", metavar="ROUND:STEP", help="for experiments: die by SIGKILL there")
    parser.add_argument(
        "--web",
        type=int,
        nargs="?",
        const=0,
        metavar="PORT",
        help="also serve the live page of `folkmoot watch`, to this machine alone (default: any port that is free)",
    )
    add_json(parser)
    add_config(parser)


def run(options: argparse.Namespace) -> int:
    """Run until the circle is finished, or until interrupted."""
    from ledger.chain.deployment.circle_file import CircleFile, open_circle
    from node.operating.listening import Listening

    if not 0 <= options.confirmations <= _CONFIRMATIONS_MAX:
        raise UsageError(f"--confirmations is 0 to {_CONFIRMATIONS_MAX} blocks, not {options.confirmations}")
    if not 1 <= options.processes <= _PROCESSES_MAX:
        raise UsageError(f"--processes is 1 to {_PROCESSES_MAX}, not {options.processes}")
    if not 0 <= options.watch_share <= 1:
        raise UsageError(f"--watch-share is 0 to 1 of a core's time, not {options.watch_share:g}")
    check_wait(options)
    check_web_port(options.web)
    metrics_at, places = parse_metrics(options), parse_track(options)
    file = CircleFile.read(options.circle)
    # Experiments are refused before anything is asked; what an honest peer needs takes its time to import.
    behave = _make_behaviour(options) if _is_experiment(options) else None
    listening = Listening(
        options.host, options.advertise, options.gossip_port, options.gateway_port, options.ipfs_api
    )
    listening.check()
    key = open_secret_key(options.keystore, options.password_file)
    urls, patience = choose_rpc_urls(options), parse_patience(options)
    circle = await_chain(lambda: open_circle(file, urls, patience=patience), options.wait_for_chain)
    told = print_json if options.json else _print_event
    starting = _make_starting(options, circle)
    told(starting)
    _import_torch_meanwhile()
    opened = await_chain(lambda: _fetch_opened(circle, file.block), options.wait_for_chain)
    with tracked_node(places, starting, told) as report:
        return _take_part(options, file, circle, opened, listening, metrics_at, key, behave, report)


def _take_part(
    options: argparse.Namespace,
    file: Any,
    circle: Any,
    opened: tuple[Any, str],
    listening: Any,
    metrics_at: tuple[str, int] | None,
    key: bytes,
    behave: Any,
    report: Callable[[dict[str, Any]], None],
) -> int:
    """The peer's life. opened: what `_fetch_opened` gave. behave: None for an honest peer."""
    from ledger.codec import choose_share
    from node.behaviour import Behaviour
    from node.cli.earlier_privacy import check_room
    from node.learning.devices import choose_device
    from node.learning.genesis import read_genesis
    from node.learning.training import use_one_thread
    from node.membership.config import PeerConfig
    from node.operating.data_folder import DataFolder
    from node.peer import Peer
    from node.seat.own_name import parse_own_name

    (manifest, opened_in), budget = opened, options.dispute_budget
    urls = choose_rpc_urls(options)
    settings = {
        "listening": listening,
        "name": parse_own_name(options.name, listening.reached_at),
        "seat": options.seat,
        "take_over": options.take_over,
        "confirmations": options.confirmations,
        "max_fee_wei": parse_wei(options.max_fee, "--max-fee", "GWEI"),
        "ws_url": _choose_ws_url(options.rpc_ws, circle.rpc.url),
        "join_request": _make_join_request(options, circle.network),
        "sent_share": choose_share(manifest.codec, options.sent_share),
        "watch_share": options.watch_share,
        "dispute_budget_wei": None if budget is None else parse_wei(budget, "--dispute-budget"),
        "privacy_budget_milli": _parse_privacy_budget(options.privacy_budget, manifest),
        "privacy_earlier": tuple(_read_earlier(options, manifest, file)),
        "genesis": read_genesis(options.circle, manifest),
        "archive": options.archive,
    }
    if options.fail_at:
        from node.attacks.fault_injection import parse_fail_at

        settings["fail_at"] = parse_fail_at(options.fail_at).fail_if_reached
    use_one_thread()
    task = load_circle_task(
        manifest, options.task, options.frozen, own=parse_task_options(options), data=options.data
    )
    task = replace(task, device=choose_device(options.device))
    if options.processes > 1:
        settings["make_crew"] = _make_crew(options, manifest, task)
    made_with = " ".join(f"{name}={value}" for name, value in sorted(manifest.task_options.items()))
    # What others chose for code of this peer's own.
    _log.info("task made task=%s options=%s", manifest.task, made_with)
    _tell_origin(options, manifest, file, report)
    with DataFolder.open(options.folder, circle.network, opened_in) as folder:
        if settings["privacy_earlier"]:
            check_room(
                settings["privacy_earlier"], manifest.privacy, settings["privacy_budget_milli"], folder.charges
            )
        monitor = make_monitor(
            metrics_at, urls or file.read_rpc_urls(), circle.network.chain_id, options.keystore, folder
        )
        told = report if monitor is None else monitor.pass_on(report)
        peer = Peer(PeerConfig(folder, **settings), circle, file.block, key, task, behave or Behaviour(), told)
        log_options = ("--log", options.log, "--log-format", options.log_format)
        own = ("--rule-file", str(options.rule_file)) if options.rule_file else ()
        with page_beside(options.web, options.circle, urls, options.folder, report, log_options, own):
            return asyncio.run(_run_monitored(peer, not options.exit_when_finished, report, monitor, metrics_at))


def _make_crew(options: argparse.Namespace, manifest: Any, task: Any) -> Any:
    """What makes the processes that train for the peer, once its seat is known. Raises UsageError."""
    from node.learning.crew import Assignment, Crew

    if manifest.privacy is not None:
        raise UsageError("--processes is for circles without privacy terms: their training is one process's")
    if _is_experiment(options):
        raise UsageError("--processes is for honest peers: leave it out of an experiment")
    agreed = manifest.task_options
    made_with: dict[str, Any] = {
        "skew": float(agreed.get("skew", 0.0)),
        "seed": int(agreed.get("seed", 0)),
        "samples": int(agreed.get("samples", 1000)),
    }

    def make(layout: Any, seat: int, seats: int) -> Crew:
        assignment = Assignment(
            task, made_with, layout, seat, seats, made_with["seed"], manifest.rounds, options.data
        )
        return Crew(assignment, options.processes)

    return make


def _is_experiment(options: argparse.Namespace) -> bool:
    """Whether anything is asked of the peer that an honest one does not do."""
    return options.attack != "honest" or bool(options.attack_parameter or options.accomplices or options.watch)


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


def _parse_privacy_budget(text: str | None, manifest: Any) -> int | None:
    """Epsilon in thousandths, rounded down. Raises UsageError."""
    if text is None:
        return None
    if manifest.privacy is None:
        raise UsageError("--privacy-budget is for a circle with privacy terms, and this one has none")
    try:
        milli = int(Decimal(text) * 1000)
    except (ArithmeticError, ValueError):
        milli = 0
    most = manifest.privacy.epsilon_milli
    if not 0 < milli <= most:
        raise UsageError(f"--privacy-budget {text[:20]!r} is not above 0 and at most {most / 1000:g}, the circle's")
    return milli


def _read_earlier(options: argparse.Namespace, manifest: Any, this: Any) -> list[Any]:
    """What was spent in the circles of --privacy-after. Raises UsageError, SetupError."""
    from node.cli.earlier_privacy import read_earlier_charges

    if options.privacy_after and manifest.privacy is None:
        raise UsageError("--privacy-after is for a circle with privacy terms, and this one has none")
    return [read_earlier_charges(options, file, this) for file in options.privacy_after]


def _tell_origin(options: argparse.Namespace, manifest: Any, this: Any, report: Callable[[Any], None]) -> None:
    """Where the circle comes from, and with --check-origin whether that is so.

    Raises SetupError where it is not or cannot be found out, UsageError.
    """
    from node.cli.origin import BLOB_TIMEOUT_S, check_origin, describe_origin, make_origin_fields
    from node.operating.notices import Notice

    def tell(kind: str, says: str, fields: dict[str, Any]) -> None:
        report(Notice(kind, says, is_bad=False, fields=fields).event)

    if manifest.origin is not None:
        unchecked = "" if options.check_origin else "; --check-origin FILE, that circle's file, checks it"
        tell("origin", describe_origin(manifest.origin) + unchecked, make_origin_fields(manifest.origin) or {})
    if options.check_origin is None:
        return
    found = check_origin(options, manifest, this, BLOB_TIMEOUT_S)
    if not found.is_equal:
        raise SetupError(f"origin {found.describe()}; this node takes no part in it")
    tell("origin_checked", f"origin {found.describe()}", found.as_fields())


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


def _make_join_request(options: argparse.Namespace, network: Any) -> Any:
    """What to join with. Raises SetupError for an invitation that the circle would not take."""
    from node.seat.invitations import Invitation, check_invitation
    from node.seat.keys import address_of
    from node.seat.seating import JoinRequest

    invitation = None
    if options.invitation is not None:
        invitation = Invitation.read(options.invitation)
        check_invitation(invitation, network, address_of(options.keystore), time.time())
    return JoinRequest(parse_address(options.cold, "--cold") if options.cold else None, invitation)


async def _run_monitored(
    peer: Any, stay: bool, report: Callable[[Any], None], monitor: Any, metrics_at: tuple[str, int] | None
) -> int:
    """monitor: None where nobody asked for one."""
    if monitor is None or metrics_at is None:
        return await _run(peer, stay, report)
    monitor.find_parts = lambda: peer.parts
    report({"event": "metrics", "url": await monitor.start(*metrics_at)})
    try:
        return await _run(peer, stay, report)
    finally:
        await monitor.close()


async def _run(peer: Any, stay: bool, report: Callable[[Any], None]) -> int:
    task = asyncio.current_task()
    assert task is not None
    loop, asked = asyncio.get_running_loop(), list[signal.Signals]()

    def end(number: signal.Signals) -> None:
        asked.append(number)
        task.cancel()

    for number in (*ENDING, signal.SIGINT):
        if not is_ignored(number):
            loop.add_signal_handler(number, end, number)
    try:
        await peer.run(stay)
    except asyncio.CancelledError:
        if asked:
            report({"event": "stopped", "signal": asked[0].name})
        _leave()
    except ExceptionGroup as group:
        # Parallel work wraps what went wrong; the set-up error in it is what a person can act on.
        expected, unexpected = group.split((Foreseen, OSError))
        if unexpected is not None or expected is None:
            raise
        raise _find_first(expected) from group
    return 0


def _choose_ws_url(wanted: str | None, rpc_url: str) -> str | None:
    from ledger.chain.rpc.subscription import guess_websocket_url

    if wanted == "none":
        return None
    return wanted or guess_websocket_url(rpc_url)


def _leave() -> None:
    """End now: a training under way cannot be interrupted, and what it would give is not needed.

    Everything that must last is on disk before it is used, so nothing is lost.
    """
    logging.shutdown()
    os._exit(0)


def _fetch_opened(circle: Any, first_block: int) -> tuple[Any, str]:
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


def _find_first(group: ExceptionGroup[Exception]) -> Exception:
    found = group.exceptions[0]
    return _find_first(found) if isinstance(found, ExceptionGroup) else found


def _print_event(event: dict[str, Any]) -> None:
    if event["event"] == "starting":
        chain = f"chain {event['chain_id']} ({event['endpoint']})"
        say(f"circle {event['contract']} on {chain}: {event['last_round']} rounds")
        say(f"starting with key {event['key']}, folder {event['folder']}")
    elif event["event"] == "joined":
        named = f', "{event["name"]}"' if event["name"] is not None else ""
        say(f"seat {event['seat']}{named}: {event['address']} at {show_addresses(event['endpoint'])}")
    elif event["event"] == "waiting":
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(event["until"]))
        say(f"seat {event['seat']}: its keys are rotated to this node's, which takes over at {when}")
    elif event["event"] == "round":
        verdicts = list(event["verdicts"].values())
        counts = ", ".join(f"{verdicts.count(kind)} {kind}" for kind in dict.fromkeys(verdicts))
        figures = ", ".join(f"{name} {format_figure(value)}" for name, value in event["figures"].items())
        told = [*([figures] if figures else []), f"neighbours: {counts}", f"{event['seconds']:.1f} s"]
        say(f"round {event['round']}: {'; '.join(told)}")
    elif event["event"] == "notice":
        # Of a lost seat the command's last sentence tells.
        if event["kind"] != "seat_lost":
            say(event["says"])
    elif event["event"] == "metrics":
        say(f"metrics at {event['url']}/metrics, health at {event['url']}/healthz")
    elif event["event"] == "stopped":
        say(f"stopped by {event['signal']}: started again with the same command, the node goes on where it was")
    else:
        say(f"the circle finished its last round, {event['round']}")
