"""`folkmoot leakage`: measure what published updates give away of single examples, on this machine alone."""

import argparse
from typing import Any, Final

from ledger.errors import UsageError
from node.cli.options import Subparsers, add_codec, add_json, add_task, parse_privacy, print_json
from node.operating.printing import say

_STAND_INS: Final = (8, 1000)
_ROUNDS_MAX: Final = 1000
_DELTA: Final = 1e-5


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("leakage", help="measure what updates give away of your data", description=__doc__)
    add_task(parser)
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
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure and print; nothing is sent, and nothing is written."""
    import numpy as np

    from ledger.codec import CODECS
    from node.cli.leakage_lines import describe_leakage, make_fields
    from node.leakage.setting import make_setting
    from node.learning.training import use_one_thread
    from node.tasks.interface import load_task

    _check_range("--stand-ins", options.stand_ins, *_STAND_INS)
    _check_range("--rounds", options.rounds, 1, _ROUNDS_MAX)
    if options.codec not in CODECS:
        raise UsageError(f"--codec {options.codec[:20]!r} is none of {', '.join(CODECS)}: choose one of them")
    use_one_thread()
    rng = np.random.default_rng(abs(options.seed))
    task = load_task(options.task, skew=options.skew, seed=options.seed, samples=options.samples)
    setting = make_setting(
        task,
        seat=options.seat,
        seats=options.peers,
        seed=options.seed,
        codec=options.codec,
        rounds=options.rounds,
        rng=rng,
    )
    ways = measure_ways(setting, options, rng)
    if options.json:
        print_json(make_fields(setting, options, ways))
        return 0
    for line in describe_leakage(setting, options, ways):
        say(line)
    return 0


def measure_ways(setting: Any, options: argparse.Namespace, rng: Any) -> list[Any]:
    """A `Way` as it is, and one with the terms of --what-if."""
    from ledger.privacy.planning import compute_outlook
    from node.cli.leakage_lines import Way
    from node.leakage.experiment import measure_leakage
    from node.leakage.setting import count_stated, with_privacy

    stated = count_stated(setting)
    terms = parse_privacy(options.what_if, setting.rounds, stated, "--what-if")
    outlook = None if terms is None else compute_outlook(terms, setting.rounds, stated)
    if outlook is not None and outlook.rounds < setting.rounds:
        raise UsageError(
            f"--what-if: with that noise the budget holds {outlook.rounds} of {setting.rounds} rounds: leave sigma"
            " out, and it is chosen for you"
        )

    def measure(what: Any, delta: float) -> Any:
        return measure_leakage(what, stand_ins=options.stand_ins, rng=rng, delta=delta)

    ways = [Way("as it is", measure(setting, _DELTA), None)]
    if terms is not None and outlook is not None:
        found = measure(with_privacy(setting, terms), float(terms.delta))
        ways.append(Way(f"with {options.what_if}", found, outlook.epsilon_milli / 1000))
    return ways


def _check_range(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{option} is {least} to {most}, not {value}")
