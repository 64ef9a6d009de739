"""A node's part in its circle: what it is started with, made of the options and of what all agreed on."""

import argparse
import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.monitoring import make_monitor
from node.cli.node_options import SoundOptions
from node.cli.node_running import run_monitored
from node.cli.opened import load_circle_task
from node.cli.options import choose_rpc_urls, parse_address
from node.cli.web import page_beside

_log = logging.getLogger(__name__)


def take_part(
    options: argparse.Namespace,
    sound: SoundOptions,
    file: Any,
    circle: Any,
    opened: tuple[Any, str],
    key: bytes,
    behave: Any,
    report: Callable[[dict[str, Any]], None],
) -> int:
    """The peer's life. sound: what `options` say. file: the `CircleFile`. circle: read through its endpoints.

    opened: the manifest, and the hash of the block it stands in. behave: None for an honest peer. Raises
    UsageError, SetupError.
    """
    from ledger.codec import choose_share
    from node.behaviour import Behaviour
    from node.cli.earlier_privacy import check_room
    from node.learning.devices import choose_device
    from node.learning.genesis import read_genesis
    from node.learning.training import use_one_thread
    from node.membership.config import PeerConfig
    from node.operating.data_folder import DataFolder
    from node.peer import Peer

    manifest, opened_in = opened
    urls = choose_rpc_urls(options)
    settings = {
        "listening": sound.listening,
        "name": sound.name,
        "seat": options.seat,
        "take_over": options.take_over,
        "confirmations": options.confirmations,
        "max_fee_wei": sound.max_fee_wei,
        "ws_url": _choose_ws_url(options.rpc_ws, circle.rpc.url),
        "join_request": _make_join_request(options, circle.network),
        "sent_share": choose_share(manifest.codec, options.sent_share),
        "watch_share": options.watch_share,
        "dispute_budget_wei": sound.dispute_budget_wei,
        "privacy_budget_milli": _parse_privacy_budget(options.privacy_budget, manifest),
        "privacy_earlier": tuple(_read_earlier(options, manifest, file)),
        "genesis": read_genesis(options.circle, manifest),
        "archive": options.archive,
        "train_in_full": options.train_in_full,
    }
    if sound.fail_at is not None:
        settings["fail_at"] = sound.fail_at
    use_one_thread()
    task = load_circle_task(manifest, options.task, options.frozen, own=sound.own, data=options.data)
    task = replace(task, device=choose_device(options.device))
    if options.processes > 1:
        settings["make_crew"] = _make_crew(options, manifest, task)
    made_with = " ".join(f"{name}={value}" for name, value in sorted(manifest.task_options.items()))
    # What others chose for code of this peer's own.
    _log.info("task made task=%s options=%s", manifest.task, made_with)
    tell_origin(options, manifest, file, report)
    with DataFolder.open(options.folder, circle.network, opened_in) as folder:
        if settings["privacy_earlier"]:
            check_room(
                settings["privacy_earlier"], manifest.privacy, settings["privacy_budget_milli"], folder.charges
            )
        monitor = make_monitor(
            sound.metrics_at, urls or file.read_rpc_urls(), circle.network.chain_id, options.keystore, folder
        )
        told = report if monitor is None else monitor.pass_on(report)
        peer = Peer(PeerConfig(folder, **settings), circle, file.block, key, task, behave or Behaviour(), told)
        log_options = ("--log", options.log, "--log-format", options.log_format)
        own = ("--rule-file", str(options.rule_file)) if options.rule_file else ()
        with page_beside(options.web, options.circle, urls, options.folder, report, log_options, own):
            stay = not options.exit_when_finished
            return asyncio.run(run_monitored(peer, stay, report, monitor, sound.metrics_at))


def _make_crew(options: argparse.Namespace, manifest: Any, task: Any) -> Any:
    """What makes the processes that train for the peer, once its seat is known. Raises UsageError."""
    from node.learning.crew import Assignment, Crew

    if manifest.privacy is not None:
        raise UsageError("--processes is for circles without privacy terms: their training is one process's")
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


def tell_origin(options: argparse.Namespace, manifest: Any, this: Any, report: Callable[[Any], None]) -> None:
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


def _choose_ws_url(wanted: str | None, rpc_url: str) -> str | None:
    from ledger.chain.rpc.subscription import guess_websocket_url

    if wanted == "none":
        return None
    return wanted or guess_websocket_url(rpc_url)
