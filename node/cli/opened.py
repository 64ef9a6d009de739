"""What the commands about seats share: a circle with its history, a key's calls to it, and how they are told of."""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ledger.errors import UsageError
from node.cli.options import (
    DEFAULT_RPC,
    Subparsers,
    add_json,
    add_key,
    add_rpc,
    add_rule_file,
    choose_rpc_urls,
    parse_patience,
)
from node.seat.accounts import open_secret_key


def add_circle(parser: argparse.ArgumentParser) -> None:
    """--circle, --rpc and --json."""
    parser.add_argument("--circle", type=Path, default=Path("circle.json"), help="the file `folkmoot deploy` wrote")
    add_rpc(parser)
    add_rule_file(parser)
    add_json(parser)


def add_caller(parser: argparse.ArgumentParser) -> None:
    """The same, and the key that pays and signs."""
    add_circle(parser)
    add_key(parser, required=True)


def add_action(actions: Subparsers, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    """One action of a command, run with a key."""
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


@dataclass(frozen=True)
class OpenCircle:
    """A circle and its history up to a block."""

    file: Any
    """Its `CircleFile`, or a `NamedCircle`."""
    circle: Any
    """Its `Circle`, read through the endpoint."""
    history: Any
    """Its `History`."""
    block: int
    """Number of the block up to which it was read."""
    placed: Any = ()
    """Its events in order, each a `PlacedEvent`."""
    bundle: Any = None
    """The `Bundle` that it was read from; None where it was read through an endpoint."""

    def read_again(self, since: int) -> "OpenCircle":
        """As it is now. since: a block that has to be in it, e.g. that of a call just made."""
        from ledger.chain.reading import read_history
        from ledger.judging.task_checks import check_task

        reading = read_history(self.circle, self.file.block, since)
        check_task(reading.history.manifest)
        return OpenCircle(self.file, self.circle, reading.history, reading.mark.number, reading.placed)

    def now_s(self) -> float:
        """Unix time as the contract has it: this machine's, or its newest block's where that is ahead."""
        from ledger.chain.rpc import answers

        block = [hex(self.block), False], answers.block_parser(self.block)
        return max(time.time(), float(self.circle.rpc.request("eth_getBlockByNumber", *block).time_s))


def open_named(options: argparse.Namespace) -> OpenCircle:
    """The circle that --circle names, read through --rpc. Raises SetupError."""
    from ledger.chain.deployment.circle_file import CircleFile, open_circle

    file = CircleFile.read(options.circle)
    circle = open_circle(file, choose_rpc_urls(options), patience=parse_patience(options))
    return OpenCircle(file, circle, None, 0).read_again(file.block)


@dataclass(frozen=True)
class NamedCircle:
    """What a circle file would say, of a circle that is named by its address."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """The circle's address, EIP-55 checksummed."""
    block: int
    """Number of the block it was opened in."""


def open_address(options: argparse.Namespace) -> OpenCircle:
    """The circle at the address --contract, read through --rpc. Raises SetupError."""
    from ledger.chain.circle import Circle
    from ledger.chain.rpc.failover import connect

    rpc = connect(choose_rpc_urls(options) or [DEFAULT_RPC], patience=parse_patience(options))
    circle = Circle(rpc, options.contract)
    named = NamedCircle(circle.network.chain_id, circle.network.contract, 0)
    opened = OpenCircle(named, circle, None, 0).read_again(0)
    return replace(opened, file=replace(named, block=opened.placed[0].position[0]))


def open_bundled(path: Path, pinned: str | None) -> OpenCircle:
    """The circle of a bundle that `folkmoot audit --save` wrote. pinned: the hash of the block that it must be of.

    Raises SetupError.
    """
    from ledger.audit.bundle.offline import BundledChain
    from ledger.audit.reopening import open_bundle
    from ledger.chain.circle import Circle

    bundle, _ = open_bundle(path, pinned)
    chain = BundledChain(bundle)
    circle = Circle(chain, bundle.network.contract)
    named = NamedCircle(circle.network.chain_id, circle.network.contract, chain.first_block)
    return replace(OpenCircle(named, circle, None, 0).read_again(chain.first_block), bundle=bundle)


def load_circle_task(
    manifest: Any,
    spec: str | None,
    frozen: Path | None = None,
    *,
    own: Mapping[str, str] | None = None,
    data: Path | None = None,
) -> Any:
    """The circle's task, with the options all agreed on; a user's own file is named on the command line.

    frozen: a safetensors file with what is frozen of its model; None where model() says it. own: options that this
    peer typed: about what the circle left open, or as it has them. data: what it trains on. Raises UsageError.
    """
    from node.tasks.built_in import BUILT_IN
    from node.tasks.interface import load_task
    from node.tasks.options import join_options

    if spec is None and manifest.task not in BUILT_IN:
        raise UsageError(f"the circle trains {manifest.task}, which is not built in: name its file with --task")
    options = manifest.task_options
    task = load_task(
        spec or manifest.task,
        skew=float(options.get("skew", 0.0)),
        seed=int(options.get("seed", 0)),
        samples=int(options.get("samples", 1000)),
        options=join_options(options, own or {}),
        data=data,
    )
    if frozen is None:
        return task
    from node.models.weights import open_frozen

    if not manifest.frozen:
        raise UsageError("--frozen is for a circle whose model has a frozen part, and this one's has none")
    return replace(task, frozen_values=open_frozen(frozen))


class Caller:
    """A key's calls to one circle."""

    def __init__(self, options: argparse.Namespace, opened: OpenCircle) -> None:
        from ledger.chain.transactions.sender import Sender

        circle = opened.circle
        key = open_secret_key(options.keystore, options.password_file)
        self._sender = Sender(circle.rpc, key, circle.network.chain_id)
        self._contract = circle.network.contract
        self.address: str = self._sender.address

    def call(self, name: str, *arguments: object, value_wei: int = 0) -> Any:
        """Send and wait; returns the receipt. Raises Reverted with a sentence, NoFunds, NoReceipt."""
        return self._sender.call(self._contract, name, *arguments, value_wei=value_wei)
