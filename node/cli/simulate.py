"""`folkmoot simulate`: hundreds of peers in this process, under attack, and what became of them."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import UsageError
from node.cli.attack_options import add_attack
from node.cli.options import (
    Subparsers,
    add_json,
    add_privacy,
    add_rule,
    add_sent_share,
    add_task,
    parse_privacy,
    parse_rule_parameters,
    parse_task_options,
    print_json,
)
from node.operating.lifeline import ended_in_order
from node.operating.pairs import parse_pairs
from node.operating.printing import say, say_lines
from node.operating.wording import format_seats

if TYPE_CHECKING:
    from node.simulator import Results, Scenario

ENGINES = ("local", "ray")


def add_parser(commands: Subparsers) -> None:
    """Declare the command."""
    parser = commands.add_parser("simulate", help="run hundreds of peers in one process", description=__doc__)
    parser.add_argument("--peers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--degree", type=int, default=10, help="neighbours a peer judges in a round")
    add_task(parser)
    add_rule(parser)
    parser.add_argument("--compare", metavar="RULE,RULE", help="several rules side by side, in place of --rule")
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
        "--out", type=Path, metavar="FOLDER", help="write rounds.csv, summary.json, table.md, rounds.png"
    )
    parser.add_argument("--parquet", action="store_true", help="write rounds.parquet as well")
    add_json(parser)
    parser.set_defaults(run=run)


def _add_circumstances(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--codec", help="of the public states")
    add_sent_share(parser)
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
    from node.simulator.files import fields_of, markdown_table
    from node.simulator.privacy_spending import compute_spent

    scenarios = _make_scenarios(options)
    if options.parquet and options.out is None:
        raise UsageError("--parquet wants a folder to write to: give --out FOLDER too")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    with ended_in_order():
        results = [_simulate(scenario, options.engine, is_quiet=options.json) for scenario in scenarios]
    if options.out is not None:
        _write(results, options.out, options.parquet)
    # The same for all of them: they differ in their rule.
    spent = compute_spent(scenarios[0])
    if options.json:
        print_json(
            {"simulations": [fields_of(one) for one in results], **({"epsilon_spent": spent} if spent else {})}
        )
    else:
        say_lines(markdown_table(results))
        for one in results:
            for number, misfit in one.misfits:
                say(f"caution  rule {one.scenario.rule}, from round {number} on: tensor {misfit}")
        for epsilon in sorted(set(spent.values()), reverse=True):
            seats = format_seats([seat for seat, its in spent.items() if its == epsilon])
            say(
                f"privacy  ε {epsilon:.3f} of {scenarios[0].privacy['epsilon']:g} spent by {seats}; simulated noise"
            )
    return 0


def _make_scenarios(options: argparse.Namespace) -> list["Scenario"]:
    """One for each rule. Raises UsageError."""
    from ledger.circle.manifest import MalformedManifest
    from ledger.judging.task_checks import check_goes_with_privacy
    from ledger.rules import rule_of
    from node.attacks.settings import parse_attack_parameters
    from node.simulator import Scenario
    from node.simulator.privacy_budget import make_privacy_numbers

    if options.engine not in ENGINES:
        raise UsageError(f"engine {options.engine!r} is unknown: choose {', '.join(ENGINES)}")
    rules = [name.strip() for name in options.compare.split(",")] if options.compare else [options.rule]
    if options.compare and options.rule_parameter:
        raise UsageError("--rule-parameter says nothing about which rule of --compare it is for: use --rule")
    codec = {} if options.codec is None else {"codec": options.codec}
    terms = parse_privacy(options.privacy, options.rounds, options.samples)
    scenarios = [
        Scenario(
            task=options.task,
            peers=options.peers,
            rounds=options.rounds,
            degree=options.degree,
            rule=rule,
            rule_parameters=parse_rule_parameters(options.rule_parameter),
            attack=options.attack,
            attack_parameters=parse_attack_parameters(options.attack_parameter),
            malicious=_parse_malicious(options.malicious),
            sight=options.sight,
            skew=options.skew,
            samples=options.samples,
            seed=options.seed,
            sent_share=options.sent_share,
            error_feedback=not options.no_error_feedback,
            options=parse_task_options(options),
            data=options.data,
            privacy={} if terms is None else make_privacy_numbers(terms),
            late=parse_pairs(options.late, int, ":", int, "--late {} is no pair such as 7:10"),
            own_initialisations=options.own_initialisations,
            drift=options.drift,
            churn=options.churn,
            reputation=not options.no_reputation,
            evaluate_every=options.evaluate_every,
            test_examples=_parse_count(options.test_examples),
            records=options.records,
            **codec,
        )
        for rule in rules
    ]
    if terms is not None:
        try:
            for one in scenarios:
                check_goes_with_privacy(one.rule, rule_of(one.rule, one.rule_parameters), one.codec)
        except MalformedManifest as error:
            raise UsageError(str(error)) from error
    return scenarios


def _simulate(scenario: "Scenario", engine: str, is_quiet: bool) -> "Results":
    from node.simulator import simulate

    with _make_progress(scenario, is_quiet) as watch:
        if engine == "local":
            return simulate(scenario, watch=watch)
        from node.simulator.ray_engine import RayEngine

        cluster = RayEngine(scenario)
        try:
            return simulate(scenario, engine=cluster, watch=watch)
        finally:
            cluster.close()


@contextmanager
def _make_progress(scenario: "Scenario", is_quiet: bool) -> Iterator[Callable[[Any], None]]:
    """A bar on stderr, gone when done."""
    from rich.progress import Progress

    from node.operating.console import CleanConsole

    console = CleanConsole(stderr=True, quiet=is_quiet)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"{scenario.rule}, {scenario.peers} peers", total=scenario.rounds)
        yield lambda _: progress.advance(bar)


def _write(results: Sequence["Results"], folder: Path, with_parquet: bool) -> None:
    from node.simulator import files
    from node.simulator.plots import PLOT_FILE, plot

    files.write_csv(results, folder / files.CSV_FILE)
    if with_parquet:
        files.write_parquet(results, folder / files.PARQUET_FILE)
    files.write_summary(results, folder / files.SUMMARY_FILE)
    (folder / files.TABLE_FILE).write_text(files.markdown_table(results))
    plot(results, folder / PLOT_FILE)


def _parse_malicious(text: str) -> float | tuple[int, ...]:
    kind, colon, seats = text.partition(":")
    try:
        if colon and kind == "seats":
            return tuple(int(seat) for seat in seats.split(","))
        return float(text)
    except ValueError as error:
        raise UsageError(f"--malicious {text[:60]!r}: give a share as 0.2, or seats as seats:3,7") from error


def _parse_count(text: str) -> int | None:
    if text == "all":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(f"--test-examples {text[:60]!r}: give a number, or all") from error
