"""`folkmoot model`: take a model out of a circle as a file that any tool reads; check and compare such files."""

import argparse
import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ledger.errors import SetupError, UsageError
from node.cli.opened import open_named
from node.cli.options import (
    DEFAULT_RPC,
    Subparsers,
    add_data,
    add_device,
    add_frozen,
    add_ipfs_api,
    add_json,
    add_option,
    add_rpc,
    add_rule_file,
    choose_rpc_urls,
    parse_patience,
    parse_task_options,
    print_json,
)
from node.cli.recomputing import (
    add_timeout,
    check_timeout,
    describe_base_lacking,
    describe_lacking,
)
from node.models.gateways import open_gateways
from node.opened_circle import OpenCircle, open_address, open_bundled
from node.operating.printing import caution, say


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("model", help="take a model out of a circle as a file", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    export = _add_action(actions, "export", "write a circle's model, or a seat's base, as safetensors", run_export)
    export.add_argument(
        "--round", type=int, metavar="R", help="after this round (default: the last settled; 0: the genesis)"
    )
    export.add_argument("--seat", type=int, metavar="S", help="this seat's base (default: the circle's model)")
    export.add_argument("--out", type=Path, default=Path("model.safetensors"), help="the file to write")
    add_bundle(export)
    add_source(export)
    verify = _add_action(
        actions, "verify", "say which circle, round and seat a model's file is of, or where it differs", run_verify
    )
    verify.add_argument("file", type=Path, metavar="FILE")
    add_bundle(verify)
    add_source(verify)
    evaluate = _add_action(
        actions, "evaluate", "measure a model's file on the task's held-out data, beside the circle's", run_evaluate
    )
    evaluate.add_argument("file", type=Path, metavar="FILE")
    evaluate.add_argument(
        "--round",
        type=int,
        metavar="R",
        help="beside the models of this round (default: the file's, else the last)",
    )
    evaluate.add_argument("--task", help="FILE.py:CLASS where the circle's task is no built-in one")
    add_option(evaluate)
    add_data(evaluate)
    add_frozen(evaluate)
    add_device(evaluate)
    add_bundle(evaluate)
    add_source(evaluate)
    diff = _add_action(actions, "diff", "compare two models' files tensor by tensor", run_diff)
    diff.add_argument("first", type=Path, metavar="A")
    diff.add_argument("second", type=Path, metavar="B")
    add_json(diff)


def _add_action(actions: Subparsers, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """--bundle and --block-hash; beside `add_source`."""
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE",
        help="instead of a circle and its gateways: the bundle that `folkmoot audit --save` wrote; no network is"
        " used",
    )
    parser.add_argument(
        "--block-hash",
        metavar="0x…",
        help="of the block that the bundle is of, from elsewhere: another one is refused",
    )


def add_source(parser: argparse.ArgumentParser) -> None:
    """Which circle, and where its blobs come from; --json."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--circle",
        type=Path,
        metavar="FILE",
        default=Path("circle.json"),
        help="the file `folkmoot deploy` wrote (default circle.json)",
    )
    where.add_argument("--contract", metavar="ADDRESS", help="instead of a circle file")
    add_rpc(parser)
    add_rule_file(parser)
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="of a node on this machine, running or not: its blobs are taken first, others' gateways asked for the"
        " rest",
    )
    add_timeout(parser)
    add_ipfs_api(parser)
    add_json(parser)


def open_source(options: argparse.Namespace) -> OpenCircle:
    """The circle that --circle, --contract or --bundle names. Raises UsageError, SetupError."""
    check_timeout(options)
    if getattr(options, "bundle", None) is not None:
        if options.contract is not None or options.folder is not None:
            raise UsageError("--bundle has all that is looked at: leave --contract and --folder out")
        return open_bundled(options.bundle, options.block_hash)
    if getattr(options, "block_hash", None) is not None:
        raise UsageError("--block-hash goes with --bundle")
    if options.contract is None:
        return open_named(options)
    return open_address(options.contract, choose_rpc_urls(options) or [DEFAULT_RPC], parse_patience(options))


def recompute(opened: OpenCircle, options: argparse.Namespace, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What some work with the `Source` of a circle gives. Raises SetupError where a blob is not to be had."""
    from ledger.fetch.fetcher import Unavailable
    from node.duties.circle_model import BaseLacking
    from node.models.bundled import BundledBlobs, WalkedSource
    from node.models.own_blobs import OwnBlobsFirst
    from node.models.taking_out import Source, find_blocks

    about = opened.circle.network, opened.history, find_blocks(opened.placed)

    async def run() -> Any:
        if opened.bundle is not None:
            return await work(WalkedSource(*about, BundledBlobs(opened.bundle)))
        async with open_gateways(opened.history, options.timeout, options.ipfs_api) as gateways:
            fetch = gateways if options.folder is None else OwnBlobsFirst(options.folder, gateways)
            return await work(Source(*about, fetch))

    later = "try again when more members are up" if opened.bundle is None else "take a bundle of more of its rounds"
    try:
        return asyncio.run(run())
    except BaseLacking as error:
        raise SetupError(
            f"{describe_base_lacking(opened.history, error)}: {later}, or name another round"
        ) from error
    except Unavailable as error:
        raise SetupError(f"nobody gives that circle's genesis ({describe_lacking(error)}): {later}") from error
    finally:
        if opened.bundle is not None:
            opened.bundle.close()


def run_export(options: argparse.Namespace) -> int:
    """Recompute a model and write it."""
    from ledger.judging.circle_model import find_last_settled
    from node.cli.model_lines import describe_export
    from node.models.model_file import write_model_file

    if not options.out.parent.is_dir():
        raise UsageError(f"there is no folder {options.out.parent} to write to: choose another --out")
    opened = open_source(options)
    asked = find_last_settled(opened.history) if options.round is None else options.round

    async def take_out(source: Any) -> tuple[Any, Any]:
        found = await source.recompute(asked, options.seat)
        return source.make_facts(found), found.state

    facts, state = recompute(opened, options, take_out)
    data = write_model_file(options.out, facts, opened.history.manifest.layout, state)
    written = {
        "file": str(options.out),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "asked_round": asked,
    }
    if options.json:
        print_json(facts.encode() | written)
    else:
        for line in describe_export(facts, written):
            say(line)
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Recompute what a file says to be, and compare. 0: it is that; 1: it is not."""
    from node.cli.model_lines import describe_verification, make_verification_fields
    from node.models.model_file import read_head
    from node.models.verification import verify_model

    head = read_head(options.file)
    opened = open_source(options)
    with show_progress() as progress:
        found = recompute(opened, options, lambda source: verify_model(head, source, progress))
    where = {"contract": opened.circle.network.contract.lower(), "chain_id": opened.circle.network.chain_id}
    if options.json:
        print_json({"file": str(options.file)} | where | make_verification_fields(found))
    else:
        for line in describe_verification(options.file, head.metadata, where, found):
            say(line)
    return 0 if found.is_clean else 1


@contextmanager
def show_progress() -> Iterator[Any]:
    """A bar that counts rounds, on stderr, where that is a terminal."""
    from rich.progress import Progress

    from node.operating.console import CleanConsole

    console = CleanConsole(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        rounds = bar.add_task("recomputing", total=None)

        def show(done: int, total: int) -> None:
            bar.update(rounds, description=f"{done} of {total} rounds", completed=done, total=total)

        yield show


def run_evaluate(options: argparse.Namespace) -> int:
    """Measure a file and the models of a round."""
    from node.cli.model_lines import describe_evaluated, make_evaluated_fields
    from node.cli.opened import load_circle_task
    from node.learning.devices import choose_device
    from node.learning.training import use_one_thread
    from node.models.evaluation import Evaluated, Judge, evaluate_round, read_vector, recompute_round
    from node.models.model_file import read_head

    use_one_thread()
    head = read_head(options.file)
    opened = open_source(options)
    manifest = opened.history.manifest
    vector = read_vector(head, manifest)
    own = parse_task_options(options)
    task = load_circle_task(manifest, options.task, options.frozen, own=own, data=options.data)
    task = replace(task, device=choose_device(options.device))
    judge = Judge(task, manifest, _find_own_part(opened, options))
    number = _choose_round(options, head.metadata, opened.history)
    rows = [Evaluated(str(options.file), None, None, judge.judge(vector))]
    models = recompute(opened, options, lambda source: recompute_round(source, number))
    rows += evaluate_round(judge, models)
    if options.json:
        print_json({"round": number, "task": manifest.task, "models": make_evaluated_fields(rows)})
        return 0
    for line in describe_evaluated(rows, number, opened.history, task.told_figures):
        say(line)
    if judge.at_home and options.folder is None:
        caution(
            f"{judge.at_home[0]} stays at home, so no file holds it: measured as the task makes it; name a node's"
            " folder with --folder to measure as that node answers"
        )
    return 0


def _choose_round(options: argparse.Namespace, metadata: Any, history: Any) -> int:
    """--round, else the file's where the circle has it, else the last settled. Raises UsageError."""
    from ledger.judging.circle_model import find_last_settled

    last, said = find_last_settled(history), metadata.get("round", "")
    if options.round is not None:
        if not 0 <= options.round <= last:
            raise UsageError(f"round {options.round} is not settled: name one of 0..{last}")
        return int(options.round)
    is_number = said.isascii() and said.isdigit() and len(said) < 10
    return min(int(said), last) if is_number else last


def _find_own_part(opened: OpenCircle, options: argparse.Namespace) -> Any:
    """What the node of --folder answers with, an `OwnPart`; None without, or where it is no member here."""
    if options.folder is None:
        return None
    from node.cli.privacy_lines import find_places
    from node.models.evaluation import find_own_part

    return find_own_part(
        find_places(opened, options.folder), opened.history, opened.circle.network.domain_separator
    )


def run_diff(options: argparse.Namespace) -> int:
    """Compare two files. 0: they are the same in values and metadata; 1: they are not."""
    from node.cli.model_lines import describe_difference, make_difference_fields
    from node.models.differing import compare_files
    from node.models.model_file import read_head

    found = compare_files(read_head(options.first), read_head(options.second))
    if options.json:
        print_json(make_difference_fields(found))
    else:
        for line in describe_difference(options.first, options.second, found):
            say(line)
    return 0 if found.is_none else 1
