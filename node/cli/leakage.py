"""`folkmoot leakage`: measure what published updates give away of single examples, on this machine alone."""

import argparse
import os
import shlex
import time
from pathlib import Path
from typing import Any, Final

from ledger.errors import UsageError
from node.cli.opened import load_circle_task, open_named
from node.cli.options import (
    Subparsers,
    add_codec,
    add_frozen,
    add_json,
    add_rpc,
    add_task,
    parse_privacy,
    parse_task_options,
    print_json,
)
from node.operating.printing import say

_STAND_INS: Final = (8, 1000)
_ROUNDS_MAX: Final = 1000
_DELTA: Final = "1e-5"


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("leakage", help="measure what updates give away of your data", description=__doc__)
    add_task(parser)
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="of a node that is stopped: measure what it published, and stand-ins from the bases that it had;"
        " --samples, --skew, --seat, --peers, --rounds and --codec are then the circle's",
    )
    parser.add_argument(
        "--circle", type=Path, default=Path("circle.json"), help="with --folder: the file `folkmoot deploy` wrote"
    )
    add_frozen(parser)
    add_rpc(parser)
    parser.add_argument("--seat", type=int, default=0, help="whose data (default 0)")
    parser.add_argument("--peers", type=int, default=8, help="of so many seats (default 8)")
    parser.add_argument("--rounds", type=int, default=3, help="that are published (default 3)")
    add_codec(parser)
    parser.add_argument(
        "--stand-ins",
        type=int,
        default=32,
        help="peers that are imagined and attacked; more make the figures surer (default 32)",
    )
    parser.add_argument(
        "--what-if",
        metavar="NAME=VALUE,…",
        help="measure the same with privacy terms beside it: epsilon=8 and so on",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a page (HTML) besides, to read and keep: figures, curves, the most exposed records",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print; no data, and nothing that was measured, is sent anywhere."""
    import numpy as np

    from node.cli.leakage_lines import describe_leakage, make_fields
    from node.learning.training import use_one_thread

    _check_range("--stand-ins", options.stand_ins, *_STAND_INS)
    if options.report is not None:
        _check_report(options.report)
    use_one_thread()
    rng = np.random.default_rng(abs(options.seed))
    setting = make_from_task(options, rng) if options.folder is None else make_from_folder(options, rng)
    ways = measure_ways(setting, options, rng)
    if options.json:
        print_json(make_fields(setting, ways))
    else:
        for line in describe_leakage(setting, ways):
            say(line)
    if options.report is not None:
        write_report(setting, ways, options)
    return 0


def write_report(setting: Any, ways: list[Any], options: argparse.Namespace) -> None:
    """The page of --report, whole, for its owner's eyes. Raises OSError."""
    from ledger.files import write_whole
    from node.cli.leakage_report import Making, encode_report
    from node.operating.wording import format_time

    making = Making(make_command(options), options.seed, format_time(time.time()), name_versions())
    write_whole(options.report, encode_report(setting, ways, making), through=options.report.parent)
    if not options.json:
        say(f"report    {options.report}")


def make_command(options: argparse.Namespace) -> str:
    """What to type to measure the same again, defaults written out. No endpoint: one may hold a password."""
    words = ["folkmoot", "leakage", "--task", options.task, "--seed", options.seed]
    if options.folder is None:
        words += ["--skew", options.skew, "--samples", options.samples, "--seat", options.seat]
        words += ["--peers", options.peers, "--rounds", options.rounds, "--codec", options.codec]
    else:
        words += ["--folder", options.folder, "--circle", options.circle]
    words += [word for text in options.option for word in ("--option", text)]
    words += [] if options.data is None else ["--data", options.data]
    words += ["--stand-ins", options.stand_ins]
    words += [] if options.what_if is None else ["--what-if", options.what_if]
    return shlex.join(map(str, words))


def name_versions() -> str:
    """Of this program and of what trains and reckons under it."""
    from node.operating.versions import find_version

    return ", ".join(f"{name} {find_version(name)}" for name in ("folkmoot", "torch", "numpy", "scipy"))


def _check_report(path: Path) -> None:
    """Before minutes are spent on what cannot be written. Raises UsageError."""
    if not path.parent.is_dir():
        raise UsageError(f"--report: there is no folder {path.parent}: make it, or name another file")
    if path.exists() and not path.is_file():
        raise UsageError(f"--report: {path} is no file: name one in that folder or beside it")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"--report: the folder {path.parent} cannot be written to: name another file")


def make_from_task(options: argparse.Namespace, rng: Any) -> Any:
    """The Setting of a task and data alone. Raises UsageError, SetupError."""
    from ledger.codec import CODECS
    from node.leakage.setting import make_setting
    from node.tasks.interface import load_task

    _check_range("--rounds", options.rounds, 1, _ROUNDS_MAX)
    if options.codec not in CODECS:
        raise UsageError(f"--codec {options.codec[:20]!r} is none of {', '.join(CODECS)}: choose one of them")
    own = parse_task_options(options)
    task = load_task(
        options.task,
        skew=options.skew,
        seed=options.seed,
        samples=options.samples,
        options=own,
        typed=own.keys(),
        data=options.data,
    )
    return make_setting(
        task,
        seat=options.seat,
        seats=options.peers,
        seed=options.seed,
        codec=options.codec,
        rounds=options.rounds,
        rng=rng,
    )


def make_from_folder(options: argparse.Namespace, rng: Any) -> Any:
    """The Setting of a stopped node's folder and its circle. Raises UsageError, SetupError."""
    from node.cli.privacy_lines import find_places
    from node.leakage.own_steps import read_own_steps
    from node.leakage.setting import make_own_setting

    if not options.folder.is_dir():
        raise UsageError(
            f"there is no folder {options.folder}: name the one that `folkmoot node --folder` was given"
        )
    opened = open_named(options)
    circle, history = opened.circle, opened.history
    named = None if options.task == "auto" else options.task
    own = parse_task_options(options)
    task = load_circle_task(history.manifest, named, options.frozen, own=own, data=options.data)
    steps = read_own_steps(find_places(opened, options.folder), history, circle.network.domain_separator)
    seats = max(circle.terms.start_seats, steps.seat + 1)
    return make_own_setting(task, history.manifest, steps, seats=seats, rng=rng)


def measure_ways(setting: Any, options: argparse.Namespace, rng: Any) -> list[Any]:
    """A `Way` as it is, and one with the terms of --what-if."""
    from ledger.privacy.planning import compute_outlook, describe_full_rate
    from node.cli.leakage_lines import Way
    from node.leakage.experiment import measure_leakage
    from node.leakage.setting import compute_spent_epsilon, count_stated, with_privacy

    stated = count_stated(setting)
    # A member with few examples may ask what its circle's terms do for it.
    terms = parse_privacy(options.what_if, setting.rounds, stated, "--what-if", is_for_all=False)
    if terms is not None and (held := compute_outlook(terms, setting.rounds, stated).rounds) < setting.rounds:
        raise UsageError(
            f"--what-if: with that noise the budget holds {held} of {setting.rounds} rounds: leave sigma out, and"
            " it is chosen for you"
        )

    def measure(name: str, what: Any, its_terms: Any) -> Any:
        delta = _DELTA if its_terms is None else its_terms.delta
        found = measure_leakage(what, stand_ins=options.stand_ins, rng=rng, delta=float(delta))
        if its_terms is None:
            return Way(name, found, None, delta)
        return Way(
            name, found, compute_spent_epsilon(what, its_terms), delta, describe_full_rate(its_terms, stated)
        )

    ways = [measure("as it is", setting, setting.terms)]
    if terms is not None:
        ways.append(measure(f"with {options.what_if}", with_privacy(setting, terms), terms))
    return ways


def _check_range(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{option} is {least} to {most}, not {value}")
