"""What the commands about seats share: a circle with its history, a key's calls to it, and how they are told of."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.errors import UsageError
from node.cli.options import (
    Subparsers,
    add_json,
    add_key,
    add_rpc,
    add_rule_file,
    choose_rpc_urls,
    parse_patience,
)
from node.opened_circle import OpenCircle, open_file
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


def open_named(options: argparse.Namespace) -> OpenCircle:
    """The circle that --circle names, read through --rpc. Raises SetupError."""
    from ledger.chain.deployment.circle_file import CircleFile

    return open_file(CircleFile.read(options.circle), choose_rpc_urls(options), parse_patience(options))


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
