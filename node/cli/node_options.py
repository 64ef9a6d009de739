"""What a node is started with: its options, and what of them is known to be sound before anything is asked."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.errors import UsageError
from node.cli.attack_options import add_attack
from node.cli.config import ConfigurableParser, add_config
from node.cli.monitoring import add_metrics, parse_metrics
from node.cli.options import (
    add_data,
    add_device,
    add_frozen,
    add_json,
    add_key,
    add_option,
    add_rpc,
    add_rule_file,
    add_sent_share,
    parse_task_options,
)
from node.cli.origin import add_check_origin
from node.cli.terms import parse_wei
from node.cli.tracking import add_track, parse_track
from node.cli.waiting import add_wait_for_chain, check_wait
from node.cli.web import check_web_port

# A round takes some such waits, and nothing that a chain for rounds of minutes does reaches deeper.
_CONFIRMATIONS_MAX: Final = 1000
_PROCESSES_MAX: Final = 64


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
    parser.add_argument(
        "--advertise-gateway",
        metavar="URL",
        help="where others fetch blobs, behind a proxy: http(s)://HOST:PORT (default: --advertise and the port)",
    )
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
    parser.add_argument(
        "--ipfs-api",
        metavar="MULTIADDR",
        help="an IPFS daemon that pins this peer's blobs and is asked by CID for what no gateway gives, as"
        " /ip4/127.0.0.1/tcp/5001",
    )
    parser.add_argument(
        "--archive",
        action="store_true",
        help="keep all blobs, also those that nobody can ask this peer for any more",
    )
    parser.add_argument(
        "--train-in-full",
        action="store_true",
        help="never end a round's training early, though it takes many times as long as the others'",
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


@dataclass(frozen=True)
class SoundOptions:
    """What was typed, read and found sound; what depends on the circle is looked at once that is known."""

    listening: Any
    """The `Listening`; whether it can be reached there is another question."""
    metrics_at: tuple[str, int] | None
    """Host and port of --metrics."""
    places: Sequence[Any]
    """Of --track."""
    name: str | None
    """What the seat is to call itself; see `parse_own_name`."""
    max_fee_wei: int
    """Per gas."""
    dispute_budget_wei: int | None
    """None for the usual."""
    own: dict[str, str]
    """The options of the task that this peer typed."""
    fail_at: Callable[[int, str], None] | None
    """Of --fail-at."""


def read_node_options(options: argparse.Namespace) -> SoundOptions:
    """Asks nobody and loads nothing that trains. Raises UsageError."""
    from node.operating.listening import Listening
    from node.seat.own_name import parse_own_name

    if not 0 <= options.confirmations <= _CONFIRMATIONS_MAX:
        raise UsageError(f"--confirmations is 0 to {_CONFIRMATIONS_MAX} blocks, not {options.confirmations}")
    if not 1 <= options.processes <= _PROCESSES_MAX:
        raise UsageError(f"--processes is 1 to {_PROCESSES_MAX}, not {options.processes}")
    if options.processes > 1 and is_experiment(options):
        raise UsageError("--processes is for honest peers: leave it out of an experiment")
    if not 0 <= options.watch_share <= 1:
        raise UsageError(f"--watch-share is 0 to 1 of a core's time, not {options.watch_share:g}")
    check_wait(options)
    check_web_port(options.web)
    listening = Listening(
        options.host,
        options.advertise,
        options.gossip_port,
        options.gateway_port,
        options.ipfs_api,
        options.advertise_gateway,
    )
    budget = options.dispute_budget
    return SoundOptions(
        listening=listening,
        metrics_at=parse_metrics(options),
        places=parse_track(options),
        name=parse_own_name(options.name, listening.reached_at),
        max_fee_wei=parse_wei(options.max_fee, "--max-fee", "GWEI"),
        dispute_budget_wei=None if budget is None else parse_wei(budget, "--dispute-budget"),
        own=parse_task_options(options),
        fail_at=_parse_fail_at(options.fail_at),
    )


def _parse_fail_at(text: str | None) -> Callable[[int, str], None] | None:
    if not text:
        return None
    from node.attacks.fault_injection import parse_fail_at

    return parse_fail_at(text).fail_if_reached


def is_experiment(options: argparse.Namespace) -> bool:
    """Whether anything is asked of the peer that an honest one does not do."""
    return options.attack != "honest" or bool(options.attack_parameter or options.accomplices or options.watch)
