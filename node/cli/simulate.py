"""`folkmoot simulate`: hundreds of peers in this process, under attack, and what became of them."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import UsageError
from node.cli.attack_options import add_attack
from node.cli.bench_options import add_bench
from node.cli.options import (
    Subparsers,
    add_device,
    add_json,
    add_privacy,
    add_rule,
    add_sent_share,
    add_task,
    print_json,
)
from node.cli.tracked_simulations import TrackedRuns, tracked_simulations
from node.cli.tracking import add_track, parse_track
from node.operating.lifeline import ended_in_order
from node.operating.printing import say, say_lines
from node.operating.wording import format_seats

if TYPE_CHECKING:
    from node.simulator import Results, Row, Runs, Scenario

    Tell = Callable[[Sequence[Row]], None]

ENGINES = ("local", "ray")


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("simulate", help="run hundreds of peers in one process", description=__doc__)
    parser.add_argument("--peers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--degree", type=int, default=10, help="neighbours a peer judges in a round")
    add_task(parser)
    add_bench(parser)
    add_rule(parser)
    parser.add_argument("--compare", metavar="RULE,RULE", help="several rules side by side, in place of --rule")
    parser.add_argument(
        "--baseline",
        metavar="NAME,NAME",
        help="beside them, over the same data: fedavg (a server averages), central (one model on all data), alone",
    )
    parser.add_argument(
        "--seeds", metavar="N-N", help="once for each, as 0-4 or 0,3,7, in place of --seed: means and intervals"
    )
    parser.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="every combination of these: task, peers, rounds, samples, degree, skew, attack, malicious, sight,"
        " partition, topology,"
        " drift, churn, codec, sent-share, option.NAME, or rule-, attack-, partition- or"
        " topology-parameter.NAME; repeatable",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to run them in (default 1)")
    add_attack(parser, "honest", "what the malicious peers do")
    parser.add_argument(
        "--malicious",
        default="0",
        metavar="SHARE",
        help="of peers that attack, e.g. 0.2; or their seats: seats:3,7",
    )
    parser.add_argument(
        "--sight",
        default="round",
        help="attackers know the honest updates of this `round`, or as the `network` shows them",
    )
    _add_circumstances(parser)
    parser.add_argument("--evaluate-every", type=int, default=1, metavar="ROUNDS")
    parser.add_argument("--test-examples", default="2000", metavar="N", help="that judge a model, or all")
    parser.add_argument("--records", action="store_true", help="make every blob and record of a real circle too")
    parser.add_argument("--engine", default="local", help="local, or ray: spread over a Ray cluster")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write rounds.csv, runs.csv, means.csv, summary.json, table.md and rounds.png",
    )
    parser.add_argument("--parquet", action="store_true", help="write rounds.parquet as well")
    add_track(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def _add_circumstances(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--codec", help="of the public states")
    add_sent_share(parser)
    add_device(parser)
    add_privacy(parser)
    parser.add_argument("--no-error-feedback", action="store_true", help="forget what the codec leaves over")
    parser.add_argument(
        "--late", action="append", default=[], metavar="SEAT:ROUND", help="a seat that joins later; repeatable"
    )
    parser.add_argument("--own-initialisations", action="store_true", help="no two peers start from the same state")
    parser.add_argument("--drift", type=float, default=0.0, help="share of a peer's data that changes each round")
    parser.add_argument("--churn", type=float, default=0.0, help="probability that a peer misses a round")
    parser.add_argument("--no-reputation", action="store_true", help="nobody is quarantined or ejected")


def run(options: argparse.Namespace) -> int:
    """Simulate, print the table, write the files."""
    from node.cli.scenarios import make_scenarios
    from node.simulator import Results, Row, simulate_all, write_files
    from node.simulator.files import fields_of, fields_of_means

    scenarios = make_scenarios(options)
    _check_together(options)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    places = parse_track(options)
    with (
        ended_in_order(),
        tracked_simulations(places, scenarios) as tracked,
        _make_progress(scenarios, options.json) as advance,
    ):

        def tell(rows: Sequence[Row]) -> None:
            advance(rows)
            tracked.tell(rows)

        def tell_all(one: Results) -> None:
            tracked.start(one.scenario)
            tell(one.rows)

        if options.jobs > 1:
            runs = simulate_all(scenarios, jobs=options.jobs, watch=tell_all)
        else:
            runs = simulate_all(scenarios, run=partial(_simulate, options.engine, tracked, tell))
    if options.out is not None:
        write_files(runs, options.out, with_parquet=options.parquet)
    if options.json:
        print_json({"simulations": [fields_of(one) for one in runs], "means": fields_of_means(runs)})
    else:
        _print(runs)
    return 0


def _check_together(options: argparse.Namespace) -> None:
    """Raises UsageError for options that say nothing without each other, or too much."""
    if options.engine not in ENGINES:
        raise UsageError(f"engine {options.engine!r} is unknown: choose {', '.join(ENGINES)}")
    if options.jobs < 1:
        raise UsageError(f"{options.jobs} jobs: give at least 1")
    if options.engine != "local" and options.jobs > 1:
        raise UsageError("--jobs is for --engine local: leave it out, the cluster has processes of its own")
    if options.parquet and options.out is None:
        raise UsageError("--parquet wants a folder to write to: give --out FOLDER too")


def _simulate(engine: str, tracked: TrackedRuns, tell: "Tell", scenario: "Scenario") -> "Results":
    from node.simulator import simulate

    tracked.start(scenario)
    if engine == "local" or scenario.baseline is not None:
        return simulate(scenario, tell=tell)
    from node.simulator.ray_engine import RayEngine

    cluster = RayEngine(scenario)
    try:
        return simulate(scenario, engine=cluster, tell=tell)
    finally:
        cluster.close()


def _print(runs: "Runs") -> None:
    """The table, what the grid did not hold, and what privacy was spent."""
    from node.own_code.own_objects import label_of

    say_lines(str(runs))
    for one in runs:
        for number, misfit in one.misfits:
            say(f"caution  rule {one.scenario.method}, from round {number} on: tensor {misfit}")
    lines: dict[str, None] = {}
    for one in runs:
        if not one.scenario.is_networks and one.scenario.baseline is None:
            name = label_of(one.scenario.topology)
            lines[f"caution  topology {name} is the simulator's alone: a circle's contract draws its own"] = None
        epsilons = one.epsilon_spent
        for epsilon in sorted(set(epsilons.values()), reverse=True):
            seats = format_seats([seat for seat, its in epsilons.items() if its == epsilon])
            budget = one.scenario.privacy["epsilon"]
            lines[f"privacy  ε {epsilon:.3f} of {budget:g} spent by {seats}; simulated noise"] = None
    for line in lines:
        say(line)


@contextmanager
def _make_progress(scenarios: Sequence["Scenario"], is_quiet: bool) -> "Iterator[Tell]":
    """A bar on stderr, gone when done. Yields what is to be told of a round's rows, or of a run's."""
    from rich.progress import Progress

    from node.operating.console import CleanConsole

    name = scenarios[0].method if len(scenarios) == 1 else f"{len(scenarios)} runs"
    console = CleanConsole(stderr=True, quiet=is_quiet)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"{name}, {scenarios[0].peers} peers", total=sum(one.rounds for one in scenarios))
        yield lambda rows: progress.advance(bar, len({row.round for row in rows}))
