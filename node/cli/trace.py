"""`folkmoot trace`: whose data is in a model, by how much, and whom it reached."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.accounting import account_for
from node.cli.model import add_source, open_source
from node.cli.options import Subparsers, add_data, add_frozen, add_option, parse_task_options, print_json
from node.cli.trace_bundle import (
    BundleFetch,
    add_bundle_options,
    check_bundle_options,
    check_proof,
    check_replaceable,
    save_bundle,
)
from node.models.gateways import open_gateways
from node.opened_circle import OpenCircle, open_bundled
from node.operating.printing import say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("trace", help="say whose data is in a model, and how much", description=__doc__)
    parser.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL",
        help="a file that `folkmoot model export` wrote: the account is of the model that it holds",
    )
    parser.add_argument(
        "--round", type=int, metavar="R", help="the model after this round (default: the last settled)"
    )
    parser.add_argument("--seat", type=int, metavar="S", help="this seat's base (default: the circle's model)")
    parser.add_argument(
        "--of",
        type=int,
        metavar="SEAT",
        help="which updates of this seat are in it, or that none is, and whom it reached",
    )
    parser.add_argument(
        "--verdicts",
        action="store_true",
        help="from the chain alone, no blobs: whom updates can have reached, by who accepted whom; no shares",
    )
    parser.add_argument(
        "--without", type=int, metavar="SEAT", help="write the model less what this seat put in, to --out"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="with --without: the safetensors file to write")
    parser.add_argument("--task", help="with --without: FILE.py:CLASS where the circle's task is no built-in one")
    add_option(parser)
    add_data(parser)
    add_frozen(parser)
    parser.add_argument(
        "--graph",
        type=Path,
        metavar="FILE",
        help="draw who was mixed into whom, as .svg or .png; --of SEAT is marked",
    )
    parser.add_argument(
        "--mixings",
        action="store_true",
        help="with --json: also by which weights each base was mixed, round by round",
    )
    add_bundle_options(parser)
    add_source(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Recompute, account and print; or check a proof. 0; 1: a claim of --check does not hold."""
    check_bundle_options(options)
    _check_options(options)
    if options.check is not None:
        return check_proof(options)
    head = None if options.model is None else _read_head(options.model)
    if options.bundle is not None:
        opened = open_bundled(options.bundle, options.block_hash)
        with opened.bundle as bundle:
            check_replaceable(options.proof, bundle)
            return _run(options, head, opened, bundle)
    opened = open_source(options)
    if options.proof is None:
        return _run(options, head, opened, None)
    save_bundle(options, opened)
    opened = open_bundled(options.proof)
    with opened.bundle as bundle:
        return _run(options, head, opened, bundle)


def _run(options: argparse.Namespace, head: Any, opened: OpenCircle, bundle: Any) -> int:
    """bundle: in place of gateways; None without."""
    from ledger.audit.claims import make_account_claim, make_verdict_claim, write_with_claim
    from ledger.audit.tracing import Room, check_traceable
    from ledger.judging.provenance import explain_untraceable

    number, seat = _choose_model(options, head, opened)
    _check_seats(options, opened.history)
    reason = explain_untraceable(opened.history.manifest.rule)
    if options.verdicts or (reason is not None and not _asks_for_shares(options)):
        last = check_traceable(opened.history, number, seat, by_verdicts=True)
        _tell_verdicts(options, opened, last, None if options.verdicts else reason)
        if options.proof is not None:
            claim = make_verdict_claim(bundle.name, opened.history, last, seat, options.of)
            write_with_claim(bundle, options.proof, claim)
        return 0
    wanted = check_traceable(opened.history, number, seat)
    with Room() as room:
        told = account_for(opened, wanted, seat, room, lambda: _open_blobs(options, opened, bundle))
        if head is not None:
            _check_same(head, opened, told)
        remainder = None if options.without is None else _write_without(options, opened, told)
        if options.graph is not None:
            _draw(options, told)
        if options.proof is not None:
            write_with_claim(bundle, options.proof, make_account_claim(bundle.name, told.traced, options.of))
        _print(options, told, remainder)
    return 0


def _check_options(options: argparse.Namespace) -> None:
    """Raises UsageError."""
    if options.model is not None and (options.round is not None or options.seat is not None):
        raise UsageError("MODEL names its round and seat itself: leave --round and --seat out")
    if (options.without is None) != (options.out is None):
        raise UsageError("--without SEAT and --out FILE go together: give both")
    if options.mixings and (options.verdicts or not options.json):
        raise UsageError("--mixings adds to what --json tells of shares: give it with --json, without --verdicts")
    if options.task is not None and options.without is None:
        raise UsageError("--task goes with --without: it measures what is left of the model")
    if options.verdicts and _asks_for_shares(options):
        raise UsageError("--verdicts tells of no model's values: leave MODEL, --without and --graph out")
    for path in (options.out, options.graph, options.proof):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"there is no folder {path.parent} to write to: choose another name than {path}")
    if options.graph is not None and options.graph.suffix.lower() not in (".svg", ".png"):
        raise UsageError(f"--graph {options.graph} ends in neither .svg nor .png: name it so")


def _asks_for_shares(options: argparse.Namespace) -> bool:
    return any(one is not None for one in (options.model, options.without, options.graph))


def _check_seats(options: argparse.Namespace, history: Any) -> None:
    for name in ("of", "without", "seat"):
        seat = getattr(options, name)
        if seat is not None and seat not in history.seats:
            newest = max(history.seats, default=0)
            raise UsageError(f"--{name} {seat}: the circle has no such seat: its seats are 0..{newest}")


def _read_head(path: Path) -> Any:
    from node.models.model_file import read_head

    return read_head(path)


def _choose_model(options: argparse.Namespace, head: Any, opened: OpenCircle) -> tuple[int | None, int | None]:
    """Round and seat that are meant; None: the last one, the circle's model. Raises UsageError, SetupError."""
    if head is None:
        return options.round, options.seat
    facts, network = head.read_facts(), opened.circle.network
    if (facts.chain_id, facts.contract) != (network.chain_id, network.contract.lower()):
        raise UsageError(
            f"{options.model} is of circle {facts.contract} on chain {facts.chain_id}, not of"
            f" {network.contract.lower()} on chain {network.chain_id}: name that circle's file"
        )
    return facts.round, facts.seat


def _check_same(head: Any, opened: OpenCircle, told: Any) -> None:
    """Whether a file holds the model that was accounted for. Raises SetupError."""
    import numpy as np

    from node.models.verification import compare_layout, read_state

    layout = opened.history.manifest.layout
    differing = compare_layout(head, layout)
    if not differing:
        state, off = read_state(head, layout)
        if off or not np.array_equal(state, told.traced.target.model):
            differing = [f"its values are not those of {told.whose}"]
    if differing:
        raise SetupError(
            f"{head.path} is not the model that it says it is: {differing[0]}: `folkmoot model verify` tells more"
        )


@asynccontextmanager
async def _open_blobs(options: argparse.Namespace, opened: OpenCircle, bundle: Any) -> AsyncIterator[Any]:
    """A bundle's, or those of this machine and of the gateways."""
    from node.models.own_blobs import OwnBlobsFirst

    if bundle is not None:
        yield BundleFetch(bundle)
        return
    async with open_gateways(opened.history, options.timeout, options.ipfs_api) as gateways:
        yield gateways if options.folder is None else OwnBlobsFirst(options.folder, gateways)


def _tell_verdicts(options: argparse.Namespace, opened: OpenCircle, last: int, reason: str | None) -> None:
    """Whom updates can have reached, from the chain alone."""
    from node.cli.trace_lines import describe_verdicts, make_verdict_fields

    history = opened.history
    seats = sorted(history.seats) if options.of is None else [options.of]
    if options.json:
        print_json(make_verdict_fields(history, last, seats, options.seat) | {"why_no_shares": reason})
        return
    if reason is not None:
        say(f"shares   none under rule {history.manifest.rule}: {reason}")
    for line in describe_verdicts(history, last, seats, options.seat):
        say(line)


def _write_without(options: argparse.Namespace, opened: OpenCircle, told: Any) -> dict[str, Any]:
    """The model less a seat's part, in a file, and the figures of both where they can be measured."""
    from node.cli.trace_lines import sum_parts
    from node.models.removing import remove_part, write_remainder

    model, manifest = told.traced.target.model, opened.history.manifest
    left = remove_part(model, sum_parts(told, options.without))
    data = write_remainder(options.out, told.facts, options.without, manifest.layout, left)
    written = {"without": options.without, "file": str(options.out), "bytes": len(data)}
    return written | _measure(options, manifest, model, left)


def _measure(options: argparse.Namespace, manifest: Any, model: Any, left: Any) -> dict[str, Any]:
    """Figures of the model and of what is left of it; none, and why, where there are no data here."""
    from node.cli.opened import load_circle_task
    from node.learning.training import use_one_thread
    from node.models.removing import measure_both

    use_one_thread()
    try:
        whole, without = measure_both(
            load_circle_task(
                manifest, options.task, options.frozen, own=parse_task_options(options), data=options.data
            ),
            manifest,
            model,
            left,
        )
    except (UsageError, SetupError) as error:
        return {"figures": None, "figures_without": None, "why_no_figures": str(error)}
    return {"figures": whole, "figures_without": without, "why_no_figures": None}


def _draw(options: argparse.Namespace, told: Any) -> None:
    from node.cli.trace_picture import draw_graph

    draw_graph(options.graph, told, options.of)


def _print(options: argparse.Namespace, told: Any, remainder: dict[str, Any] | None) -> None:
    from node.cli.trace_lines import (
        describe_account,
        describe_inclusion,
        describe_remainder,
        make_fields,
        make_mixing_fields,
    )

    if options.json:
        mixed = {"rounds": make_mixing_fields(told)} if options.mixings else {}
        print_json(make_fields(told) | mixed | ({} if remainder is None else {"remainder": remainder}))
        return
    lines = describe_account(told) if options.of is None else describe_inclusion(told, options.of)
    for line in lines:
        say(line)
    for line in describe_remainder(remainder) if remainder is not None else ():
        say(line)
    if options.graph is not None:
        say(f"graph    {options.graph}")
    if options.proof is not None:
        say(f"proof    {options.proof}: check it with `folkmoot trace --check {options.proof}`")
